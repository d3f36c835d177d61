package rewrite

// skipPlain is skipPlainGo for wasm, in assembly: Go's compiler sends every jump within a function through one table there,
// which makes a loop over bytes three times as slow. What it does not decide, an incomplete tag or a name that is hot by its length, it leaves to plainTag and skipTag.
func skipPlain(b []byte, i int) int {
	return skipPlainWasm(b, i, hotNames, &class)
}

//go:noescape
func skipPlainWasm(b []byte, i int, hot *hotTable, class *[256]uint8) int
