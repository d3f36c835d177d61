package rewrite

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"hash/maphash"
	"unicode/utf8"
)

// Found says what an entry of a Ledger is.
type Found uint8

const (
	// InlineScript is the text of a script element.
	InlineScript Found = iota + 1
	// InlineStyle is the text of a style element.
	InlineStyle
	// EventHandler is the value of an on... attribute.
	EventHandler
	// StyleAttribute is the value of a style attribute.
	StyleAttribute
	// ScriptURL is a javascript: URL, scheme included.
	ScriptURL
	// ExternalScript is the URL that a script, or a link that preloads one, loads.
	ExternalScript
	// ExternalStyle is the URL of a style sheet, or of a link that preloads one.
	ExternalStyle
	// MetaPolicy is the policy of a meta element.
	MetaPolicy
	// BaseURL is the URL of a base element.
	BaseURL
	foundCount
)

var foundNames = [foundCount]string{"", "inline-script", "inline-style", "event-handler", "style-attribute", "script-url", "external-script", "external-style",
	"meta-policy", "base"}

// String returns a stable name, "inline-script" for example.
func (f Found) String() string { return foundNames[f] }

// An Entry is one thing that documents held.
type Entry struct {
	Found Found
	// Hash is the source expression of inline code without quotes, "sha256-..."; "" where browsers' hash can't be told.
	Hash string
	// Sample is what a browser would send as sample of inline code: decoded, white space at both ends trimmed, at most 40 UTF-16 units.
	Sample string
	// Text is the absolute URL or, where it can't be told, the URL as it was written; or the policy. At most MaxURL bytes.
	Text string
	// Name is the element, or the attribute of an event handler.
	Name string
	// Ordinal counts the things on a page that look alike, from 0.
	Ordinal int
	// Seen is in how many pages, or places of a page, it was.
	Seen int
	// Varying says that the code or URL at this place changes from page to page; Hash and Text are those first seen. It can't be approved.
	Varying bool
}

// Limits of a Ledger.
const (
	MaxEntries  = 512  // what is more is counted in Dropped
	MaxPlaces   = 1024 // places that are watched for changes
	MaxVariants = 8    // different codes at a place of different pages; with one more it varies
	MaxAlike    = 64   // different places of a page that are told apart
	SampleUnits = 40   // UTF-16 units of a sample (CSP3 2.4)
)

// placePrefix is how many bytes of a block tell its place, with its attributes and its ordinal.
const placePrefix = 16

// A Ledger gathers what the documents of a route hold. Streams that share it must not run at the same time.
type Ledger struct {
	entries []Entry
	byCode  map[uint64]int // index of an entry by its kind and code
	places  map[uint64]*spot
	dropped int
	seed    maphash.Seed // identities can't be forged by who doesn't know it
}

// spot is a place that many pages have.
type spot struct {
	codes [MaxVariants]uint64
	n     int
	page  uint64 // where the last one was
	entry int    // the varying entry, -1 if it does not vary
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{byCode: map[uint64]int{}, places: map[uint64]*spot{}, seed: maphash.MakeSeed()}
}

// Entries returns what was found so far, in order of appearance. The slice is the caller's.
func (g *Ledger) Entries() []Entry {
	var list []Entry
	for _, e := range g.entries {
		if e.Found != 0 {
			list = append(list, e)
		}
	}
	return list
}

// Dropped is how many findings did not fit.
func (g *Ledger) Dropped() int { return g.dropped }

// Reset empties the ledger.
func (g *Ledger) Reset() { *g = *NewLedger() }

// finding is one thing of a page on its way into the ledger.
type finding struct {
	found   Found
	code    uint64 // identity of the code or URL
	place   uint64 // identity of the place, ordinal included
	page    uint64
	ordinal int
}

// add counts a finding; entry makes its entry where it is new.
func (g *Ledger) add(f finding, entry func() Entry) {
	if p := g.spot(f); p != nil && g.varies(p, f, entry) {
		return
	}
	if i, ok := g.byCode[f.code]; ok {
		g.entries[i].Seen++
		return
	}
	g.insert(f, entry)
}

func (g *Ledger) insert(f finding, entry func() Entry) int {
	if len(g.entries) == MaxEntries {
		g.dropped++
		return -1
	}
	e := entry()
	e.Found, e.Ordinal, e.Seen = f.found, f.ordinal, 1
	g.entries = append(g.entries, e)
	g.byCode[f.code] = len(g.entries) - 1
	return len(g.entries) - 1
}

func (g *Ledger) spot(f finding) *spot {
	p := g.places[f.place]
	if p == nil && len(g.places) < MaxPlaces {
		p = &spot{entry: -1}
		g.places[f.place] = p
	}
	return p
}

