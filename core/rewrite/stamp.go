package rewrite

import "bytes"

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
	tag   int  // length of the start tag
	judge bool // Inventory decides by the content whether the tag is stamped
}

// evaluate looks at a start tag of which the bytes were kept; e is the index in the chunk where it ends.
func (s *Stream) evaluate(l *look, e int, html, self bool) {
	switch a := s.tag.atom; {
	case a == aMeta && html:
		s.meta(l, e)
	case a == aBase && html:
		s.setBase(l)
	}
	if s.state == stRest { // meta made the stream give up
		return
	}
	if kind := s.kind(l, html); kind != notCode {
		s.code(l, kind, self)
	}
	if s.page.Inventory != nil {
		s.noteTag(l)
	}
}

// code looks at a tag that makes code load or run.
func (s *Stream) code(l *look, kind codeKind, self bool) {
	ref, inline := s.reference(l)
	inline = inline && (s.tag.atom != aScript || s.tag.space != kindHTML || runs(l))
	judge := false
	switch {
	case !s.asked(kind):
	case s.opt.Trust == Upstream:
		s.check(l)
	case s.nonce != "":
		judge = s.consider(l, ref, inline)
	}
	note := s.page.Inventory != nil
	if note && ref != nil {
		s.noteRef(kind, ref)
	}
	if !inline || !judge && !note {
		return
	}
	if self && s.tag.space == kindSVG { // there is nothing to approve
		if judge {
			s.counts.Unapproved++
		}
		return
	}
	s.block = blockState{open: true, kind: kind, tag: len(l.tag), judge: judge}
	s.region.hold = judge
}

func (s *Stream) meta(l *look, e int) {
	if v := l.charset(); v != nil && s.enc.declare(v) {
		s.giveUp(Encoding)
		return
	}
	if !l.isPolicy() {
		s.metaNonce(l)
	}
	if s.places.seeking {
		s.placeAtMeta(l, e)
	}
	if l.isPolicy() {
		s.counts.MetaPolicies++
	}
}

// metaNonce gives the page's nonce to a <meta name=csp-nonce> that has a content.
func (s *Stream) metaNonce(l *look) {
	if !s.opt.MetaNonce || s.nonce == "" || l.suspect || !l.is("name", "csp-nonce") {
		return
	}
	for _, a := range l.attrs {
		if a.name1-a.name0 == len("content") && foldEqual(l.tag[a.name0:a.name1], "content") {
			s.counts.MetaNonces++
			s.edit.add(s.region.origin(s.edit.held)+a.name0, a.end-a.name0, insContent)
			return
		}
	}
}

// kind tells what the tag's nonce would be for.
func (s *Stream) kind(l *look, html bool) codeKind {
	switch {
	case html != (s.tag.space == kindHTML) || s.tag.space == kindMath:
		return notCode
	case s.tag.atom == aScript:
		return script
	case s.tag.atom == aStyle:
		return style
	case s.tag.atom == aLink && html:
		return linkKind(l)
	}
	return notCode
}

// asked tells whether the options ask for nonces of that kind.
func (s *Stream) asked(kind codeKind) bool {
	return kind == script && s.opt.Scripts || kind == style && s.opt.Styles
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

// consider stamps a tag that has earned it. It tells whether that depends on the inline code that follows.
func (s *Stream) consider(l *look, ref []byte, inline bool) (judge bool) {
	switch {
	case l.suspect:
		s.counts.Suspect++
	case s.known(l):
		s.counts.Kept++
	case s.opt.Trust == All:
		s.stamp(l)
	case s.base.closed:
		s.counts.Unapproved++
	case inline:
		return true
	case ref != nil || !s.isData(l):
		s.judge(l, s.approvedURL(ref))
	}
	return false
}

// isData tells of a script element that is a data block: it needs no nonce.
func (s *Stream) isData(l *look) bool {
	_, src := l.get("src")
	return s.tag.atom == aScript && s.tag.space == kindHTML && !src && !runs(l)
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

func (s *Stream) judge(l *look, approved bool) {
	if approved {
		s.stamp(l)
	} else {
		s.counts.Unapproved++
	}
}

// reference returns the URL that the tag loads, nil if it can't be told, or says that its code is inline.
func (s *Stream) reference(l *look) (ref []byte, inline bool) {
	switch {
	case s.tag.atom == aStyle:
		return nil, true
	case s.tag.atom == aLink:
		ref, _ = l.url("href")
		return ref, false
	case s.tag.space == kindHTML:
		ref, inline = l.url("src")
		return ref, !inline
	}
	for _, n := range [...]string{"href", "xlink:href"} {
		if ref, ok := l.url(n); ok {
			return ref, false
		}
	}
	return nil, true
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
		s.tooLong()
	} else {
		s.judgeBlock(p, p[s.block.tag:s.region.open])
	}
	s.refreshFast()
}

// judgeBlock stamps the start tag of an inline block if its content is approved, and notes the block; p begins with the tag.
func (s *Stream) judgeBlock(p, content []byte) {
	l := &s.seen
	l.read(p[:s.block.tag], l.name1)
	if s.block.judge {
		s.judge(l, s.opt.Approved != nil && s.opt.Approved.inline(content, s.enc.kind, &l.scratch))
	}
	if s.page.Inventory != nil {
		s.noteBlock(l, content)
	}
}

// tooLong counts a tag or block past the limits.
func (s *Stream) tooLong() {
	if s.region.hold {
		s.counts.Oversized++
	}
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
		s.tooLong()
	case end && !hasRef(p[s.block.tag:s.region.open]):
		s.judgeBlock(p, p[s.block.tag:s.region.open])
	case s.block.judge:
		s.counts.Unapproved++
	}
	s.region.advance()
	s.refreshFast()
}

// noteForeignBlock is for a script or style in svg that is only noted: its text up to the first markup is taken for all of it, since
// nothing is held back that could wait for the end tag.
func (s *Stream) noteForeignBlock(b []byte, i int) {
	p := s.region.bytes(b, i)
	s.block.open = false
	s.region.open = len(p)
	s.judgeBlock(p, p[s.block.tag:])
	s.refreshFast()
}

func hasRef(b []byte) bool { return bytes.IndexByte(b, '&') >= 0 }
