package report

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible returns s with every character that acts on text instead of being
// text written as an escape: control characters (\n, \u{1B}), bidirectional
// controls and other format characters (\u{202E}), line separators, private
// use and unassigned ones. What is left can be printed to a terminal, a log or
// a page without moving or hiding what stands beside it.
func Visible(s string) string { return clean(s, len(s)*maxVisible) }

// maxVisible is the length of the longest escape.
const maxVisible = len(`\u{10FFFF}`)

// clean returns Visible text of at most limit bytes, cut between characters and
// never within an escape.
func clean(s string, limit int) string {
	if plain(s) {
		return s[:min(len(s), limit)]
	}
	var b strings.Builder
	for _, r := range s {
		var esc [maxVisible]byte
		c := appendVisible(esc[:0], r)
		if b.Len()+len(c) > limit {
			break
		}
		b.Write(c)
	}
	return b.String()
}

// plain reports whether s is printable ASCII, as nearly all text is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func appendVisible(dst []byte, r rune) []byte {
	switch {
	case r == '\n':
		return append(dst, `\n`...)
	case r == '\r':
		return append(dst, `\r`...)
	case r == '\t':
		return append(dst, `\t`...)
	case unicode.IsPrint(r):
		return utf8.AppendRune(dst, r)
	}
	dst = append(dst, `\u{`...)
	dst = append(dst, strings.ToUpper(strconv.FormatInt(int64(r), 16))...)
	return append(dst, '}')
}
