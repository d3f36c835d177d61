//go:build !wasip1

package main

import "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

// replaceBody lets the package be built and vetted natively.
func replaceBody(_ int, with []byte) error { return proxywasm.ReplaceHttpResponseBody(with) }
