package csp

import "strings"

// Parse reads one policy as a browser does (CSP3 2.2.1). It never fails: what a
// browser drops is left out of the policy and reported as a finding. Names come
// out in lower case, everything else as it was written. A comma starts another
// policy; Parse stops there with a finding, ParseList goes on. The policy keeps
// text alive.
func Parse(text string) (Policy, []Finding) {
	var f findings
	if i := strings.IndexByte(text, ','); i >= 0 {
		f.add(Finding{Rule: "comma", Severity: High, Value: ",", Offset: i, Dropped: true,
			Message: "a comma starts another policy", Fix: "write %2C inside a URL; several policies make a list"})
		text = text[:i]
	}
	return parsePolicy(text, 0, &f), f.list
}

// ParseList reads the value of a header, or several header values joined by
// commas: a comma-separated list (CSP3 2.2.2). Policies without any directive
// are left out. Offsets of findings count from the start of text.
func ParseList(text string) (List, []Finding) {
	var (
		f    findings
		list List
		off  int
	)
	for {
		end := strings.IndexByte(text[off:], ',')
		if end < 0 {
			end = len(text) - off
		}
		if p := parsePolicy(text[off:off+end], off, &f); len(p.Directives) > 0 {
			list = append(list, p)
		}
		off += end + 1
		if off > len(text) {
			return list, f.list
		}
		f.policy = len(list)
	}
}

// firstDirectives and firstSources are the sizes up to which parsing allocates on
// a guess, so that a usual policy takes one allocation for its directives and one
// for its sources. For more sources it counts them first.
const (
	firstDirectives = 16
	firstSources    = 64
)

func countTokens(text string) int {
	n, in := 0, false
	for i := range len(text) {
		token := is(text[i], classToken)
		if token && !in {
			n++
		}
		in = token
	}
	return n
}

// parser holds what the directives of one policy share.
type parser struct {
	f       *findings
	base    int // offset of the policy in the list
	seen    uint64
	others  map[string]struct{} // names of a policy that has many
	sources []Source            // backing array of all the directives' sources
	policy  Policy
}

// A set of dirID fits into parser.seen.
var _ [64 - dirCount]struct{}

func parsePolicy(text string, base int, f *findings) Policy {
	p := parser{f: f, base: base}
	if len(text) > 0 {
		p.policy.Directives = make([]Directive, 0, min(strings.Count(text, ";")+1, firstDirectives))
		n := strings.Count(text, " ") + 1
		if n > firstSources {
			n = countTokens(text)
		}
		p.sources = make([]Source, 0, n)
	}
	for off := 0; off <= len(text); {
		end := strings.IndexByte(text[off:], ';')
		if end < 0 {
			end = len(text) - off
		}
		token, cut := trimSpace(text[off : off+end])
		if token != "" {
			p.directive(token, base+off+cut)
		}
		off += end + 1
	}
	if len(p.policy.Directives) == 0 {
		return Policy{}
	}
	return p.policy
}

// directive reads "name value" (CSP3 2.2.1, step 3).
func (p *parser) directive(token string, off int) {
	n := tokenEnd(token, 0)
	d := Directive{Name: lower(token[:n]), off: uint32(off)}
	if n < len(token) && !is(token[n], classSpace) {
		p.badDirective(d, token, n)
		return
	}
	id := dirByName(d.Name)
	if p.duplicate(id, d.Name) {
		p.f.add(Finding{Rule: "directive-duplicate", Severity: Medium, Directive: d.Name, Offset: off, Dropped: true,
			Message: "the directive is there twice; browsers ignore all but the first", Fix: "write all sources into one directive"})
		return
	}
	start := len(p.sources)
	if bad := p.tokens(token, n, off, id); bad >= 0 {
		p.sources = p.sources[:start]
		p.badDirective(d, token, bad)
		return
	}
	if end := len(p.sources); end > start {
		d.Sources = p.sources[start:end:end]
	}
	p.policy.Directives = append(p.policy.Directives, d)
	p.checkDirective(id, &p.policy.Directives[len(p.policy.Directives)-1])
}

// badDirective reports a directive that is dropped for the byte at i.
func (p *parser) badDirective(d Directive, token string, i int) {
	problem, fix := badByteReason(token[i])
	p.f.add(Finding{Rule: "bad-character", Severity: High, Directive: printable(d.Name), Offset: d.Offset() + i, Dropped: true,
		Message: problem + ": browsers drop the whole directive", Fix: fix})
}

// tokens splits the value at white space and types its tokens. It gives the
// index of a byte for which the directive is dropped, -1 if there is none.
func (p *parser) tokens(token string, i, off int, id dirID) int {
	list := directives[id].value == valueSources || directives[id].value == valueAncestors
	for {
		for i < len(token) && is(token[i], classSpace) {
			i++
		}
		if i == len(token) {
			return -1
		}
		j := tokenEnd(token, i)
		if j == i || j < len(token) && !is(token[j], classSpace) {
			return j
		}
		p.sources = append(p.sources, Source{text: token[i:j], off: uint32(off + i), kind: KindToken})
		if list {
			s := &p.sources[len(p.sources)-1]
			s.kind = KindUnknown
			s.parse()
		}
		i = j
	}
}

// tokenEnd finds the end of what may stand in a token.
func tokenEnd(s string, i int) int {
	for i < len(s) && is(s[i], classToken) {
		i++
	}
	return i
}

// duplicate notes the name and reports whether it was there already.
func (p *parser) duplicate(id dirID, name string) bool {
	if id != dirUnknown {
		dup := p.seen&(1<<id) != 0
		p.seen |= 1 << id
		return dup
	}
	if p.others == nil && len(p.policy.Directives) <= firstDirectives {
		return p.policy.index(name) >= 0
	}
	if p.others == nil {
		p.others = map[string]struct{}{}
		for _, d := range p.policy.Directives {
			p.others[d.Name] = struct{}{}
		}
	}
	_, dup := p.others[name]
	p.others[name] = struct{}{}
	return dup
}

// badByte finds the first byte that may not stand in a directive, and says why;
// -1 if there is none. White space is allowed.
//
// CSP3 2.2.1 drops a directive that is not ASCII; Chromium drops one for a
// control character as well, and either way later ones of that name.
func badByte(s string) (int, string, string) {
	for i := range len(s) {
		if !is(s[i], classSpace|classToken) {
			problem, fix := badByteReason(s[i])
			return i, problem, fix
		}
	}
	return -1, "", ""
}

func badByteReason(c byte) (problem, fix string) {
	switch {
	case c >= 0x80:
		return "a non-ASCII character", "write host names in Punycode (xn--...), paths percent-encoded, quotes as '"
	case c == ';':
		return "a semicolon ends the directive", "write %3B inside a URL"
	case c == ',':
		return "a comma starts another policy", "write %2C inside a URL; separate sources by spaces"
	case c == '\r' || c == '\n':
		return "a line break", "write the policy in one line"
	}
	return "a control character", "take it out"
}

// printable makes a name fit for a message.
func printable(s string) string {
	if all(s, classToken) {
		return clip(s)
	}
	b := []byte(clip(s))
	for i := range b {
		if !is(b[i], classToken) {
			b[i] = '?'
		}
	}
	return string(b)
}
