package rewrite

import (
	"bytes"
	"iter"
)

type state uint8

const (
	stData    state = iota
	stOpen          // after '<', while it is not clear what begins
	stAttrs         // in a tag, after its name
	stComment       // HTML 13.2.5.43 to 13.2.5.52
	stBogus         // bogus comment, doctype: up to '>'
	stCDATA         // up to "]]>"
	stRaw           // in a text element
	stRawOpen       // after '<' in a text element
	stRest          // plaintext, or gave up
)

// A Stream rewrites one document at a time. The zero Stream needs a Reset. It is not safe for concurrent use.
//
// Bytes that may still change are held back: at most one unfinished tag, or an inline block under Inventory. They are
// always the last Held bytes of the input so far.
type Stream struct {
	opt    *Options
	page   Page
	state  state
	attrs  attrState
	raw    rawState
	match  matchState // progress within the end of a comment or CDATA section
	fast   bool       // tags that are not hot are skipped
	nonce  string     // page.Nonce where it is one and stamps anything
	edit   editor
	region region
	tag    tagState
	block  blockState
	tree   tree
	places placing
	enc    encoding
	base   baseState
	seen   look
	notes  notes
	counts Counts
	total  int // bytes of input before this step
}

// Reset makes s ready for a document; o must not be nil.
func (s *Stream) Reset(o *Options, p Page) {
	s.opt, s.page = o, p
	s.state, s.attrs, s.match = stData, atBeforeName, 0
	s.raw = rawState{}
	s.counts, s.total = Counts{}, 0
	s.nonce = ""
	if ValidNonce(p.Nonce) && (o.Trust == All || o.Trust == Inventory) {
		s.nonce = p.Nonce
	}
	s.edit.reset()
	s.region.reset()
	s.tag, s.block = tagState{}, blockState{}
	s.base.reset()
	s.tree.reset()
	s.enc.reset(p.Charset)
	s.places.reset(o.Place, p)
	s.notes.reset()
	s.refreshFast()
}

// ValidNonce tells whether n is a nonce's value (CSP3 2.3.1): such a one can't leave a quoted attribute.
func ValidNonce(n string) bool {
	n = trimPadding(n)
	for i := range len(n) {
		switch c := n[i]; {
		case isAlnum(c), c == '+', c == '/', c == '-', c == '_':
		default:
			return false
		}
	}
	return n != ""
}

func trimPadding(n string) string {
	for range 2 {
		if n != "" && n[len(n)-1] == '=' {
			n = n[:len(n)-1]
		}
	}
	return n
}

// refreshFast is called after whatever fast depends on changed.
func (s *Stream) refreshFast() {
	s.fast = s.tree.plain() && !s.places.seeking && !s.block.open
}

// Counts tells what was done so far.
func (s *Stream) Counts() Counts { return s.counts }

// Scan takes in a chunk and reports whether the output of this step differs from its input: the bytes held before and the
// chunk, less the bytes held now. Append or AppendEdited gives the output, up to the next Scan; until then the chunk must not change. A
// caller that lets unchanged bytes flow where they are needs neither.
func (s *Stream) Scan(chunk []byte) (changed bool) {
	s.edit.begin(s.Held(), s.region.buf(), chunk)
	s.region.begin()
	i := 0
	for i < len(chunk) {
		end := s.enc.limit(chunk, i)
		s.feed(chunk[:end], i)
		if end < len(chunk) && s.enc.watching() {
			s.giveUp(Encoding)
			s.enc.stop()
		}
		i = end
	}
	s.total += len(chunk)
	return len(s.edit.list) > 0
}

