package rewrite

// What a tag's nonce would let load.
type codeKind uint8

const (
	notCode codeKind = iota
	script
	style
)

// blockState is an inline block under way: the region reaches from its start tag on.
type blockState struct {
	open  bool
	kind  codeKind
	space nodeKind
	tag   int  // length of the start tag
	judge bool // Inventory decides by the content whether the tag is stamped
}

// evaluate looks at a start tag of which the bytes were kept; e is the index in the chunk where it ends.
func (s *Stream) evaluate(l *look, e int, html, self bool) {
	a := s.tag.atom
	switch {
	case a == aMeta && html:
		s.meta(l, e)
	case a == aBase && html:
		s.setBase(l)
	}
	if !s.stampable() || !html && s.tag.space == kindHTML {
		return
	}
	kind := s.kind(l)
	switch {
	case kind == notCode:
	case s.opt.Trust == Upstream:
		s.check(l)
	case s.nonce != "":
		s.consider(l, kind, self)
	}
}

func (s *Stream) meta(l *look, e int) {
	if v := l.charset(); v != nil && s.enc.declare(v) {
		s.giveUp(Encoding)
		return
	}
	if s.places.seeking {
		s.placeAtMeta(l, e)
	}
	if l.isPolicy() {
		s.counts.MetaPolicies++
	}
}

// kind tells what the tag's nonce would be for, as far as the options ask for it.
func (s *Stream) kind(l *look) codeKind {
	switch s.tag.atom {
	case aScript:
		return script
	case aStyle:
		return style
	}
	k := linkKind(l)
	if k == script && !s.opt.Scripts || k == style && !s.opt.Styles {
		return notCode
	}
	return k
}

// linkKind is for the links whose request a nonce admits (HTML 4.6.7).
func linkKind(l *look) codeKind {
	switch {
	case l.hasWord("rel", "stylesheet"):
		return style
	case l.hasWord("rel", "modulepreload"):
		if l.is("as", "style") {
			return style
		}
		return script
	case !l.hasWord("rel", "preload"):
	case l.is("as", "script"):
		return script
	case l.is("as", "style"):
		return style
	}
	return notCode
}

// check counts a tag that the application should have stamped.
func (s *Stream) check(l *look) {
	switch {
	case l.suspect:
		s.counts.Suspect++
	case l.nonce < 0:
		s.counts.Bare++
	case s.known(l):
		s.counts.Kept++
	default:
		s.counts.Foreign++
	}
}

// known tells whether the tag carries the page's nonce or one of the upstream's policy.
func (s *Stream) known(l *look) bool {
	if l.nonce < 0 {
		return false
	}
	v, _, _ := l.value("nonce")
	if len(v) == 0 {
		return false
	}
	if string(v) == s.page.Nonce {
		return true
	}
	for i, n := range s.page.UpstreamNonces {
		if i < MaxNonces && string(v) == n {
			return true
		}
	}
	return false
}

// consider stamps a tag that has earned it.
func (s *Stream) consider(l *look, kind codeKind, self bool) {
	switch {
	case l.suspect:
		s.counts.Suspect++
	case s.known(l):
		s.counts.Kept++
	case s.opt.Trust == All:
		s.stamp(l)
	default:
		s.considerApproved(l, kind, self)
	}
}

// stamp gives the tag the page's nonce: it takes the place of another, or stands right after the name. The tag begins
// the region.
func (s *Stream) stamp(l *look) {
	s.counts.Stamped++
	at := s.region.origin(s.edit.held)
	if l.nonce < 0 {
		s.edit.add(at+l.name1, 0, insNonce)
		return
	}
	a := l.attrs[l.nonce]
	s.edit.add(at+a.name0, a.end-a.name0, insReplace)
}

// considerApproved is for Inventory. Inline code is judged when its end is there.
func (s *Stream) considerApproved(l *look, kind codeKind, self bool) {
	if s.base.closed {
		s.counts.Unapproved++
		return
	}
	if ref, inline := s.reference(l); !inline {
		s.judge(l, s.approvedURL(ref))
		return
	}
	if s.tag.space == kindHTML && kind == script && !runs(l) {
		return
	}
	if self && s.tag.space != kindHTML {
		s.counts.Unapproved++
		return
	}
	s.block = blockState{open: true, kind: kind, space: s.tag.space, tag: len(l.tag), judge: true}
}

