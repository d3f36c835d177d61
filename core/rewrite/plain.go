package rewrite

// skipPlainGo returns the index of the first '<' from i on that may begin something else than a complete tag of which nothing depends in
// plain HTML content, len(b) if there is none.
func skipPlainGo(b []byte, i int) int {
	for {
		if i = indexFrom(b, i, '<'); i == len(b) {
			return i
		}
		e := plainTag(b, i)
		if e < 0 {
			return i
		}
		if e = skipTag(b, e); e < 0 {
			return i
		}
		i = e
	}
}
