package main

import (
	"errors"
	"unsafe"
)

//go:wasmimport wasi_snapshot_preview1 random_get
//go:noescape
func randomGet(buf unsafe.Pointer, size uint32) uint32

var errRandomGet = errors.New("random_get failed")

// random asks the host itself. crypto/rand would do so as well, but since Go
// 1.24 it ends the whole VM when the host refuses; a refusal shall cost the
// nonce only.
func random(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if randomGet(unsafe.Pointer(&p[0]), uint32(len(p))) != 0 {
		return errRandomGet
	}
	return nil
}
