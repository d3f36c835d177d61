package rewrite

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Where a tag's reading stands between its name and its '>' (HTML 13.2.5.32 to 13.2.5.40). It is all that outlives a chunk:
// what the attributes say is read once, when the whole tag is there.
type attrState uint8

const (
	atBeforeName attrState = iota
	atTagName              // in a name too long to be looked at
	atName
	atAfterName
	atBeforeValue
	atDouble
	atSingle
	atUnquoted
	atSlash // self-closing start tag state
)

// Classes of bytes within a tag. A carriage return counts as white space: a browser makes it a line feed before it tokenizes.
const (
	cPlain = iota
	cSpace
	cSlash
	cClose
	cEquals
)

// plain_wasm.s knows their values.
var class = [256]uint8{'\t': cSpace, '\n': cSpace, '\f': cSpace, '\r': cSpace, ' ': cSpace, '/': cSlash, '>': cClose, '=': cEquals}

// endsName tells whether c ends a tag name.
func endsName(c byte) bool { return class[c]-1 < cClose }

// skipAttrs reads on in b from i in state st. It returns the index after the tag's '>' and whether it was found;
// the state is atSlash at the end of a self-closing tag.
func skipAttrs(b []byte, i int, st attrState) (int, attrState, bool) {
	for i < len(b) {
		switch st {
		case atBeforeName, atSlash:
			switch class[b[i]] {
			case cSpace:
				st = atBeforeName
			case cSlash:
				st = atSlash
			case cClose:
				return i + 1, st, true
			default: // an '=' here begins a name
				st = atName
			}
			i++
		case atTagName:
			if endsName(b[i]) {
				st = atBeforeName
			} else {
				i++
			}
		case atName:
			for i < len(b) && class[b[i]] == cPlain {
				i++
			}
			if i == len(b) {
				return i, st, false
			}
			switch class[b[i]] {
			case cEquals:
				st = atBeforeValue
			case cSpace:
				st = atAfterName
			case cSlash:
				st = atSlash
			case cClose:
				return i + 1, atBeforeName, true
			}
			i++
		case atAfterName:
			switch class[b[i]] {
			case cSpace:
			case cSlash:
				st = atSlash
			case cEquals:
				st = atBeforeValue
			case cClose:
				return i + 1, atBeforeName, true
			default:
				st = atName
			}
			i++
		case atBeforeValue:
			switch c := b[i]; {
			case class[c] == cSpace:
			case c == '"':
				st = atDouble
			case c == '\'':
				st = atSingle
			case c == '>':
				return i + 1, atBeforeName, true
			default:
				st = atUnquoted
			}
			i++
		case atDouble, atSingle:
			q := byte('"')
			if st == atSingle {
				q = '\''
			}
			j := bytes.IndexByte(b[i:], q)
			if j < 0 {
				return len(b), st, false
			}
			i += j + 1
			st = atBeforeName
		case atUnquoted:
			for i < len(b) && class[b[i]] != cSpace && b[i] != '>' {
				i++
			}
			if i == len(b) {
				return i, st, false
			}
			st = atBeforeName
		}
	}
	return i, st, false
}

// skipTag is skipAttrs for a tag that ends in b, from right after the name; it returns -1 for one that does not. It is fast where
// attributes are written as most are.
func skipTag(b []byte, i int) int {
	for i < len(b) {
		switch class[b[i]] {
		case cClose:
			return i + 1
		case cSpace, cSlash:
			i++
			continue
		}
		for i++; i < len(b) && class[b[i]] == cPlain; i++ {
		}
		switch {
		case i+1 >= len(b):
			return skipAttrsTo(b, i, atName)
		case class[b[i]] == cSpace:
			return skipAttrsTo(b, i, atAfterName)
		case b[i] != '=':
			continue
		}
		i++
		switch q := b[i]; q {
		case '"', '\'':
			i = indexFrom(b, i+1, q) + 1
		default:
			return skipUnquoted(b, i)
		}
	}
	return -1
}

// indexFrom returns the index of the first c from i on, or len(b). It is quicker than bytes.IndexByte where c is near.
func indexFrom(b []byte, i int, c byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	if i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:]) ^ uint64(c)*ones
		if m := (w - ones) &^ w & highs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	if j := bytes.IndexByte(b[i:], c); j >= 0 {
		return i + j
	}
	return len(b)
}

// skipUnquoted goes on before a value that is not quoted: where no quotes follow, the next '>' must end the tag.
func skipUnquoted(b []byte, i int) int {
	n := bytes.IndexByte(b[i:], '>')
	if n < 0 {
		return -1
	}
	t := b[i : i+n]
	if bytes.IndexByte(t, '"') < 0 && bytes.IndexByte(t, '\'') < 0 {
		return i + n + 1
	}
	return skipAttrsTo(b, i, atBeforeValue)
}

// skipAttrsTo is skipAttrs for a tag that ends in b, -1 for one that does not.
func skipAttrsTo(b []byte, i int, st attrState) int {
	if e, _, done := skipAttrs(b, i, st); done {
		return e
	}
	return -1
}

// An attr is one attribute of a complete tag, as spans of the tag's bytes. Value spans exclude the quotes; end is the index
// after the whole attribute.
type attr struct {
	name0, name1   int
	value0, value1 int
	end            int
	key            uint64 // packed name, its first eight bytes
}

// nextAttr reads the next attribute of a complete tag b (it ends with the tag's '>') from index i on.
func nextAttr(b []byte, i int) (attr, bool) {
	for class[b[i]] == cSpace || b[i] == '/' {
		i++
	}
	if b[i] == '>' {
		return attr{}, false
	}
	a := attr{name0: i}
	for i++; class[b[i]] == cPlain; i++ {
	}
	a.name1 = i
	a.end = i
	a.value0, a.value1 = i, i
	for class[b[i]] == cSpace {
		i++
	}
	if b[i] != '=' {
		return a, true
	}
	for i++; class[b[i]] == cSpace; i++ {
	}
	switch c := b[i]; c {
	case '>':
		a.value0, a.value1, a.end = i, i, i
	case '"', '\'':
		a.value0 = i + 1
		a.value1 = a.value0 + bytes.IndexByte(b[a.value0:], c)
		a.end = a.value1 + 1
	default:
		a.value0 = i
		for i++; class[b[i]] != cSpace && b[i] != '>'; i++ {
		}
		a.value1, a.end = i, i
	}
	return a, true
}
