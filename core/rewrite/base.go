package rewrite

// baseState is the document's URL and the base URL in force.
type baseState struct {
	page   location
	base   location
	ref    location // the reference looked at last
	parsed bool     // page was looked at
	set    bool     // an element set base
	closed bool     // that element is not approved: nothing after it is stamped
}

func (b *baseState) reset() {
	b.parsed, b.set, b.closed = false, false, false
	b.page.text, b.base.text = b.page.text[:0], b.base.text[:0]
}

// setBase follows a base element; only the first with an href counts (HTML 4.2.3).
func (s *Stream) setBase(l *look) {
	v, exact, ok := l.value("href")
	if !ok || s.base.set {
		return
	}
	s.base.set = true
	if s.opt.Trust != Inventory {
		return
	}
	if exact && !s.tree.selecting() && s.locate(v) && s.opt.Approved.exact(&s.base.ref, &s.base.page) {
		s.base.base.set(&s.base.ref)
		return
	}
	s.base.closed = true
	s.counts.Bases++
}

// unreadable is for a base element past the limits.
func (b *baseState) unreadable() { b.set, b.closed = true, true }

// locate resolves a reference against the base in force, into s.base.ref.
func (s *Stream) locate(ref []byte) bool {
	b := &s.base
	if !b.parsed {
		b.parsed = true
		b.ref.text = append(b.ref.text[:0], s.page.URL...)
		b.page.resolve(nil, b.ref.text)
	}
	in := &b.page
	if b.base.ok() {
		in = &b.base
	}
	return b.ref.resolve(in, ref)
}

// approvedURL tells whether an external reference is approved.
func (s *Stream) approvedURL(ref []byte) bool {
	a := s.opt.Approved
	if a == nil || ref == nil || !s.locate(ref) {
		return false
	}
	return a.exact(&s.base.ref, &s.base.page) || s.opt.HostTrust && a.host(&s.base.ref, &s.base.page)
}
