// Package wasmtest is an in-process proxy-wasm host: it runs a real filter
// (ABI 0.2.0, as Go's wasip1 compiler and proxy-wasm-go-sdk build it) under
// `go test`, on wazero.
//
// Three layers:
//
//   - Module is the compiled .wasm; VM is one instance of it, as each of
//     Envoy's workers has one; Plugin is a plugin context with a configuration.
//   - Stream is one request and response with Envoy's semantics: chunks, pauses,
//     what may be replaced when.
//   - Guest is what a Stream calls. Plugin.NewStream makes one of the .wasm; a
//     test may bring native code as another, and so run the same scenario twice.
//
// Guests get the real clock. wazero's default clock steps one millisecond per
// reading, with which Go's garbage collector stops after about a hundred
// cycles and memory climbs without end.
package wasmtest
