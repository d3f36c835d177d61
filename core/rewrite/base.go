package rewrite

// baseState is the document's base URL as far as the first base element changed it.
type baseState struct {
	set    bool
	closed bool // an element in force is not approved: nothing after it is stamped
}

// setBase follows a base element; only the first with an href counts (HTML 4.2.3).
func (s *Stream) setBase(l *look) {
	v, exact, ok := l.value("href")
	if !ok || s.base.set {
		return
	}
	s.base.set = true
	if s.opt.Trust == Inventory && !(exact && s.approvedURL(v)) {
		s.base.closed = true
		s.counts.Bases++
	}
}

// unreadable is for a base element past the limits.
func (b *baseState) unreadable() { b.set, b.closed = true, true }

// approvedURL tells whether an external reference is approved.
func (s *Stream) approvedURL(ref []byte) bool {
	if s.opt.Approved == nil || ref == nil {
		return false
	}
	_, ok := s.opt.Approved.urls[string(ref)]
	return ok
}