func (s *Stream) judge(l *look, approved bool) {
	if approved {
		s.stamp(l)
	} else {
		s.counts.Unapproved++
	}
}

// reference returns the URL that the tag loads, or says that its code is inline.
func (s *Stream) reference(l *look) (ref []byte, inline bool) {
	names := [...]string{"src", ""}
	switch {
	case s.tag.atom == aStyle:
		return nil, true
	case s.tag.atom == aLink:
		names = [...]string{"href", ""}
	case s.tag.space == kindSVG:
		names = [...]string{"href", "xlink:href"}
	}
	for _, n := range names {
		v, exact, ok := l.value(n)
		switch {
		case ok && exact:
			return v, false
		case ok:
			return nil, false
		}
	}
	return nil, s.tag.atom != aLink
}

// runs tells whether a script element is code and not a data block (HTML 4.12.1).
func runs(l *look) bool {
	v, exact, ok := l.value("type")
	if !ok {
		v, exact, ok = l.value("language")
		if !ok || len(v) == 0 {
			return true
		}
		return !exact || languageRuns(v)
	}
	if v = trimSpace(v); len(v) == 0 || !exact {
		return true
	}
	return typeRuns(v)
}

func typeRuns(v []byte) bool {
	for _, t := range [...]string{"module", "importmap", "speculationrules"} {
		if foldEqual(v, t) {
			return true
		}
	}
	for _, p := range [...]string{"text/", "application/"} {
		if hasPrefixFold(v, p) {
			return languageRuns(v[len(p):])
		}
	}
	return false
}

// languageRuns knows the subtypes of JavaScript's MIME types, as far as a prefix tells: a false yes only costs a look.
func languageRuns(v []byte) bool {
	for _, t := range [...]string{"javascript", "x-javascript", "ecmascript", "x-ecmascript", "jscript", "livescript"} {
		if hasPrefixFold(v, t) {
			return true
		}
	}
	return false
}

// endBlock is called at the end tag of an inline block in HTML content; e is the index after the end tag's name.
func (s *Stream) endBlock(b []byte, e int) {
	p := s.region.bytes(b, e)
	s.block.open = false
	if len(p) > orDefault(s.opt.MaxBlock, DefaultMaxBlock) {
		s.counts.Oversized++
		return
	}
	s.judgeBlock(p, p[s.block.tag:s.region.open])
	s.refreshFast()
}

// judgeBlock stamps the start tag of an inline block if its content is approved; p begins with the tag.
func (s *Stream) judgeBlock(p, content []byte) {
	if !s.block.judge {
		return
	}
	ok := s.opt.Approved != nil && s.opt.Approved.inline(content, s.enc.kind, &s.seen.scratch)
	l := &s.seen
	l.read(p[:s.block.tag], l.name1)
	s.judge(l, ok)
}

// endForeignBlock is called at the first markup in a script or style in svg. A browser joins texts there and decodes references; only
// plain text up to the end tag is compared.
func (s *Stream) endForeignBlock(kind markup, b []byte, e int) {
	p := s.region.bytes(b, e)
	s.block.open = false
	name := p[s.region.open:]
	switch end := kind == muEnd && lookup(name[2:]) == aScript && s.block.kind == script ||
		kind == muEnd && lookup(name[2:]) == aStyle && s.block.kind == style; {
	case len(p) > orDefault(s.opt.MaxBlock, DefaultMaxBlock):
		s.counts.Oversized++
	case end && !hasRef(p[s.block.tag:s.region.open]):
		s.judgeBlock(p, p[s.block.tag:s.region.open])
	default:
		s.counts.Unapproved++
	}
	s.region.advance()
	s.refreshFast()
}

func hasRef(b []byte) bool {
	for _, c := range b {
		if c == '&' {
			return true
		}
	}
	return false
}
