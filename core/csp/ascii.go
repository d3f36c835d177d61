package csp

// Character classes of the policy grammar, one bit each.
const (
	classSpace  = 1 << iota // ASCII white space: TAB, LF, FF, CR, SPACE
	classToken              // VCHAR without ";" and ","
	className               // ALPHA / DIGIT / "-"
	classScheme             // ALPHA / DIGIT / "+" / "-" / "."
	classBase64             // ALPHA / DIGIT / "+" / "/" / "-" / "_"
	classDigit
	classGroup // what follows the first character of a structured-field key
	classUpper
)

var classes = makeClasses()

func makeClasses() (t [256]uint8) {
	for _, c := range []byte{'\t', '\n', '\f', '\r', ' '} {
		t[c] |= classSpace
	}
	for c := 0x21; c <= 0x7e; c++ {
		if c != ';' && c != ',' {
			t[c] |= classToken
		}
	}
	for c := range 26 {
		t['a'+c] |= className | classScheme | classBase64 | classGroup
		t['A'+c] |= className | classScheme | classBase64 | classUpper
	}
	for c := '0'; c <= '9'; c++ {
		t[c] |= className | classScheme | classBase64 | classDigit | classGroup
	}
	t['-'] |= className | classScheme | classBase64 | classGroup
	t['+'] |= classScheme | classBase64
	t['.'] |= classScheme | classGroup
	t['/'] |= classBase64
	t['_'] |= classBase64 | classGroup
	t['*'] |= classGroup
	return t
}

func is(c byte, class uint8) bool { return classes[c]&class != 0 }

// all reports whether every byte of s is of the class; true for "".
func all(s string, class uint8) bool {
	for i := range len(s) {
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return true
}

// isAlpha reports an ASCII letter: the letters are what both a name and a
// scheme may hold and what is no digit and no "-".
func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func lowerByte(c byte) byte {
	if is(c, classUpper) {
		return c + 'a' - 'A'
	}
	return c
}

// lower is ASCII lower-casing; it allocates only if s holds an upper-case letter.
func lower(s string) string {
	for i := range len(s) {
		if is(s[i], classUpper) {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				b[j] = lowerByte(b[j])
			}
			return string(b)
		}
	}
	return s
}

// equalFold compares without regard to ASCII case.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lowerByte(a[i]) != lowerByte(b[i]) {
			return false
		}
	}
	return true
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && equalFold(s[:len(prefix)], prefix)
}

// trimSpace strips leading and trailing ASCII white space and gives how many
// bytes were cut in front.
func trimSpace(s string) (string, int) {
	i, j := 0, len(s)
	for i < j && is(s[i], classSpace) {
		i++
	}
	for j > i && is(s[j-1], classSpace) {
		j--
	}
	return s[i:j], i
}
