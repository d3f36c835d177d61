package rewrite

import "bytes"

// baseState is the document's URL and the base URL in force.
type baseState struct {
	page   location
	base   location
	ref    location // the reference looked at last
	parsed bool     // page was looked at
	closed bool     // an element is not approved: nothing after it is stamped
}

func (b *baseState) reset() {
	b.parsed, b.closed = false, false
	b.page.text, b.base.text = b.page.text[:0], b.base.text[:0]
}

// setBase follows a base element. The first in the tree counts (HTML 4.2.3), which need not be the first in the source: from within a
// table it moves before the table. So a second one must say the same.
func (s *Stream) setBase(l *look) {
	if s.opt.Trust != Inventory || s.tree.inTemplate() {
		return
	}
	b := &s.base
	if l.partial() && !b.closed {
		b.closed = true
		s.counts.Bases++
	}
	v, exact, ok := l.value("href")
	if !ok {
		return
	}
	approved := exact && !s.tree.selecting() && b.ref.resolve(s.pageURL(), v) && s.opt.Approved.exact(&b.ref, &b.page)
	switch {
	case b.closed:
	case approved && !b.base.ok():
		b.base.set(&b.ref)
	case !approved || !bytes.Equal(b.base.text, b.ref.text):
		b.closed = true
		s.counts.Bases++
	}
}

// unreadable is for a base element past the limits.
func (b *baseState) unreadable() { b.closed = true }

// pageURL is the document's own URL.
func (s *Stream) pageURL() *location {
	b := &s.base
	if !b.parsed {
		b.parsed = true
		b.ref.text = append(b.ref.text[:0], s.page.URL...)
		b.page.resolve(nil, b.ref.text)
	}
	return &b.page
}

// locate resolves a reference against the base in force, into s.base.ref.
func (s *Stream) locate(ref []byte) bool {
	in := s.pageURL()
	if s.base.base.ok() {
		in = &s.base.base
	}
	return s.base.ref.resolve(in, ref)
}

// approvedURL tells whether an external reference is approved.
func (s *Stream) approvedURL(ref []byte) bool {
	a := s.opt.Approved
	if a == nil || ref == nil || s.resolvedLate() && !hasScheme(ref) || !s.locate(ref) {
		return false
	}
	return a.exact(&s.base.ref, &s.base.page) || s.opt.HostTrust && a.host(&s.base.ref, &s.base.page)
}

// resolvedLate tells of a tag whose URL a browser resolves after what follows the tag, which may be another base: a script in svg, which runs
// at its end tag and may hold HTML; and a link that may be in an option, which <selectedcontent> copies. Tables and the like hide a
// select's end tag, so it is not known where the last select ends.
func (s *Stream) resolvedLate() bool {
	if s.tag.atom == aLink {
		return s.tree.selects
	}
	return s.tag.space == kindSVG && s.attrs != atSlash
}
