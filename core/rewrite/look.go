package rewrite

import (
	"bytes"
	"encoding/binary"
)

// A look is what a complete start tag's attributes say. Its slices are spans of the tag.
type look struct {
	tag     []byte // from '<' to '>'
	name1   int    // where the name ends
	attrs   []attr
	suspect bool   // not nonceable (CSP3 6.7.2.1), or nobody can tell
	nonce   int    // index in attrs, -1 if there is none
	scratch []byte // of value
	address []byte // of url
}

// read looks at the tag p, whose name ends at name1.
func (l *look) read(p []byte, name1 int) {
	l.tag, l.name1, l.attrs = p, name1, l.attrs[:0]
	l.suspect, l.nonce = false, -1
	for i := name1; ; {
		a, ok := nextAttr(p, i)
		if !ok {
			break
		}
		if len(l.attrs) == MaxAttrs {
			l.suspect = true
			break
		}
		a.key = attrKey(p, a.name0, a.name1)
		if l.repeats(&a) || bytes.IndexByte(p[a.name0:a.name1], 0) >= 0 {
			l.suspect = true // a duplicate, or a NUL that stands for U+FFFD
		}
		if a.key == keyNonce && a.name1-a.name0 == len("nonce") && l.nonce < 0 {
			l.nonce = len(l.attrs)
		}
		l.attrs = append(l.attrs, a)
		i = a.end
	}
	l.suspect = l.suspect || l.swallows()
}

var keyNonce = packName([]byte("nonce"))

// attrKey is packName of the first eight bytes of p[i:e], in a tag that goes on after them.
func attrKey(p []byte, i, e int) uint64 {
	if i+8 > len(p) {
		return packName(p[i:e])
	}
	k := binary.LittleEndian.Uint64(p[i:])
	if e-i < 8 {
		k &= 1<<(8*(e-i)) - 1
	}
	return k | k&0x4040404040404040>>1
}

// repeats tells whether the tag has an attribute of a's name already.
func (l *look) repeats(a *attr) bool {
	for i := range l.attrs {
		o := &l.attrs[i]
		if o.key == a.key && o.name1-o.name0 == a.name1-a.name0 && equalFold(l.tag[o.name0:o.name1], l.tag[a.name0:a.name1]) {
			return true
		}
	}
	return false
}

func equalFold(a, b []byte) bool {
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// swallows tells whether an attribute's name or value holds "<script" or "<style", as those do that a dangling quote made swallow
// the markup after it.
func (l *look) swallows() bool {
	rest := l.tag[l.name1:]
	if swallowed(rest) {
		return true
	}
	if bytes.IndexByte(rest, '&') < 0 {
		return false
	}
	for _, a := range l.attrs {
		l.scratch, _ = decodeValue(l.scratch[:0], l.tag[a.value0:a.value1])
		if swallowed(l.scratch) {
			return true
		}
	}
	return false
}

func swallowed(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '<')
		if i < 0 {
			return false
		}
		b = b[i+1:]
		if hasPrefixFold(b, "script") || hasPrefixFold(b, "style") {
			return true
		}
	}
}

func hasPrefixFold(b []byte, want string) bool {
	return len(b) >= len(want) && foldEqual(b[:len(want)], want)
}

// get returns an attribute's value as it stands in the source, and whether there is one.
func (l *look) get(name string) ([]byte, bool) {
	for i := range l.attrs {
		a := &l.attrs[i]
		if a.name1-a.name0 == len(name) && foldEqual(l.tag[a.name0:a.name1], name) {
			return l.tag[a.value0:a.value1], true
		}
	}
	return nil, false
}

// value returns an attribute's decoded value, which lives until the next call; exact is false where a character reference is
// not known.
func (l *look) value(name string) (v []byte, exact, ok bool) {
	v, ok = l.get(name)
	if !ok || bytes.IndexByte(v, '&') < 0 {
		return v, true, ok
	}
	l.scratch, exact = decodeValue(l.scratch[:0], v)
	return l.scratch, exact, true
}

// url returns the decoded value of an attribute that is a URL, and whether there is such an attribute; the URL is nil where it can't
// be told exactly. It outlives calls of value: what is decided by it must not be what another attribute says.
func (l *look) url(name string) ([]byte, bool) {
	v, exact, ok := l.value(name)
	if !ok || !exact {
		return nil, ok
	}
	l.address = append(l.address[:0], v...)
	if l.address == nil {
		l.address = []byte{}
	}
	return l.address, true
}

// is tells whether an attribute has that lower-case value, letters' case and white space around apart.
func (l *look) is(name, want string) bool {
	v, _, _ := l.value(name)
	return foldEqual(trimSpace(v), want)
}

// hasWord tells whether an attribute's space-separated words include the lower-case one.
func (l *look) hasWord(name, want string) bool {
	v, _, _ := l.value(name)
	for i := 0; i < len(v); {
		if class[v[i]] == cSpace {
			i++
			continue
		}
		e := i
		for e < len(v) && class[v[e]] != cSpace {
			e++
		}
		if foldEqual(v[i:e], want) {
			return true
		}
		i = e
	}
	return false
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && class[b[0]] == cSpace {
		b = b[1:]
	}
	for len(b) > 0 && class[b[len(b)-1]] == cSpace {
		b = b[:len(b)-1]
	}
	return b
}

// foreign tells what the tree must know of a font or an annotation-xml in svg or math.
func (l *look) foreign(a atom) (breaks bool, integ integration) {
	if l == nil {
		return false, intNone
	}
	switch a {
	case aFont:
		for _, n := range [...]string{"color", "face", "size"} {
			if _, ok := l.get(n); ok {
				return true, intNone
			}
		}
	case aAnnotationXML:
		return false, l.annotation()
	}
	return false, intNone
}

// annotation compares the encoding without trimming it, as HTML 13.2.6 does.
func (l *look) annotation() integration {
	v, _, _ := l.value("encoding")
	if foldEqual(v, "text/html") || foldEqual(v, "application/xhtml+xml") {
		return intHTML
	}
	return intAnnotation
}

// charset returns the encoding's label that a meta element declares, nil if it declares none.
func (l *look) charset() []byte {
	if v, _, ok := l.value("charset"); ok {
		return v
	}
	if !l.is("http-equiv", "content-type") {
		return nil
	}
	v, _, _ := l.value("content")
	return contentCharset(v)
}

func (l *look) isPolicy() bool { return l.is("http-equiv", "content-security-policy") }

// contentCharset extracts an encoding from a meta element's content (HTML 2.5.5).
func contentCharset(v []byte) []byte {
	for {
		i := 0
		for i < len(v) && !hasPrefixFold(v[i:], "charset") {
			i++
		}
		if i == len(v) {
			return nil
		}
		v = trimSpace(v[i+len("charset"):])
		if len(v) > 0 && v[0] == '=' {
			return unquoteLabel(trimSpace(v[1:]))
		}
	}
}

func unquoteLabel(v []byte) []byte {
	if len(v) == 0 {
		return nil
	}
	if v[0] == '"' || v[0] == '\'' {
		e := bytes.IndexByte(v[1:], v[0])
		if e < 0 {
			return nil
		}
		return v[1 : 1+e]
	}
	e := 0
	for e < len(v) && class[v[e]] != cSpace && v[e] != ';' {
		e++
	}
	return v[:e]
}