// varies follows a place, and tells whether the finding is counted as part of a varying entry.
func (g *Ledger) varies(p *spot, f finding, entry func() Entry) bool {
	if p.entry >= 0 {
		g.entries[p.entry].Seen++
		return true
	}
	same := p.page == f.page && p.n > 0
	p.page = f.page
	for i, c := range p.codes[:p.n] {
		if c == f.code && (i == p.n-1 || !same) {
			return false
		}
	}
	if p.n == 0 || !same && p.n < MaxVariants {
		p.codes[p.n] = f.code
		p.n++
		return false
	}
	g.merge(p, f, entry)
	return p.entry >= 0
}

// merge makes all that was at a place one varying entry.
func (g *Ledger) merge(p *spot, f finding, entry func() Entry) {
	seen := 1
	for _, c := range p.codes[:p.n] {
		i, ok := g.byCode[c]
		if !ok {
			continue
		}
		seen += g.entries[i].Seen
		delete(g.byCode, c)
		if p.entry < 0 {
			p.entry = i
		} else {
			g.entries[i].Found = 0
		}
	}
	if p.entry < 0 {
		p.entry = g.insert(f, entry)
	}
	if p.entry >= 0 {
		g.entries[p.entry].Varying, g.entries[p.entry].Seen = true, seen
	}
}

// notes is what a stream keeps for the page's ledger.
type notes struct {
	alike [MaxAlike]struct {
		key uint64
		n   int
	}
	n    int
	page uint64 // identity of the page: its path
	text []byte
}

func (n *notes) reset() { n.n, n.page = 0, 0 }

// ordinal counts the places with the same key.
func (n *notes) ordinal(key uint64) int {
	for i := range n.alike[:n.n] {
		if n.alike[i].key == key {
			n.alike[i].n++
			return n.alike[i].n
		}
	}
	if n.n < MaxAlike {
		n.alike[n.n].key, n.alike[n.n].n = key, 0
		n.n++
	}
	return 0
}

// sum goes on from h with one more piece.
func (g *Ledger) sum(h uint64, b []byte) uint64 {
	return (h ^ maphash.Bytes(g.seed, b)) * nameMix
}

// pageID is the page's URL without the query.
func (s *Stream) pageID() uint64 {
	if s.notes.page == 0 {
		page := s.pageURL()
		s.notes.page = s.page.Inventory.sum(0, page.text[:page.path])
	}
	return s.notes.page
}

// finding identifies code of a kind by its text and place.
func (s *Stream) finding(found Found, tag, prefix, code []byte) finding {
	g := s.page.Inventory
	place := g.sum(g.sum(uint64(found), tag), prefix)
	n := s.notes.ordinal(place)
	return finding{
		found: found, code: g.sum(uint64(found), code), place: (place + uint64(n)) * nameMix,
		page: s.pageID(), ordinal: n,
	}
}

// noteBlock takes note of an inline block.
func (s *Stream) noteBlock(l *look, content []byte) {
	found := InlineScript
	if s.block.kind == style {
		found = InlineStyle
	}
	exact := s.tag.space == kindHTML || !hasRef(content) // in svg a browser decodes references
	s.noteCode(found, l.tag[1:l.name1], s.shape(l), content, exact)
}

// shape is the start tag without its nonce.
func (s *Stream) shape(l *look) []byte {
	b := append(s.notes.text[:0], l.tag[:l.name1]...)
	for i, a := range l.attrs {
		if i != l.nonce {
			b = append(append(b, ' '), l.tag[a.name0:a.end]...)
		}
	}
	s.notes.text = b
	return b
}

// noteCode takes note of code whose text, before normalizing, is content if exact, and else something like it.
func (s *Stream) noteCode(found Found, name, shape, content []byte, exact bool) {
	cs := s.enc.kind
	lead := trimURL(content)
	f := s.finding(found, shape, lead[:min(len(lead), placePrefix)], content)
	s.page.Inventory.add(f, func() Entry {
		var scratch []byte
		e := Entry{Name: lowerName(name), Sample: sample(content)}
		if text, ok := blockText(content, cs, &scratch); ok && exact {
			h := sha256.Sum256(text)
			e.Hash = "sha256-" + base64.StdEncoding.EncodeToString(h[:])
		}
		return e
	})
}

// sample cuts code as Chromium does for a report: white space at both ends goes first.
func sample(content []byte) string {
	content = trimSpace(content)
	b := make([]byte, 0, SampleUnits)
	for units := 0; len(content) > 0; {
		r, n := utf8.DecodeRune(content)
		if r == '\r' {
			r = '\n'
			if len(content) > 1 && content[1] == '\n' {
				n = 2
			}
		}
		if r == 0 {
			r = utf8.RuneError
		}
		if units++; r > 0xffff {
			units++
		}
		if units > SampleUnits {
			break
		}
		b = utf8.AppendRune(b, r)
		content = content[n:]
	}
	return string(b)
}

