package rewrite

import "unicode/utf8"

// asciiRefs are the named character references that stand for an ASCII character. Those two without a semicolon too are in
// bareRefs. No other name yields a character that could begin a tag, a scheme or a path.
var asciiRefs = map[string]byte{
	"amp": '&', "AMP": '&', "lt": '<', "LT": '<', "gt": '>', "GT": '>', "quot": '"', "QUOT": '"', "apos": '\'',
	"Tab": '\t', "NewLine": '\n', "excl": '!', "num": '#', "dollar": '$', "percnt": '%', "lpar": '(', "rpar": ')',
	"ast": '*', "midast": '*', "plus": '+', "comma": ',', "period": '.', "sol": '/', "colon": ':', "semi": ';',
	"equals": '=', "quest": '?', "commat": '@', "lsqb": '[', "lbrack": '[', "bsol": '\\', "rsqb": ']', "rbrack": ']',
	"Hat": '^', "lowbar": '_', "UnderBar": '_', "grave": '`', "DiacriticalGrave": '`', "lcub": '{', "lbrace": '{',
	"verbar": '|', "vert": '|', "VerticalLine": '|', "rcub": '}', "rbrace": '}',
}

func bareRef(name string) bool {
	switch name {
	case "amp", "AMP", "lt", "LT", "gt", "GT", "quot", "QUOT":
		return true
	}
	return false
}

// decodeValue appends to dst the attribute value v with its character references decoded (HTML 13.2.5.72 on). It reports
// false where a named reference stands for something that asciiRefs does not list; the reference is then left as it is.
func decodeValue(dst, v []byte) ([]byte, bool) {
	exact := true
	for i := 0; i < len(v); {
		if v[i] != '&' {
			dst = append(dst, v[i])
			i++
			continue
		}
		n, ok := 0, true
		dst, n, ok = decodeRef(dst, v[i:])
		exact = exact && ok
		i += n
	}
	return dst, exact
}

// decodeRef decodes one reference at the start of v, which begins with '&', and tells how many bytes it took.
func decodeRef(dst, v []byte) ([]byte, int, bool) {
	if len(v) > 2 && v[1] == '#' {
		if r, n := numericRef(v[2:]); n > 0 {
			return utf8.AppendRune(dst, r), n + 2, true
		}
		return append(dst, '&'), 1, true
	}
	n := 1
	for n < len(v) && isAlnum(v[n]) {
		n++
	}
	semi := n < len(v) && v[n] == ';'
	if n == 1 || !semi && n < len(v) && v[n] == '=' {
		return append(dst, '&'), 1, true
	}
	c, ok := asciiRefs[string(v[1:n])]
	switch {
	case ok && semi:
		return append(dst, c), n + 1, true
	case ok && bareRef(string(v[1:n])):
		return append(dst, c), n, true
	}
	return append(dst, '&'), 1, false
}

func isAlnum(c byte) bool { return isLetter(c) || '0' <= c && c <= '9' }

// numericRef reads what follows "&#" and returns its character and the bytes taken, none if there are no digits
// (HTML 13.2.5.75 to 13.2.5.80).
func numericRef(v []byte) (rune, int) {
	base, i := rune(10), 0
	if v[0]|0x20 == 'x' {
		base, i = 16, 1
	}
	r, first := rune(0), i
	for ; i < len(v); i++ {
		d := digit(v[i])
		if d >= base {
			break
		}
		if r = r*base + d; r > utf8.MaxRune {
			r = utf8.MaxRune + 1
		}
	}
	if i == first {
		return 0, 0
	}
	if i < len(v) && v[i] == ';' {
		i++
	}
	return fixRef(r), i
}

func digit(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return 99
}

// windows1252 is what the references 0x80 to 0x9F stand for; 0 where they stand for themselves.
var windows1252 = [32]rune{
	0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
	0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
}

func fixRef(r rune) rune {
	switch {
	case r == 0 || r > utf8.MaxRune || 0xD800 <= r && r <= 0xDFFF:
		return utf8.RuneError
	case 0x80 <= r && r <= 0x9F && windows1252[r-0x80] != 0:
		return windows1252[r-0x80]
	}
	return r
}
