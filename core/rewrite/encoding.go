package rewrite

import (
	"bytes"
	"strings"
)

// encoding follows what is known of the document's encoding (HTML 13.2.3): a byte order mark outranks Content-Type, which outranks
// meta elements. Only bytes are looked at, so any encoding does in which ASCII bytes are ASCII; the others make the stream give up.
type encoding struct {
	kind  charset
	fixed bool // by Content-Type or a byte order mark; meta elements have no say
	meta  bool // by a meta element
	watch bool // the document may be ISO-2022-JP
	seen  int  // bytes of head
	head  [3]byte
}

type charset uint8

const (
	csUnknown charset = iota
	csASCII           // extends ASCII and is not UTF-8
	csUTF8
	csForeign // UTF-16, ISO-2022-JP, or such that browsers replace it all
)

// escapeByte begins the sequences that give the bytes after them another meaning in ISO-2022-JP. Browsers guess it where no
// encoding is declared, and they look for meta elements before they know the tree: one in a CDATA section counts for them (HTML 13.2.3.2).
// So a meta element that says UTF-8 does not end the watch.
const escapeByte = 0x1b

const byteOrderMark = "\xef\xbb\xbf"

func (e *encoding) reset(label string) {
	var buf [maxLabel]byte
	label = strings.Trim(label, " \t\n\f\r")
	if len(label) > maxLabel {
		label = "unknown"
	}
	*e = encoding{kind: charsetOf(append(buf[:0], label...))}
	e.fixed = e.kind != csUnknown
	e.watch = e.kind != csUTF8
}

// maxLabel is longer than every label that matters.
const maxLabel = 40

// charsetOf knows the labels of the encodings that matter (Encoding 4.2). One that browsers don't know either counts as
// csASCII, which promises least.
func charsetOf(label []byte) charset {
	var buf [maxLabel]byte
	b := buf[:0]
	label = trimSpace(label)
	if len(label) > maxLabel {
		return csASCII
	}
	for _, c := range label {
		b = append(b, lower(c))
	}
	switch string(b) {
	case "":
		return csUnknown
	case "utf-8", "utf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8":
		return csUTF8
	case "utf-16", "utf-16le", "utf-16be", "csunicode", "iso-10646-ucs-2", "ucs-2", "unicode", "unicodefeff", "unicodefffe",
		"iso-2022-jp", "csiso2022jp", "csiso2022kr", "hz-gb-2312", "iso-2022-cn", "iso-2022-cn-ext", "iso-2022-kr", "replacement":
		return csForeign
	}
	return csASCII
}

// declare follows a meta element's label and tells whether the document can't be read. There UTF-16 means UTF-8
// (HTML 13.2.3.2); two labels that differ leave the encoding open.
func (e *encoding) declare(label []byte) (foreign bool) {
	kind := charsetOf(label)
	if e.fixed || kind == csUnknown {
		return false
	}
	if kind == csForeign && (foldContains(label, "utf-16") || foldContains(label, "unicode") || foldContains(label, "ucs-2")) {
		kind = csUTF8
	}
	if e.meta && kind != e.kind {
		kind = max(kind, csASCII)
		if kind == csUTF8 {
			kind = csASCII
		}
	}
	e.kind, e.meta = kind, true
	return kind == csForeign
}

func (e *encoding) watching() bool { return e.watch }

// stop ends all watching, once the stream gave up.
func (e *encoding) stop() { e.watch, e.seen = false, len(e.head) }

// limit is the index up to which b can be read from i on before an escape must be thought of.
func (e *encoding) limit(b []byte, i int) int {
	if e.watch {
		if j := bytes.IndexByte(b[i:], escapeByte); j >= 0 {
			return i + j
		}
	}
	return len(b)
}

func (e *encoding) starting() bool { return e.seen < len(e.head) }

// start looks at the document's first bytes and tells whether it can't be read.
func (e *encoding) start(b []byte) (foreign bool) {
	for _, c := range b {
		if !e.starting() {
			break
		}
		e.head[e.seen] = c
		e.seen++
		if e.startsForeign() {
			e.stop()
			return true
		}
	}
	return false
}

func (e *encoding) startsForeign() bool {
	switch h := string(e.head[:e.seen]); {
	case h == byteOrderMark:
		e.kind, e.fixed, e.watch = csUTF8, true, false
	case h == byteOrderMark[:e.seen]:
	case e.seen == 2 && (h == "\xfe\xff" || h == "\xff\xfe"):
		return true
	case !e.fixed && (h[0] == 0 || h == "<\x00"): // UTF-16 without a mark
		return true
	default:
		return e.kind == csForeign
	}
	return false
}

// isMark tells whether the byte at offset k of the document may belong to a byte order mark.
func (e *encoding) isMark(k int) bool {
	if k == 0 && e.head[0] >= 0xfe {
		return true
	}
	return k < e.seen && string(e.head[:k+1]) == byteOrderMark[:k+1]
}
