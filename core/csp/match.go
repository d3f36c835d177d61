package csp

// Request is one activity on a page, with all that a policy looks at.
type Request struct {
	Activity Activity
	// Self is the origin that 'self' means: that of the page's response URL, also
	// where the document itself is sandboxed into an opaque origin.
	Self Origin
	// URL is what is asked for, or after redirects the one that was reached. The
	// zero URL stands for an ancestor with an opaque origin.
	URL URL
	// Redirected says that redirects were followed: paths no longer count
	// (CSP3 7.6).
	Redirected bool
	// Nonce is the element's; "" also where it is not nonceable (CSP3 6.7.3.1).
	Nonce string
	// Integrity is the integrity attribute of a script.
	Integrity string
	// Content is what stands inline. Of a javascript: URL it is what follows the
	// scheme, percent-encoded as the URL has it; the scheme may stand before it.
	Content []byte
	// ParserInserted says that the parser put the script there; a script that
	// another script inserted is not (HTML, "parser document").
	ParserInserted bool
	// Document says that what an object or embed element loads is a document, not
	// an image: Chromium shows it as it does a frame and asks frame-src as well.
	Document bool
	// Trusted says that eval gets a TrustedScript, or that a default Trusted Types
	// policy makes one.
	Trusted bool
}

// Reason says in a word why a policy allows or blocks.
type Reason string

// The reasons.
const (
	ByNoDirective    Reason = "no-directive"   // nothing restricts it
	ByURL            Reason = "url"            // an expression matched the URL
	ByNonce          Reason = "nonce"          // the nonce matched
	ByHash           Reason = "hash"           // the content's hash matched
	ByIntegrity      Reason = "integrity"      // all hashes of the integrity attribute are listed
	ByStrictDynamic  Reason = "strict-dynamic" // a trusted script inserted it
	ByKeyword        Reason = "keyword"        // 'unsafe-inline', 'unsafe-eval', ... allows it
	ByLocalURL       Reason = "local-url"      // about: is not asked about
	NoneAllowed      Reason = "none"           // 'none' or an empty list
	NoMatch          Reason = "no-match"       // no expression matched
	NeedsStrict      Reason = "strict-dynamic-needs-nonce-or-hash"
	NeedsTrustedType Reason = "trusted-types"    // require-trusted-types-for
	BySandbox        Reason = "sandbox"          // a sandbox without the flag that it takes
	ByUnknown        Reason = "unknown-activity" // the request makes no sense
)

// Decision is what one policy says to a request.
type Decision struct {
	Allowed bool
	// Effective is the directive that the activity belongs to, as violation
	// reports name it.
	Effective string
	// Directive is the one that decided, after the fallback chain; "" if none.
	Directive string
	// Expression is the source expression that allowed it, as it was written; ""
	// if none did.
	Expression string
	Reason     Reason
	// Offset is where the expression, or else the directive, stands in the text
	// that was parsed.
	Offset int
}

// Decide says whether the policy lets the request through, and by which
// directive and expression. It allocates nothing unless it has to hash.
func (p Policy) Decide(r *Request) Decision { return p.decide(r, nil) }

// Step is one expression of the deciding directive and what became of it.
type Step struct {
	Expression string  `json:"expression"`
	Offset     int     `json:"offset"`
	Outcome    Outcome `json:"outcome"`
}

// Explain is Decide with what became of each expression of the directive.
func (p Policy) Explain(r *Request) (Decision, []Step) {
	var t trace
	d := p.decide(r, &t)
	return d, t.steps
}

// trace gathers steps; a nil trace gathers none.
type trace struct{ steps []Step }

func (t *trace) add(s *Source, o Outcome) {
	if t != nil {
		t.steps = append(t.steps, Step{s.text, s.Offset(), o})
	}
}

// matcher decides one request by one directive.
type matcher struct {
	r *Request
	d *Directive
	t *trace
	Decision
}

