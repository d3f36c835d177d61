package csp

// Policies is all that governs a page.
type Policies struct{ Enforce, ReportOnly List }

// PolicyDecision is what one of several policies says.
type PolicyDecision struct {
	Decision
	// ReportOnly says from which list the policy is, Index which one of it.
	ReportOnly bool
	Index      int
	Steps      []Step
}

// Explanation is what all policies of a page say to a request.
type Explanation struct {
	// Allowed is false as soon as one enforced policy blocks.
	Allowed bool
	// Upgraded says that upgrade-insecure-requests changed the URL before the
	// enforced policies saw it.
	Upgraded bool
	// Decisions come in order, enforced policies first.
	Decisions []PolicyDecision
}

// Explain asks every policy (CSP3 4.1.2, 8.1). Policies that only report see the
// URL as it was before upgrade-insecure-requests, as Fetch orders it. What an
// enforced sandbox keeps the page from is blocked as well.
func (ps Policies) Explain(r *Request) Explanation {
	e := Explanation{Allowed: true}
	enforced := *r
	if ps.upgrades() && r.Activity.HasURL() && r.Activity != BaseURI && r.Activity != FrameAncestor {
		enforced.URL = r.URL.upgraded()
		e.Upgraded = enforced.URL != r.URL
	}
	for i, p := range ps.Enforce {
		d, steps := p.Explain(&enforced)
		if s, ok := p.sandboxed(r.Activity); ok && d.Allowed {
			d, steps = s, nil
		}
		e.Allowed = e.Allowed && d.Allowed
		e.Decisions = append(e.Decisions, PolicyDecision{Decision: d, Index: i, Steps: steps})
	}
	for i, p := range ps.ReportOnly {
		d, steps := p.Explain(r)
		e.Decisions = append(e.Decisions, PolicyDecision{Decision: d, ReportOnly: true, Index: i, Steps: steps})
	}
	return e
}

// sandboxed says whether the policy's sandbox directive keeps the page from the
// activity: HTML runs no script and sends no form in such a page, and reports
// nothing (HTML 7.1.5). In a policy that only reports, sandbox does nothing.
func (p Policy) sandboxed(a Activity) (Decision, bool) {
	i := p.index("sandbox")
	if i < 0 {
		return Decision{}, false
	}
	flag := "allow-scripts"
	switch a {
	case FormAction:
		flag = "allow-forms"
	case Script, InlineScript, ScriptAttr, JavaScriptURL, Eval, WasmEval, Worker:
	default:
		return Decision{}, false
	}
	d := &p.Directives[i]
	for j := range d.Sources {
		if equalFold(d.Sources[j].text, flag) {
			return Decision{}, false
		}
	}
	return Decision{Effective: d.Name, Directive: d.Name, Offset: d.Offset(), Reason: BySandbox}, true
}

func (ps Policies) upgrades() bool {
	for _, p := range ps.Enforce {
		if p.index("upgrade-insecure-requests") >= 0 {
			return true
		}
	}
	return false
}

// Deciding is the first enforced policy that blocks, or else the last that
// allowed by a directive, or the first; false if there is none at all.
func (e Explanation) Deciding() (PolicyDecision, bool) {
	if len(e.Decisions) == 0 {
		return PolicyDecision{}, false
	}
	best := e.Decisions[0]
	for _, d := range e.Decisions {
		if d.ReportOnly {
			continue
		}
		if !d.Allowed {
			return d, true
		}
		if d.Directive != "" {
			best = d
		}
	}
	return best, true
}

// Sentence puts a decision into words.
func (d Decision) Sentence() string {
	verb := "blocked"
	if d.Allowed {
		verb = "allowed"
	}
	switch d.Reason {
	case ByNoDirective:
		return "allowed: no directive restricts " + d.Effective
	case ByUnknown:
		return "blocked: the activity is unknown"
	}
	s := verb + " by " + d.Directive
	if d.Directive != d.Effective {
		s += " (for want of " + d.Effective + ")"
	}
	if d.Expression != "" {
		s += ", " + d.Expression
	}
	if why := d.Reason.sentence(); why != "" {
		s += "; " + why
	}
	return s
}

func (r Reason) sentence() string {
	switch r {
	case ByURL:
		return "the URL matches"
	case ByNonce:
		return "the nonce matches"
	case ByHash:
		return "the hash matches"
	case ByIntegrity:
		return "all hashes of the integrity attribute are listed"
	case ByStrictDynamic:
		return "a script that is trusted already brought it in"
	case ByLocalURL:
		return "about: URLs are not asked about"
	case NoneAllowed:
		return "nothing is let through"
	case NoMatch:
		return "no expression matches"
	case NeedsStrict:
		return "with 'strict-dynamic' a script in the markup needs a nonce or hash; hosts do not count"
	case BySandbox:
		return "the sandbox lacks the flag that this takes, allow-scripts or allow-forms"
	case NeedsTrustedType:
		return "a string is no Trusted Type"
	}
	return ""
}
