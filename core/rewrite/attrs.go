package rewrite

import "bytes"

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
		if i+1 >= len(b) {
			return -1
		}
		switch {
		case b[i] == '>':
			return i + 1
		case b[i] != '=':
			if b[i] == '/' {
				continue
			}
			return finishTag(b, i, atAfterName)
		case b[i+1] == '"' || b[i+1] == '\'':
			j := bytes.IndexByte(b[i+2:], b[i+1])
			if j < 0 {
				return -1
			}
			i += j + 3
		default:
			return skipUnquoted(b, i+1)
		}
	}
	return -1
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
	return finishTag(b, i, atBeforeValue)
}

func finishTag(b []byte, i int, st attrState) int {
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