func (p Policy) decide(r *Request, t *trace) Decision {
	if r.Activity == NoActivity || r.Activity >= activityCount {
		return Decision{Reason: ByUnknown}
	}
	m := matcher{r: r, t: t, Decision: Decision{Effective: activities[r.Activity].chain[0]}}
	if r.Activity == Eval && m.needsTrustedType(p) {
		return m.Decision
	}
	d := m.byDirective(p)
	switch {
	case !d.Allowed:
	case r.Activity == JavaScriptURL && m.needsTrustedType(p):
		return m.Decision
	case r.Activity == Object && r.Document:
		frame := *r
		frame.Activity = Frame
		if second := p.decide(&frame, t); !second.Allowed {
			return second
		}
	}
	return d
}

// byDirective decides by the directive that the fallback chain leads to.
func (m *matcher) byDirective(p Policy) Decision {
	i := p.first(activities[m.r.Activity].chain...)
	if i < 0 {
		return m.allow(nil, ByNoDirective)
	}
	m.d = &p.Directives[i]
	m.Directive, m.Offset = m.d.Name, m.d.Offset()
	switch m.r.Activity {
	case Prefetch:
		return m.prefetch(p)
	case Script:
		return m.script()
	case Style:
		return m.style()
	case Worker:
		return m.worker()
	case Eval:
		return m.eval(p)
	case WasmEval:
		return m.byKeyword(UnsafeEval, WasmUnsafeEval)
	case InlineScript, InlineStyle, ScriptAttr, StyleAttr, JavaScriptURL, SpeculationRules:
		return m.inline()
	case Object, Frame, FencedFrame:
		if m.r.URL.Scheme == "about" {
			return m.allow(nil, ByLocalURL)
		}
	}
	return m.url()
}

func (m *matcher) allow(s *Source, why Reason) Decision {
	m.Allowed, m.Reason = true, why
	if s != nil {
		m.t.add(s, Matched)
		m.Expression, m.Offset = s.text, s.Offset()
	}
	return m.Decision
}

func (m *matcher) block(why Reason) Decision {
	if why == NoMatch && m.d.IsNone() {
		why = NoneAllowed
	}
	m.Reason = why
	return m.Decision
}

// needsTrustedType: strings go to no sink that wants Trusted Types. It then makes
// the decision.
func (m *matcher) needsTrustedType(p Policy) bool {
	i := p.index("require-trusted-types-for")
	if m.r.Trusted || i < 0 || !p.Directives[i].hasToken("'script'") {
		return false
	}
	d := &p.Directives[i]
	m.Decision = Decision{Effective: d.Name, Directive: d.Name, Offset: d.Offset(), Reason: NeedsTrustedType}
	return true
}

// hasToken is for values that are compared with regard to case.
func (d *Directive) hasToken(text string) bool {
	for i := range d.Sources {
		if d.Sources[i].text == text {
			return true
		}
	}
	return false
}

// url is "Does url match source list" (CSP3 6.7.2.7).
func (m *matcher) url() Decision {
	for i := range m.d.Sources {
		s := &m.d.Sources[i]
		o := m.matchURL(s)
		if o == Matched {
			return m.allow(s, ByURL)
		}
		m.t.add(s, o)
	}
	return m.block(NoMatch)
}

func (m *matcher) matchURL(s *Source) Outcome {
	if s.keyword == None {
		if len(m.d.Sources) == 1 || m.d.IsNone() {
			return NothingAllowed
		}
		return IgnoredNone
	}
	u := m.r.URL
	if m.r.Activity == FrameAncestor {
		u.Path = "/" // an ancestor is known by its origin (CSP3 6.4.2.1)
	}
	o := s.matchURL(&u, &m.r.Self, m.r.Redirected)
	if o == NotApplicable && (m.r.Activity == Script || m.r.Activity == Style) {
		switch {
		case s.kind == KindNonce:
			return OtherNonce
		case s.kind == KindHash && m.r.Activity == Script:
			return NoIntegrity
		}
	}
	return o
}

