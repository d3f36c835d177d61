package rewrite

import "bytes"

type escape uint8

const (
	escNone   escape = iota
	escSingle        // after "<!--" in a script (HTML 13.2.5.20)
	escDouble        // after "<script" in that (HTML 13.2.5.27)
)

// rawState is where a text element's content stands. Its end tag's name decides all but a script's escapes.
type rawState struct {
	end    string // the element's name in lower case
	script bool
	escape escape
	dashes uint8 // in escapes: up to two dashes right before
}

// textNames are the names of the elements that switch the tokenizer; plaintext never ends.
var textNames = [atomCount]string{
	aScript: "script", aStyle: "style", aTextarea: "textarea", aTitle: "title", aXmp: "xmp", aIframe: "iframe",
	aNoembed: "noembed", aNoframes: "noframes", aNoscript: "noscript",
}

func (s *Stream) beginText(a atom) {
	if a == aPlaintext {
		s.state = stRest
		s.places.give()
		return
	}
	s.state = stRaw
	s.raw = rawState{end: textNames[a], script: a == aScript}
}

// rawText reads the content of a text element up to a '<' that may matter.
func (s *Stream) rawText(b []byte, i int) int {
	if s.raw.escape != escNone {
		return s.escaped(b, i)
	}
	for {
		j := bytes.IndexByte(b[i:], '<')
		if j < 0 {
			return len(b)
		}
		i += j
		if i+1 == len(b) || b[i+1] == '/' || b[i+1] == '!' && s.raw.script {
			return s.openRaw(b, i)
		}
		i++
	}
}

// escaped reads the escaped parts of a script, which "-->" ends.
func (s *Stream) escaped(b []byte, i int) int {
	r := &s.raw
	for ; i < len(b); i++ {
		switch b[i] {
		case '<':
			r.dashes = 0
			return s.openRaw(b, i)
		case '-':
			r.dashes = min(2, r.dashes+1)
		case '>':
			if r.dashes == 2 {
				r.dashes, r.escape = 0, escNone
				return i + 1
			}
			r.dashes = 0
		default:
			r.dashes = 0
		}
	}
	return i
}

func (s *Stream) openRaw(b []byte, i int) int {
	if s.block.open {
		s.region.open = len(s.region.bytes(b, i))
	} else {
		s.region.from(i)
	}
	kind, n := s.raw.recognize(b[i:])
	if kind == muMore {
		s.state = stRawOpen
		return len(b)
	}
	return s.beginRaw(kind, b, i+n)
}

// recognize tells what a '<' in a text element begins. After a mismatch all but the last byte is decided.
func (r *rawState) recognize(p []byte) (markup, int) {
	if len(p) < 2 {
		return muMore, 0
	}
	switch c := p[1]; {
	case c == '/' && r.escape == escDouble:
		return wholeName(p, 2, r.end, muDouble)
	case c == '/':
		return wholeName(p, 2, r.end, muEnd)
	case c == '!' && r.script && r.escape == escNone:
		return prefix(p, "<!--", muEscape)
	case r.escape == escSingle && isLetter(c):
		return wholeName(p, 1, "script", muDouble)
	}
	return muMismatch, 1
}

// wholeName matches a name at index i of p and the byte that must end it.
func wholeName(p []byte, i int, name string, kind markup) (markup, int) {
	for n := range len(name) {
		switch {
		case i+n == len(p):
			return muMore, 0
		case lower(p[i+n]) != name[n]:
			return muMismatch, i + n
		}
	}
	switch e := i + len(name); {
	case e == len(p):
		return muMore, 0
	case endsName(p[e]):
		return kind, e
	default:
		return muMismatch, e
	}
}

func prefix(p []byte, want string, kind markup) (markup, int) {
	for n := range len(want) {
		switch {
		case n == len(p):
			return muMore, 0
		case p[n] != want[n]:
			return muMismatch, n
		}
	}
	return kind, len(want)
}

// beginRaw enters what was recognized in a text element.
func (s *Stream) beginRaw(kind markup, b []byte, e int) int {
	if kind == muEnd {
		if s.block.open {
			s.endBlock(b, e)
		}
		s.region.drop()
		s.tag = tagState{end: true, text: true}
		s.state, s.attrs = stAttrs, atBeforeName
		return e
	}
	s.state = stRaw
	if !s.block.open {
		s.region.drop()
	}
	switch kind {
	case muEscape:
		s.raw.escape, s.raw.dashes = escSingle, 2
	case muDouble:
		s.raw.escape ^= escSingle ^ escDouble
	}
	return e
}

// matchState is the progress within the end of a comment or CDATA section.
type matchState uint8

const (
	cmStart     matchState = iota // right after "<!--"
	cmStartDash                   // "<!---"
	cmBody
	cmDash  // "-"
	cmEnd   // "--"
	cmBang  // "--!"
	cmClose // the comment ended
)

func (m matchState) next(c byte) matchState {
	switch {
	case c == '>' && (m <= cmStartDash || m >= cmEnd):
		return cmClose
	case c == '!' && m == cmEnd:
		return cmBang
	case c != '-':
		return cmBody
	}
	switch m {
	case cmStart:
		return cmStartDash
	case cmBody, cmBang:
		return cmDash
	}
	return cmEnd
}

// comment reads to the end of a comment: a '>' ends it or not by the three bytes before.
func (s *Stream) comment(b []byte, i int) int {
	for i < len(b) {
		if s.match == cmBody {
			j := bytes.IndexByte(b[i:], '>')
			if j < 0 {
				j = len(b) - i
			}
			i = max(i, i+j-3)
		}
		s.match = s.match.next(b[i])
		i++
		if s.match == cmClose {
			s.state = stData
			return i
		}
	}
	return i
}

// cdata reads to the end of a CDATA section; match counts brackets up to two.
func (s *Stream) cdata(b []byte, i int) int {
	for i < len(b) {
		if s.match == 0 {
			j := bytes.IndexByte(b[i:], ']')
			if j < 0 {
				return len(b)
			}
			i += j
		}
		switch c := b[i]; {
		case c == ']':
			s.match = min(2, s.match+1)
		case c == '>' && s.match == 2:
			s.state = stData
			return i + 1
		default:
			s.match = 0
		}
		i++
	}
	return i
}