// feed reads b from index i to its end.
func (s *Stream) feed(b []byte, i int) {
	if s.enc.starting() && s.enc.start(b[i:]) {
		s.giveUp(Encoding)
	}
	for i < len(b) {
		switch s.state {
		case stData:
			i = s.data(b, i)
		case stOpen, stRawOpen:
			i = s.openMore(b, i)
		case stAttrs:
			i = s.inTag(b, i)
		case stComment:
			i = s.comment(b, i)
		case stBogus:
			i = s.bogus(b, i)
		case stCDATA:
			i = s.cdata(b, i)
		case stRaw:
			i = s.rawText(b, i)
		case stRest:
			i = len(b)
		}
	}
	if s.region.keep && s.region.save(b, s.edit.held) > s.limit() {
		s.oversized()
	}
}

// limit is how long the region may grow.
func (s *Stream) limit() int {
	if s.block.open {
		return orDefault(s.opt.MaxBlock, DefaultMaxBlock)
	}
	return orDefault(s.opt.MaxTag, DefaultMaxTag)
}

// orDefault keeps a limit above what it takes to recognize a tag's name.
func orDefault(n, def int) int {
	if n <= 0 {
		return def
	}
	return max(n, 4*MaxTagName)
}

// oversized lets go of a tag or block that is past its limit.
func (s *Stream) oversized() {
	s.tooLong()
	s.tag.lost = true
	if s.block.open && (s.state == stOpen || s.state == stRawOpen) {
		s.region.cut(s.region.open)
	} else {
		s.region.drop()
	}
	s.block.open = false
	s.refreshFast()
}

// giveUp passes the rest of the document through.
func (s *Stream) giveUp(why Reason) {
	if s.state == stRest && s.counts.GaveUp != Going {
		return
	}
	s.state = stRest
	s.counts.GaveUp = why
	s.places.give()
	s.block.open = false
	s.region.drop()
}

// Held is how many bytes of the input were taken in and not given out. They are the last ones of the input, and Close gives them
// unchanged.
func (s *Stream) Held() int {
	if s.region.hold {
		return len(s.region.buf())
	}
	return 0
}

// Unchanged tells that the output of the last Scan or Write is what was held before and the chunk, less what is held now,
// byte for byte.
func (s *Stream) Unchanged() bool { return len(s.edit.list) == 0 }

// Write is Scan and Append.
func (s *Stream) Write(dst, chunk []byte) []byte {
	s.Scan(chunk)
	return s.Append(dst)
}

// Append appends the output of the last Scan to dst.
func (s *Stream) Append(dst []byte) []byte {
	return s.edit.render(dst, s.edit.held+len(s.edit.chunk)-s.Held(), s)
}

// AppendEdited appends what takes the place of the first n bytes of the last Scan's input (the bytes held before, then
// the chunk). All after these n bytes is unchanged, so that a caller need not replace it. n may be 0 although something is inserted.
func (s *Stream) AppendEdited(dst []byte) (out []byte, n int) {
	n = s.edit.reach()
	return s.edit.render(dst, n, s), n
}

// A Change is one edit of a step.
type Change struct {
	Remove int    // bytes of the input that go
	Insert []byte // what comes in their place; the caller's
}

// Changes yields what the last Scan changed, by offset in its input: the bytes held before, then the chunk.
func (s *Stream) Changes() iter.Seq2[int, Change] {
	return func(yield func(int, Change) bool) {
		for _, d := range s.edit.list {
			if !yield(d.at, Change{d.del, s.appendInsertion(nil, d.ins)}) {
				return
			}
		}
	}
}

// Close ends the document: it appends the bytes held, unchanged, and what belongs at the very end. The stream then waits for Reset.
func (s *Stream) Close(dst []byte) []byte {
	if s.region.hold {
		dst = append(dst, s.region.buf()...)
	}
	dst = s.closePlace(dst)
	s.region.drop()
	s.state = stRest
	return dst
}

// bogus reads to the end of a bogus comment or a doctype; a '>' ends either, even in quotes.
func (s *Stream) bogus(b []byte, i int) int {
	j := bytes.IndexByte(b[i:], '>')
	if j < 0 {
		return len(b)
	}
	s.state = stData
	return i + j + 1
}