// script is the pre-request check of script directives (CSP3 6.7.1.1).
func (m *matcher) script() Decision {
	if s := m.nonce(); s != nil {
		return m.allow(s, ByNonce)
	}
	if s := m.integrity(); s != nil {
		return m.allow(s, ByIntegrity)
	}
	if strict := m.keyword(StrictDynamic); strict != nil {
		if !m.r.ParserInserted {
			return m.allow(strict, ByStrictDynamic)
		}
		return m.blockStrict()
	}
	return m.url()
}

// blockStrict: with 'strict-dynamic' hosts and schemes do not count.
func (m *matcher) blockStrict() Decision {
	for i := range m.d.Sources {
		s := &m.d.Sources[i]
		switch {
		case s.keyword == StrictDynamic:
			m.t.add(s, ParserInserted)
		case s.kind == KindNonce:
			m.t.add(s, OtherNonce)
		case s.kind == KindHash:
			m.t.add(s, NoIntegrity)
		case s.keyword == Self, s.kind == KindHost, s.kind == KindScheme:
			m.t.add(s, Silenced)
		default:
			m.t.add(s, NotApplicable)
		}
	}
	return m.block(NeedsStrict)
}

// style is the pre-request check of style directives (CSP3 6.1.14.1).
func (m *matcher) style() Decision {
	if s := m.nonce(); s != nil {
		return m.allow(s, ByNonce)
	}
	return m.url()
}

// worker: Chromium lets 'strict-dynamic' allow every worker, whichever directive
// decides; by CSP3 script-src alone does.
func (m *matcher) worker() Decision {
	if s := m.keyword(StrictDynamic); s != nil {
		return m.allow(s, ByStrictDynamic)
	}
	return m.url()
}

// hints are the activities as which a prefetched resource may come to be used.
var hints = [...]Activity{Connect, Font, Frame, Image, Manifest, Media, Object, Script, Style, Worker}

// prefetch is "Does resource hint violate policy" (CSP3 6.7.2.2): it is enough
// that one directive would let the resource through. As in Chromium each activity
// is asked with its fallback chain, and 'strict-dynamic' lets a worker through.
func (m *matcher) prefetch(p Policy) Decision {
	r := *m.r
	for _, r.Activity = range hints {
		if d := p.decide(&r, nil); d.Allowed {
			d.Effective = m.Effective
			return d
		}
	}
	return m.block(NoMatch)
}

// keyword finds a keyword in the directive.
func (m *matcher) keyword(k Keyword) *Source {
	for i := range m.d.Sources {
		if m.d.Sources[i].keyword == k {
			return &m.d.Sources[i]
		}
	}
	return nil
}

// nonce is "Does nonce match source list" (CSP3 6.7.2.3). Browsers cut white
// space around the attribute's value.
func (m *matcher) nonce() *Source {
	if m.r.Nonce == "" {
		return nil
	}
	nonce, _ := trimSpace(m.r.Nonce)
	for i := range m.d.Sources {
		s := &m.d.Sources[i]
		if s.kind == KindNonce && s.text[s.prefix:len(s.text)-1] == nonce {
			return s
		}
	}
	return nil
}

// byKeyword allows by any of the keywords.
func (m *matcher) byKeyword(allow ...Keyword) Decision {
	for i := range m.d.Sources {
		s := &m.d.Sources[i]
		for _, k := range allow {
			if s.keyword == k {
				return m.allow(s, ByKeyword)
			}
		}
		m.t.add(s, m.otherOutcome(s))
	}
	return m.block(NoMatch)
}

// otherOutcome is that of an expression which does not bear on the activity.
func (m *matcher) otherOutcome(s *Source) Outcome {
	switch {
	case s.keyword == None && m.d.IsNone():
		return NothingAllowed
	case s.keyword == None:
		return IgnoredNone
	case s.kind == KindUnknown:
		return NotUnderstood
	}
	return NotApplicable
}

// eval is EnsureCSPDoesNotBlockStringCompilation (CSP3 4.5.1).
func (m *matcher) eval(p Policy) Decision {
	if i := p.index("require-trusted-types-for"); i >= 0 && p.Directives[i].hasToken("'script'") {
		return m.byKeyword(UnsafeEval, TrustedTypesEval)
	}
	return m.byKeyword(UnsafeEval)
}
