package main

import (
	"errors"
	"strconv"
	"unsafe"
)

//go:wasmimport env proxy_set_buffer_bytes
//go:noescape
func setBufferBytes(buffer, start, size uint32, data unsafe.Pointer, length uint32) uint32

// replaceBody replaces the first n bytes of the response's body. The SDK can
// replace only the whole.
func replaceBody(n int, with []byte) error {
	const responseBody = 1
	status := setBufferBytes(responseBody, 0, uint32(n), unsafe.Pointer(unsafe.SliceData(with)), uint32(len(with)))
	if status != 0 {
		return errors.New("proxy_set_buffer_bytes: status " + strconv.Itoa(int(status)))
	}
	return nil
}
