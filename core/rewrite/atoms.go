package rewrite

import "encoding/binary"

// An atom is a tag name that the rewriter or the tree's feedback cares about; aOther is every other name.
type atom uint8

const (
	aOther atom = iota
	aScript
	aStyle
	aLink
	aBase
	aMeta
	aTemplate
	aSelect
	aInput
	aKeygen
	aTextarea
	aTitle
	aXmp
	aIframe
	aNoembed
	aNoframes
	aNoscript
	aPlaintext
	aSVG
	aMath
	aFrameset
	aFrame
	aBody
	aHead
	aHTML
	aForeignObject
	aDesc
	aAnnotationXML
	aMathText // mi, mo, mn, ms, mtext
	aMglyph   // mglyph, malignmark
	aFont
	aP
	aBr
	aCol
	aTable
	aTablePart // caption, colgroup, tbody, td, tfoot, th, thead, tr
	aBreakout  // other names that end foreign content (HTML 13.2.6.5)
	aVoid      // other void elements, and those that end foreign content too are aBreakoutVoid
	aBreakoutVoid
	atomCount
)

// Properties of atoms.
const (
	fHot      = 1 << iota // a start tag of plain HTML content that needs more than skipping
	fHotEnd               // the same for an end tag
	fText                 // switches the tokenizer in HTML content
	fBreakout             // ends foreign content
	fVoid                 // never stands on the stack of open elements
	fTable                // belongs into a table
	fInHead               // does not settle the mode of a template (HTML 13.2.6.4.22)
)

var atomFlags = [atomCount]uint16{
	aScript:        fHot | fText | fInHead,
	aStyle:         fHot | fText | fInHead,
	aLink:          fHot | fVoid | fInHead,
	aBase:          fHot | fVoid | fInHead,
	aMeta:          fHot | fVoid | fInHead | fBreakout,
	aTemplate:      fHot | fHotEnd | fInHead,
	aSelect:        fHot | fHotEnd,
	aInput:         fHot | fVoid,
	aKeygen:        fHot | fVoid,
	aTextarea:      fHot | fText,
	aTitle:         fHot | fText | fInHead,
	aXmp:           fHot | fText,
	aIframe:        fHot | fText,
	aNoembed:       fHot | fText,
	aNoframes:      fHot | fText | fInHead,
	aNoscript:      fHot | fText,
	aPlaintext:     fHot | fText,
	aSVG:           fHot,
	aMath:          fHot,
	aFrameset:      fHot,
	aFrame:         fVoid,
	aBody:          fHot | fHotEnd | fBreakout,
	aHead:          fBreakout,
	aHTML:          fHotEnd,
	aP:             fBreakout,
	aBr:            fBreakout | fVoid,
	aCol:           fVoid | fTable,
	aTable:         fBreakout,
	aTablePart:     fTable,
	aBreakout:      fBreakout,
	aVoid:          fVoid,
	aBreakoutVoid:  fBreakout | fVoid,
	aMglyph:        0,
	aMathText:      0,
	aForeignObject: 0,
}

type nameEntry struct {
	key  uint64
	atom atom
}

// names is an open hash of the names of up to eight letters, by their packed bytes.
var names = packNames(map[atom][]string{
	aScript: {"script"}, aStyle: {"style"}, aLink: {"link"}, aBase: {"base"}, aMeta: {"meta"},
	aTemplate: {"template"}, aSelect: {"select"}, aInput: {"input"}, aKeygen: {"keygen"},
	aTextarea: {"textarea"}, aTitle: {"title"}, aXmp: {"xmp"}, aIframe: {"iframe"}, aNoembed: {"noembed"},
	aNoframes: {"noframes"}, aNoscript: {"noscript"}, aSVG: {"svg"}, aMath: {"math"},
	aFrameset: {"frameset"}, aFrame: {"frame"}, aBody: {"body"}, aHead: {"head"}, aHTML: {"html"},
	aDesc: {"desc"}, aMathText: {"mi", "mo", "mn", "ms", "mtext"}, aMglyph: {"mglyph"},
	aFont: {"font"}, aP: {"p"}, aBr: {"br"}, aCol: {"col"}, aTable: {"table"},
	aTablePart: {"caption", "colgroup", "tbody", "td", "tfoot", "th", "thead", "tr"},
	aBreakout: {
		"b", "big", "center", "code", "dd", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6",
		"i", "li", "listing", "menu", "nobr", "ol", "pre", "ruby", "s", "small", "span", "strike", "strong",
		"sub", "sup", "tt", "u", "ul", "var",
	},
	aVoid:         {"area", "image", "param", "source", "track", "wbr", "bgsound"},
	aBreakoutVoid: {"embed", "hr", "img"},
})

