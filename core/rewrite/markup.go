package rewrite

import (
	"bytes"
	"encoding/binary"
)

// data reads text up to the next markup. Tags of plain HTML content that nobody needs to look at it skips itself.
func (s *Stream) data(b []byte, i int) int {
	for s.fast {
		if s.page.Inventory != nil {
			if i = skipUnremarkable(b, i); i == len(b) {
				return i
			}
			return s.open(b, i)
		}
		if i = skipPlain(b, i); i == len(b) {
			return i
		}
		e := plainTag(b, i)
		if e < 0 {
			return s.open(b, i)
		}
		if i = skipTag(b, e); i < 0 {
			s.tag = tagState{end: true, text: true} // nothing depends on it
			s.state, s.attrs = stAttrs, atBeforeName
			return e
		}
	}
	j := bytes.IndexByte(b[i:], '<')
	if s.places.seeking {
		s.placeBeforeText(b, i, j)
	}
	if j < 0 {
		return len(b)
	}
	return s.open(b, i+j)
}

// plainTag looks at a '<' at index i. It returns the index after the name of a tag of which nothing depends in plain HTML content, or -1
// where more must be known.
func plainTag(b []byte, i int) int {
	k, hot, kind := i+1, &hotNames.start, uint16(fHot)
	if k < len(b) && b[k] == '/' {
		k, hot, kind = k+1, &hotNames.end, fHotEnd
	}
	if k+9 > len(b) || !isLetter(b[k]) {
		return -1
	}
	e := k + 1
	for e < len(b) && !endsName(b[e]) {
		e++
	}
	if e == len(b) || hot[b[k]]>>(e-k)&1 != 0 && atomFlags[nameAt(b, k, e)]&kind != 0 {
		return -1
	}
	return e
}

// nameAt is lookup of b[k:e], where b has eight bytes from k on.
func nameAt(b []byte, k, e int) atom {
	if e-k > 8 || b[e-1] == 0 {
		return lookup(b[k:e])
	}
	w := binary.LittleEndian.Uint64(b[k:]) & (^uint64(0) >> (64 - 8*(e-k)))
	return lookupPacked(w | w&0x4040404040404040>>1)
}

// What a '<' begins.
type markup uint8

const (
	muMore     markup = iota // not clear yet
	muText                   // nothing
	muStart                  // a start tag; its name is there
	muEnd                    // an end tag
	muLong                   // a start or end tag with a name longer than MaxTagName
	muNothing                // "</>"
	muComment                // "<!--"
	muBogus                  // "<?", "</ ", "<!" and something else
	muDoctype                // "<!doctype"
	muCDATA                  // "<![CDATA["
	muEscape                 // "<!--" in a script
	muDouble                 // "<script" in an escaped script, "</script" in a double-escaped one
	muMismatch               // in a text element: nothing; the last byte is to be read again
)

// recognize tells what p begins, which starts with '<', and how many bytes of it that decides (HTML 13.2.5.6).
func recognize(p []byte) (markup, int) {
	if len(p) < 2 {
		return muMore, 0
	}
	switch c := p[1]; {
	case isLetter(c):
		return tagName(p, 1, muStart)
	case c == '/':
		return recognizeEnd(p)
	case c == '!':
		return declaration(p)
	case c == '?':
		return muBogus, 2
	}
	return muText, 1
}

func recognizeEnd(p []byte) (markup, int) {
	switch {
	case len(p) < 3:
		return muMore, 0
	case isLetter(p[2]):
		return tagName(p, 2, muEnd)
	case p[2] == '>':
		return muNothing, 3
	}
	return muBogus, 2
}

func tagName(p []byte, i int, kind markup) (markup, int) {
	for n := i; n < len(p); n++ {
		if endsName(p[n]) {
			return kind, n
		}
		if n-i == MaxTagName {
			return muLong, n
		}
	}
	return muMore, 0
}

// declaration is the markup declaration open state (HTML 13.2.5.42). On a mismatch all but the last byte is decided.
func declaration(p []byte) (markup, int) {
	for _, d := range [...]struct {
		text string
		kind markup
	}{{"<!--", muComment}, {"<!doctype", muDoctype}, {"<![cdata[", muCDATA}} {
		n := 2
		for n < len(p) && n < len(d.text) && foldByte(d.kind, p[n]) == d.text[n] {
			n++
		}
		switch {
		case n == len(d.text):
			return d.kind, n
		case n == len(p):
			return muMore, 0
		case n > 2:
			return muBogus, n
		}
	}
	return muBogus, 2
}

// foldByte lower-cases as the construct asks: CDATA must be in capitals.
func foldByte(kind markup, c byte) byte {
	switch {
	case kind != muCDATA:
		return lower(c)
	case 'a' <= c && c <= 'z':
		return 0
	}
	return lower(c)
}

// open looks at a '<' in the chunk, at index i.
func (s *Stream) open(b []byte, i int) int {
	if s.block.open && !s.region.hold {
		s.noteForeignBlock(b, i)
	}
	if s.block.open { // text of a script or style in svg: the region goes on
		s.region.open = len(s.region.bytes(b, i))
	} else {
		s.region.from(i)
	}
	kind, n := recognize(b[i:])
	if kind == muMore {
		s.state = stOpen
		return len(b)
	}
	return s.begin(kind, b, i+n)
}

// openMore looks again at a '<' of an earlier chunk with one more byte. Whatever is decided, at most that byte is left to read.
func (s *Stream) openMore(b []byte, i int) int {
	for ; i < len(b); i++ {
		p := s.region.bytes(b, i+1)[s.region.open:]
		raw := s.state == stRawOpen
		kind, n := muMore, 0
		if raw {
			kind, n = s.raw.recognize(p)
		} else {
			kind, n = recognize(p)
		}
		if kind == muMore {
			continue
		}
		i += 1 - (len(p) - n)
		s.region.untake(len(p) - n)
		if raw {
			return s.beginRaw(kind, b, i)
		}
		return s.begin(kind, b, i)
	}
	return i
}

// begin enters what was recognized; e is the index in the chunk where the recognized part ends.
func (s *Stream) begin(kind markup, b []byte, e int) int {
	if s.block.open {
		s.endForeignBlock(kind, b, e)
	}
	switch kind {
	case muStart, muEnd, muLong:
		return s.beginTag(kind, b, e)
	case muText:
		s.placeHere()
		s.state = stData
	case muNothing:
		s.state = stData
	case muComment:
		s.state, s.match = stComment, cmStart
	case muCDATA:
		return s.beginCDATA(e)
	case muDoctype:
		s.places.document = true
		s.state = stBogus
	default:
		s.state = stBogus
	}
	s.region.drop()
	return e
}

func (s *Stream) beginCDATA(e int) int {
	switch {
	case s.tree.unsure():
		s.giveUp(Unsure)
	case s.tree.cdata():
		s.state, s.match = stCDATA, 0
	default:
		s.state = stBogus
	}
	s.region.drop()
	return e
}
