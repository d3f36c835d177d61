package rewrite

import "bytes"

// placing is the search for the snippet's place.
type placing struct {
	want     Place
	seeking  bool // Head: not placed yet
	document bool // a doctype, html, head or body was seen, or the page is known to be a document
}

// MaxPrescan is how far browsers look for a declared encoding, in bytes (HTML 13.2.3.2): the snippet waits that long for a meta
// element that declares one.
const MaxPrescan = 1024

func (p *placing) reset(want Place, page Page) {
	*p = placing{want: want, document: page.Document}
	if len(page.Snippet) == 0 || bytes.ContainsAny(page.Snippet, "\r\n") {
		p.want = Nowhere
	}
	p.seeking = p.want == Head
}

func (p *placing) give() { p.want, p.seeking = Nowhere, false }

// insert puts the snippet at offset at of the step's input, unless the markup is a fragment's.
func (s *Stream) insert(at int) {
	if s.places.document {
		s.edit.add(at, 0, insSnippet)
		s.counts.Injected = true
	}
	s.places.give()
	s.refreshFast()
}

// placeBeforeText inserts the snippet before text other than white space in b[i:i+n]; n is negative for all of b from i on.
func (s *Stream) placeBeforeText(b []byte, i, n int) {
	if n < 0 {
		n = len(b) - i
	}
	for k := i; k < i+n; k++ {
		if class[b[k]] != cSpace && !s.enc.isMark(s.total+k) {
			s.insert(s.edit.held + k)
			return
		}
	}
}

// placeHere inserts the snippet before the region if it waits for a place in head.
func (s *Stream) placeHere() {
	if s.places.seeking {
		s.insert(s.region.origin(s.edit.held))
	}
}

// placeAtTag looks at a tag whose name is known and whose region begins with it. It tells whether the place depends on the tag's
// attributes.
func (s *Stream) placeAtTag(a atom, end bool) (wait bool) {
	if s.tells(a, end) && s.tree.plain() {
		s.places.document = true
	}
	switch {
	case s.places.seeking:
		return s.placeInHead(a, end)
	case s.places.want == BodyEnd && end && (a == aBody || a == aHTML) && s.tree.plain():
		s.insert(s.region.origin(s.edit.held))
	}
	return false
}

// tells tells whether only a document has that tag. In plain content the start tags of html and head are skipped unless the place is looked for in
// head; the end tag of html then says the same.
func (s *Stream) tells(a atom, end bool) bool {
	switch a {
	case aBody, aFrameset:
		return true
	case aHTML:
		return end || s.places.seeking
	case aHead:
		return s.places.seeking
	}
	return false
}

func (s *Stream) placeInHead(a atom, end bool) (wait bool) {
	switch {
	case s.total-s.edit.held+s.region.origin(s.edit.held) > MaxPrescan:
	case a == aMeta && !end:
		return true
	case a == aTitle, !end && (a == aHTML || a == aHead):
		return false
	}
	s.placeHere()
	return false
}

// placeAtMeta is for a complete meta element p that ends at index e of the chunk: the snippet follows the one that declares the
// encoding, precedes a policy, and waits for no other.
func (s *Stream) placeAtMeta(l *look, e int) {
	switch {
	case l.charset() != nil:
		s.insert(s.edit.held + e)
	case l.isPolicy():
		s.placeHere()
	}
}

// closePlace inserts the snippet at the end of a document that had no better place.
func (s *Stream) closePlace(dst []byte) []byte {
	if s.places.want == Nowhere || !s.places.document || s.state != stData || !s.tree.plain() {
		return dst
	}
	s.places.give()
	s.counts.Injected = true
	return append(dst, s.page.Snippet...)
}
