package csp

import "slices"

// The chains that decide elements and attributes (CSP3 6.8.3).
var (
	scriptElem = []string{"script-src-elem", "script-src", "default-src"}
	scriptAttr = []string{"script-src-attr", "script-src", "default-src"}
	styleElem  = []string{"style-src-elem", "style-src", "default-src"}
	styleAttr  = []string{"style-src-attr", "style-src", "default-src"}
	// Strings and WebAssembly (CSP3 4.5.1, 4.6.1).
	scriptEval = []string{"script-src", "default-src"}
)

// templateBuilder edits a copy of the policy; the caller's is left alone.
type templateBuilder struct {
	p      Policy
	nonced []string // names of directives that get the nonce slot
	t      Template
}

func newTemplateBuilder(p Policy) *templateBuilder {
	return &templateBuilder{p: Policy{Directives: slices.Clone(p.Directives)}}
}

// connect adds s to the sources that decide connections, unless they let it
// through already. Of default-src it makes a connect-src, so that nothing else
// is let through.
func (b *templateBuilder) connect(s Source) {
	i := b.p.first("connect-src", "default-src")
	if i < 0 {
		return
	}
	d := b.p.Directives[i]
	if slices.ContainsFunc(d.Sources, func(have Source) bool { return covers(have, s) }) {
		return
	}
	made := Directive{Name: "connect-src", Sources: withSource(connectSources(d), s)}
	if d.Name == "connect-src" {
		b.p.Directives[i] = made
		return
	}
	b.insertAfter(i, made)
}

// covers reports whether everything that s names is surely let through by have.
func covers(have, s Source) bool {
	if have.text == "*" || equalFold(have.text, s.text) {
		return true
	}
	return have.kind == KindScheme && s.scheme > 0 && equalFold(have.Scheme(), s.Scheme())
}

// connectSources keeps of a source list what can matter for connections.
func connectSources(d Directive) []Source {
	if d.Name == "connect-src" {
		return d.Sources
	}
	return urlSources(d)
}

// urlSources keeps of default-src what can matter where URLs alone decide: in a
// copy the rest is ballast in every response.
func urlSources(d Directive) []Source {
	var out []Source
	for _, s := range d.Sources {
		switch {
		case s.kind == KindScheme, s.kind == KindHost, s.keyword == Self, s.keyword == None, s.keyword == UnsafeWebTransportHashes:
			out = append(out, s)
		case s.kind == KindHash && d.Has(UnsafeWebTransportHashes):
			out = append(out, s)
		}
	}
	return out
}

// withSource appends s to a copy of list; 'none' goes, for it would be a lie.
func withSource(list []Source, s Source) []Source {
	out := make([]Source, 0, len(list)+1)
	for _, x := range list {
		if x.keyword != None {
			out = append(out, x)
		}
	}
	return append(out, s)
}

func (b *templateBuilder) insertAfter(i int, d Directive) {
	b.p.Directives = slices.Insert(b.p.Directives, i+1, d)
}

// nonces decides where the nonce goes, for scripts and styles apart.
func (b *templateBuilder) nonces(pl Placement) {
	script := pl.ScriptNonce && b.wantsNonce(scriptElem, pl)
	style := pl.StyleNonce && b.wantsNonce(styleElem, pl)
	scriptDefault := script && b.p.first(scriptElem...) == b.p.index("default-src")
	styleDefault := style && b.p.first(styleElem...) == b.p.index("default-src")
	// What else default-src decides is looked at before anything is made of it.
	shareScript := styleDefault || !b.defaultDecides(styleElem, styleAttr)
	shareStyle := scriptDefault || !b.defaultDecides(scriptElem, scriptAttr)
	if script {
		b.place(scriptElem, "script-src", scriptDefault && !shareScript)
	}
	if style {
		b.place(styleElem, "style-src", styleDefault && !shareStyle)
	}
	b.t.stampScript, b.t.stampStyle = script, style
}

// wantsNonce reports whether a nonce belongs into the directive that decides.
func (b *templateBuilder) wantsNonce(chain []string, pl Placement) bool {
	i := b.p.first(chain...)
	if i < 0 || b.p.Directives[i].IsNone() {
		return false
	}
	return !pl.KeepUnsafeInline || !b.p.Directives[i].inlineInForce(chain[0] == "script-src-elem")
}

// inlineInForce reports whether 'unsafe-inline' is there and nothing silences it
// (CSP3 6.7.3.2).
func (d Directive) inlineInForce(script bool) bool {
	found := false
	for i := range d.Sources {
		s := &d.Sources[i]
		if s.kind == KindNonce || s.kind == KindHash || script && s.keyword == StrictDynamic {
			return false
		}
		found = found || s.keyword == UnsafeInline
	}
	return found
}

// defaultDecides reports whether default-src decides any of the chains.
func (b *templateBuilder) defaultDecides(chains ...[]string) bool {
	def := b.p.index("default-src")
	for _, c := range chains {
		if i := b.p.first(c...); i >= 0 && i == def {
			return true
		}
	}
	return false
}

// place marks the deciding directive; own makes one of default-src's sources
// first, so that what else default-src decides stays as it is.
func (b *templateBuilder) place(chain []string, name string, own bool) {
	i := b.p.first(chain...)
	if own {
		b.insertAfter(i, Directive{Name: name, Sources: b.p.Directives[i].Sources})
		i++
	}
	if n := b.p.Directives[i].Name; !slices.Contains(b.nonced, n) {
		b.nonced = append(b.nonced, n)
	}
}

// samples adds 'report-sample' to every directive that decides scripts or styles.
func (b *templateBuilder) samples() {
	for _, chain := range [...][]string{scriptElem, scriptAttr, scriptEval, styleElem, styleAttr} {
		i := b.p.first(chain...)
		if i < 0 || b.p.Directives[i].IsNone() || b.p.Directives[i].Has(ReportSample) {
			continue
		}
		d := b.p.Directives[i]
		d.Sources = append(slices.Clone(d.Sources), KeywordSource(ReportSample))
		b.p.Directives[i] = d
	}
}

// compile makes the segments: fixed text, cut where values go in.
func (b *templateBuilder) compile() *Template {
	var text []byte
	cut := func(s slot) {
		b.t.segments = append(b.t.segments, segment{string(text), s})
		text = text[:0]
	}
	for i, d := range b.p.Directives {
		if i > 0 {
			text = append(text, "; "...)
		}
		text = d.append(text)
		switch {
		case slices.Contains(b.nonced, d.Name):
			cut(slotNonce)
		case d.Name == "report-uri":
			b.t.hasReports = true
			cut(slotReportURI)
		case d.Name == "report-to" && len(d.Sources) > 0:
			b.t.own = d.Sources[0].text
		}
	}
	cut(slotEnd)
	return &b.t
}