const (
	nameBits  = 9
	nameSlots = 1 << nameBits
	nameMix   = 0x9e3779b97f4a7c15
)

func packNames(by map[atom][]string) *[nameSlots]nameEntry {
	t := new([nameSlots]nameEntry)
	for a, list := range by {
		for _, n := range list {
			k := packName([]byte(n))
			h := k * nameMix >> (64 - nameBits)
			for t[h].key != 0 {
				h = (h + 1) % nameSlots
			}
			t[h] = nameEntry{k, a}
		}
	}
	return t
}

// packName packs at most eight bytes, lower-casing letters: setting bit 5 only where bit 6 stands leaves digits and
// hyphens alone, and folds no other byte onto a letter.
func packName(b []byte) uint64 {
	var w [8]byte
	copy(w[:], b)
	k := binary.LittleEndian.Uint64(w[:])
	return k | k&0x4040404040404040>>1
}

func lookupPacked(k uint64) atom {
	h := k * nameMix >> (64 - nameBits)
	for {
		e := &names[h]
		if e.key == k {
			return e.atom
		}
		if e.key == 0 {
			return aOther
		}
		h = (h + 1) % nameSlots
	}
}

// lookup finds the atom of a tag name, which is not empty, whatever its case.
func lookup(name []byte) atom {
	if name[len(name)-1] == 0 { // it would look like padding
		return aOther
	}
	if len(name) <= 8 {
		return lookupPacked(packName(name))
	}
	switch len(name) {
	case 9:
		if foldEqual(name, "plaintext") {
			return aPlaintext
		}
	case 10:
		switch {
		case foldEqual(name, "blockquote"):
			return aBreakout
		case foldEqual(name, "malignmark"):
			return aMglyph
		}
	case 13:
		if foldEqual(name, "foreignobject") {
			return aForeignObject
		}
	case 14:
		if foldEqual(name, "annotation-xml") {
			return aAnnotationXML
		}
	}
	return aOther
}

// hotNames tells by a name's first letter which lengths a hot name may have, a bit for each, in start tags and in end tags.
var hotNames = &hotTable{
	start: lengths("script style link base meta template select input keygen textarea title xmp iframe noembed noframes noscript plaintext " +
		"svg math frameset body "),
	end: lengths("template select body html "),
}

type hotTable struct{ start, end [256]uint16 }

func lengths(list string) (t [256]uint16) {
	first := 0
	for i := range len(list) {
		if list[i] == ' ' {
			c := list[first]
			t[c] |= 1 << (i - first)
			t[c-'a'+'A'] = t[c]
			first = i + 1
		}
	}
	return t
}

// basefont is a void name of eight letters that settles no template mode; it is looked for only in templates.
func isHeadVoid(name []byte) bool { return foldEqual(name, "basefont") || foldEqual(name, "bgsound") }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// foldEqual tells whether b is the lower-case ASCII string want, whatever the case of b's letters.
func foldEqual(b []byte, want string) bool {
	if len(b) != len(want) {
		return false
	}
	for i := range b {
		if lower(b[i]) != want[i] {
			return false
		}
	}
	return true
}

// foldContains tells whether b holds the lower-case ASCII string want, whatever the case of b's letters.
func foldContains(b []byte, want string) bool {
	for i := 0; i+len(want) <= len(b); i++ {
		if foldEqual(b[i:i+len(want)], want) {
			return true
		}
	}
	return false
}