// noteRef takes note of external code.
func (s *Stream) noteRef(kind codeKind, ref []byte) {
	found := ExternalScript
	if kind == style {
		found = ExternalStyle
	}
	s.noteURL(found, ref)
}

// noteURL takes note of a URL: its place is the URL without the query.
func (s *Stream) noteURL(found Found, ref []byte) {
	text := ref[:min(len(ref), MaxURL)]
	if s.locate(ref) {
		text = s.base.ref.text
	}
	place, _, _ := bytes.Cut(text, []byte("?"))
	f := s.finding(found, nil, place, text)
	s.page.Inventory.add(f, func() Entry {
		return Entry{Text: string(text), Name: lowerName(s.name())}
	})
}

// noteTag takes note of what the attributes of any start tag hold.
func (s *Stream) noteTag(l *look) {
	switch {
	case s.tag.atom == aMeta && l.isPolicy():
		v, _, _ := l.value("content")
		s.notePolicy(v)
	case s.tag.atom == aBase:
		if v, ok := l.url("href"); ok && v != nil {
			s.noteURL(BaseURL, v)
		}
	}
	for i := range l.attrs {
		s.noteAttr(l, i)
	}
}

func (s *Stream) notePolicy(v []byte) {
	v = v[:min(len(v), MaxURL)]
	s.page.Inventory.add(s.finding(MetaPolicy, nil, v, v), func() Entry { return Entry{Text: string(v), Name: "meta"} })
}

// skipUnremarkable is skipPlain for a page of which note is taken.
func skipUnremarkable(b []byte, i int) int {
	for {
		if i = indexFrom(b, i, '<'); i == len(b) {
			return i
		}
		name := plainTag(b, i)
		if name < 0 {
			return i
		}
		e := skipTag(b, name)
		if e < 0 || b[i+1] != '/' && remarkable(b[name:e]) {
			return i
		}
		i = e
	}
}

// remarkable tells whether there may be code among a complete tag's attributes; p is the tag from after its name.
func remarkable(p []byte) bool {
	if len(p) == 1 {
		return false
	}
	for i := 0; ; {
		a, ok := nextAttr(p, i)
		if !ok {
			return false
		}
		name := p[a.name0:a.name1]
		switch {
		case isHandler(name) || foldEqual(name, "style"):
			return true
		case loadsURL(name):
			v := trimURL(p[a.value0:a.value1])
			if len(v) > 0 && (v[0]|0x20 == 'j' || v[0] == '&') {
				return true
			}
		}
		i = a.end
	}
}

func isHandler(name []byte) bool { return len(name) > 2 && name[0]|0x20 == 'o' && name[1]|0x20 == 'n' }

// noteAttr takes note of an attribute that is code.
func (s *Stream) noteAttr(l *look, i int) {
	a := l.attrs[i]
	name := l.tag[a.name0:a.name1]
	found := Found(0)
	switch {
	case isHandler(name):
		found = EventHandler
	case foldEqual(name, "style"):
		found = StyleAttribute
	case !loadsURL(name):
		return
	}
	v, exact := decodeValue(l.scratch[:0], l.tag[a.value0:a.value1])
	l.scratch = v
	if found == 0 && isScriptURL(v) {
		found = ScriptURL
	}
	if found != 0 {
		s.noteCode(found, name, append(s.notes.text[:0], s.name()...), v, exact)
	}
}

func lowerName(name []byte) string {
	b := make([]byte, 0, MaxTagName)
	for _, c := range name[:min(len(name), MaxTagName)] {
		b = append(b, lower(c))
	}
	return string(b)
}

func loadsURL(name []byte) bool {
	switch len(name) {
	case 3:
		return foldEqual(name, "src")
	case 4:
		return foldEqual(name, "href") || foldEqual(name, "data")
	case 6:
		return foldEqual(name, "action")
	case 10:
		return foldEqual(name, "formaction") || foldEqual(name, "xlink:href")
	}
	return false
}

// isScriptURL tells whether a URL's scheme is javascript, as the URL parser sees it: without tabs and line breaks.
func isScriptURL(v []byte) bool {
	v = trimURL(v)
	want := "javascript:"
	for _, c := range v {
		if want == "" {
			break
		}
		if c == '\t' || c == '\n' || c == '\r' {
			continue
		}
		if lower(c) != want[0] {
			return false
		}
		want = want[1:]
	}
	return want == ""
}
