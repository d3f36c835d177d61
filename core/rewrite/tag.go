package rewrite

// tagState is the tag under way.
type tagState struct {
	atom  atom
	end   bool
	space nodeKind // kindHTML, kindSVG or kindMath: where a start tag's element will be
	text  bool     // an end tag that ended a text element; the tree knows nothing of it
	lost  bool     // its bytes are gone: it was longer than the limit
	name0 int      // offset of the name in the region
	name1 int
	name  int // bytes in nameBuf
	buf   [MaxTagName]byte
}

// beginTag enters a tag whose name is known; e is the index after the name.
func (s *Stream) beginTag(kind markup, b []byte, e int) int {
	p := s.region.bytes(b, e)[s.region.open:]
	end := p[1] == '/'
	n := 1
	if end {
		n = 2
	}
	t := &s.tag
	t.atom, t.end, t.lost = lookup(p[n:]), end, false
	t.name0, t.name1 = n, len(p)
	s.attrs = atBeforeName
	s.state = stAttrs
	if kind == muLong {
		t.atom, s.attrs = aOther, atTagName
	}
	t.text = false
	t.name = copy(t.buf[:], p[n:])
	if kind == muLong && !s.tree.plain() {
		s.giveUp(Depth)
		return e
	}
	s.wants()
	if kind == muLong { // its attributes can't be read later: where its name ends is not kept
		s.region.drop()
	}
	return e
}

// wants decides what is kept of the tag while it is read, and whether it is held back.
func (s *Stream) wants() {
	t := &s.tag
	r := &s.region
	wait := s.placeAtTag(t.atom, t.end)
	if t.end {
		r.drop()
		return
	}
	t.space = s.tree.space(t.atom)
	ledger := s.page.Inventory != nil
	r.hold = wait || s.nonce != "" && s.stampable()
	r.keep = r.hold || ledger || s.opt.Trust == Upstream && s.stampable() || s.telling()
}

// stampable tells whether the tag's name is one of those that may get a nonce, or name it.
func (s *Stream) stampable() bool {
	switch s.tag.atom {
	case aScript:
		return s.opt.Scripts && s.tag.space != kindMath
	case aStyle:
		return s.opt.Styles && s.tag.space != kindMath
	case aMeta:
		return s.opt.MetaNonce && s.tag.space == kindHTML
	case aLink:
		return (s.opt.Scripts || s.opt.Styles) && s.tag.space == kindHTML
	}
	return false
}

// telling tells whether the tag's attributes say something about the rest of the document.
func (s *Stream) telling() bool {
	switch s.tag.atom {
	case aMeta:
		return true
	case aBase:
		return s.tag.space == kindHTML
	case aFont, aAnnotationXML:
		return s.tag.space != kindHTML
	}
	return false
}

// inTag reads on in a tag, after its name.
func (s *Stream) inTag(b []byte, i int) int {
	e, done := s.endOfTag(b, i)
	if !done {
		return e
	}
	s.state = stData
	if s.tag.end {
		if !s.tag.text {
			s.endTag()
		}
		return e
	}
	s.startTag(b, e, s.attrs == atSlash)
	return e
}

// endOfTag returns the index after the tag's '>' and true, or leaves s.attrs where the chunk ends.
func (s *Stream) endOfTag(b []byte, i int) (e int, done bool) {
	if s.attrs == atBeforeName {
		e := skipTag(b, i)
		if e > 0 && (e-2 < i || b[e-2] != '/' || s.tree.plain() && s.tag.atom != aSVG && s.tag.atom != aMath) {
			return e, true // does not close itself, or it does not matter
		}
	}
	e, s.attrs, done = skipAttrs(b, i, s.attrs)
	return e, done
}

func (s *Stream) name() []byte { return s.tag.buf[:s.tag.name] }

func (s *Stream) endTag() {
	if why := s.tree.end(s.tag.atom, s.name()); why != Going {
		s.giveUp(why)
	}
	s.refreshFast()
}

// startTag is for a complete start tag that ends at index e of the chunk b.
func (s *Stream) startTag(b []byte, e int, self bool) {
	l := s.read(b, e)
	if (l == nil || l.partial()) && s.mustRead() {
		s.giveUp(Unsure)
		return
	}
	t := &s.tag
	breaks, integ := l.foreign(t.atom)
	if why := s.tree.start(t.atom, s.name(), self, breaks, integ); why != Going {
		s.giveUp(why)
		return
	}
	html := s.tree.html
	if l != nil {
		s.evaluate(l, e, html, self)
	} else if t.lost && t.atom == aBase && html {
		s.base.unreadable()
	}
	if !s.block.open {
		s.region.drop()
	}
	if html && atomFlags[t.atom]&fText != 0 {
		s.beginText(t.atom)
	}
	s.refreshFast()
}

// read looks at the attributes of a complete tag if its bytes were kept.
func (s *Stream) read(b []byte, e int) *look {
	if !s.region.keep {
		return nil
	}
	p := s.region.bytes(b, e)
	if len(p) > s.limit() {
		s.oversized()
		return nil
	}
	s.seen.read(p, s.tag.name1)
	return &s.seen
}

// partial tells of a tag with more attributes than were read. It may say so of one with exactly MaxAttrs that is suspect for another reason.
func (l *look) partial() bool { return l.suspect && len(l.attrs) == MaxAttrs }

// mustRead tells that the tree depends on the attributes of this tag.
func (s *Stream) mustRead() bool {
	return s.tag.space != kindHTML && (s.tag.atom == aFont || s.tag.atom == aAnnotationXML)
}
