//go:build !wasm

package rewrite

func skipPlain(b []byte, i int) int { return skipPlainGo(b, i) }
