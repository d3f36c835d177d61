// Package diff says, in the terms of CSP, what one policy allows that another
// does not.
package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
)

// Change is one thing that one side allows and the other does not.
type Change struct {
	// Directive is the effective directive, as violation reports name it; eval
	// and WebAssembly go by script-src, sandbox flags by sandbox.
	Directive string `json:"directive"`
	// Activities are the names of what is concerned (csp.Activity), in order;
	// none for directives that are not about activities.
	Activities []string `json:"activities,omitempty"`
	// Expression is the source expression, or token; Anything where nothing is
	// restricted on that side. A nonce stands as 'nonce-...', whatever its value.
	Expression string `json:"expression"`
}

// Anything stands for no restriction at all.
const Anything = "(anything)"

// anyNonce stands for every nonce: their values differ in every response.
const anyNonce = "'nonce-...'"

// Result is a comparison of a with b.
type Result struct {
	// Allows is what b allows and a does not, Forbids what a allows and b does
	// not. Both are ordered by activity.
	Allows  []Change `json:"allows"`
	Forbids []Change `json:"forbids"`
}

// Equal reports that neither allows more.
func (r Result) Equal() bool { return len(r.Allows) == 0 && len(r.Forbids) == 0 }

// MaxSources bounds the sources of one directive that Compare takes, those of all
// policies of a list together: every one is compared with every other.
const MaxSources = 1000

// Compare compares two lists of policies that apply to pages of the origin self;
// its zero value stands for some https origin. What is allowed is compared
// expression by expression: an expression is allowed by a list if every policy
// in it has one that covers it. It fails on directives of more than MaxSources
// sources.
func Compare(a, b csp.List, self csp.Origin) (Result, error) {
	for _, l := range [...]csp.List{a, b} {
		if err := checkSize(l); err != nil {
			return Result{}, err
		}
	}
	if self.Scheme == "" {
		self.Scheme = "https"
	}
	return Result{Allows: gained(a, b, self), Forbids: gained(b, a, self)}, nil
}

func checkSize(l csp.List) error {
	sources := map[string]int{}
	for _, p := range l {
		for _, d := range p.Directives {
			if sources[d.Name] += len(d.Sources); sources[d.Name] > MaxSources {
				return fmt.Errorf("%s has more than %d sources; no more can be compared", d.Name, MaxSources)
			}
		}
	}
	return nil
}

// gained is what b allows and a does not.
func gained(a, b csp.List, self csp.Origin) []Change {
	var out []Change
	for _, act := range compared {
		before := rulings(a, act)
		for _, g := range grants(rulings(b, act), self) {
			if !allows(before, g, self) {
				out = merge(out, Change{Directive: act.directive, Activities: []string{act.Activity.String()}, Expression: g.text})
			}
		}
	}
	for _, d := range [...]string{"sandbox", "trusted-types", "require-trusted-types-for", "upgrade-insecure-requests"} {
		for _, t := range tokensGained(a, b, d) {
			out = append(out, Change{Directive: d, Expression: t})
		}
	}
	return out
}

// merge joins changes that differ in the activity alone.
func merge(list []Change, c Change) []Change {
	for i := range list {
		if list[i].Directive == c.Directive && list[i].Expression == c.Expression {
			list[i].Activities = append(list[i].Activities, c.Activities...)
			return list
		}
	}
	return append(list, c)
}

// activity is one that is compared, and its chain of directives.
type activity struct {
	csp.Activity
	directive string
	chain     []string
}

var (
	scriptElem = []string{"script-src-elem", "script-src", "default-src"}
	scriptAttr = []string{"script-src-attr", "script-src", "default-src"}
	styleElem  = []string{"style-src-elem", "style-src", "default-src"}
	scriptEval = []string{"script-src", "default-src"}
)

var compared = []activity{
	{csp.Script, "script-src-elem", scriptElem},
	{csp.InlineScript, "script-src-elem", scriptElem},
	{csp.ScriptAttr, "script-src-attr", scriptAttr},
	{csp.JavaScriptURL, "script-src-elem", scriptElem},
	{csp.SpeculationRules, "script-src-elem", scriptElem},
	{csp.Eval, "script-src", scriptEval},
	{csp.WasmEval, "script-src", scriptEval},
	{csp.Style, "style-src-elem", styleElem},
	{csp.InlineStyle, "style-src-elem", styleElem},
	{csp.StyleAttr, "style-src-attr", []string{"style-src-attr", "style-src", "default-src"}},
	{csp.Image, "img-src", []string{"img-src", "default-src"}},
	{csp.Font, "font-src", []string{"font-src", "default-src"}},
	{csp.Connect, "connect-src", []string{"connect-src", "default-src"}},
	{csp.Media, "media-src", []string{"media-src", "default-src"}},
	{csp.Object, "object-src", []string{"object-src", "default-src"}},
	{csp.Frame, "frame-src", []string{"frame-src", "child-src", "default-src"}},
	{csp.FencedFrame, "fenced-frame-src", []string{"fenced-frame-src", "frame-src", "child-src", "default-src"}},
	{csp.Worker, "worker-src", []string{"worker-src", "child-src", "script-src", "default-src"}},
	{csp.Manifest, "manifest-src", []string{"manifest-src", "default-src"}},
	{csp.BaseURI, "base-uri", []string{"base-uri"}},
	{csp.FormAction, "form-action", []string{"form-action"}},
	{csp.FrameAncestor, "frame-ancestors", []string{"frame-ancestors"}},
}

// grant is an expression that lets something through.
type grant struct {
	text string
	s    csp.Source
}

// decidingIn gives the directive of a policy that decides.
func (a activity) decidingIn(p csp.Policy) (csp.Directive, bool) {
	for _, n := range a.chain {
		if d, ok := p.Get(n); ok {
			return d, true
		}
	}
	return csp.Directive{}, false
}

// ruling is what one policy lets through.
type ruling struct {
	grants []grant
	texts  map[string]bool
}

// rulings are those of the policies that restrict the activity.
func rulings(l csp.List, a activity) []ruling {
	var out []ruling
	for _, p := range l {
		d, ok := a.decidingIn(p)
		if !ok {
			continue
		}
		r := ruling{texts: map[string]bool{}}
		for _, g := range active(d, a.Activity) {
			if !r.texts[g.text] {
				r.texts[g.text] = true
				r.grants = append(r.grants, g)
			}
		}
		out = append(out, r)
	}
	return out
}

// grants are the expressions that all rulings let through.
func grants(all []ruling, self csp.Origin) []grant {
	if len(all) == 0 {
		return []grant{{text: Anything}}
	}
	if len(all) == 1 {
		return all[0].grants
	}
	var out []grant
	for _, r := range all {
		for _, g := range r.grants {
			if allows(all, g, self) && !slices.ContainsFunc(out, func(x grant) bool { return x.text == g.text }) {
				out = append(out, g)
			}
		}
	}
	return out
}

// allows reports whether every ruling covers the grant.
func allows(all []ruling, g grant, self csp.Origin) bool {
	for _, r := range all {
		if !r.texts[g.text] && !slices.ContainsFunc(r.grants, func(have grant) bool { return covers(have, g, self) }) {
			return false
		}
	}
	return true
}

// active are the expressions of a directive that are in force for the activity:
// nonces and hashes silence 'unsafe-inline', 'strict-dynamic' silences hosts.
func active(d csp.Directive, a csp.Activity) []grant {
	var out []grant
	strict := d.Has(csp.StrictDynamic)
	for _, s := range d.Sources {
		if inForce(d, s, a, strict) {
			g := grant{s.Canonical(), s}
			if s.Kind() == csp.KindNonce {
				g.text = anyNonce
			}
			out = append(out, g)
		}
	}
	return out
}

func inForce(d csp.Directive, s csp.Source, a csp.Activity, strict bool) bool {
	url := s.Kind() == csp.KindScheme || s.Kind() == csp.KindHost || s.Keyword() == csp.Self
	trust := s.Kind() == csp.KindNonce || s.Kind() == csp.KindHash
	switch a {
	case csp.Script:
		return url && !strict || trust || s.Keyword() == csp.StrictDynamic
	case csp.Style:
		return url || s.Kind() == csp.KindNonce
	case csp.Worker:
		return url || s.Keyword() == csp.StrictDynamic
	case csp.InlineScript, csp.InlineStyle:
		script := a == csp.InlineScript
		return trust || script && s.Keyword() == csp.StrictDynamic || s.Keyword() == csp.UnsafeInline && inlineInForce(d, script)
	case csp.SpeculationRules:
		return trust || s.Keyword() == csp.StrictDynamic || s.Keyword() == csp.UnsafeInline && inlineInForce(d, true) ||
			s.Keyword() == csp.InlineSpeculationRules && d.Name != "default-src"
	case csp.ScriptAttr, csp.StyleAttr, csp.JavaScriptURL:
		return s.Kind() == csp.KindHash && d.Has(csp.UnsafeHashes) || s.Keyword() == csp.UnsafeInline && inlineInForce(d, a != csp.StyleAttr)
	case csp.Eval:
		return s.Keyword() == csp.UnsafeEval || s.Keyword() == csp.TrustedTypesEval
	case csp.WasmEval:
		return s.Keyword() == csp.UnsafeEval || s.Keyword() == csp.WasmUnsafeEval
	}
	return url
}

func inlineInForce(d csp.Directive, script bool) bool {
	for _, s := range d.Sources {
		if s.Kind() == csp.KindNonce || s.Kind() == csp.KindHash || script && s.Keyword() == csp.StrictDynamic {
			return false
		}
	}
	return true
}

// tokensGained compares directives whose mere presence restricts: sandbox (with
// the flags that it leaves), Trusted Types (with the policies' names), upgrades.
func tokensGained(a, b csp.List, name string) []string {
	restricted, had := tokens(a, name)
	if !restricted {
		return nil
	}
	restrictedB, has := tokens(b, name)
	if !restrictedB {
		return []string{Anything}
	}
	if name == "require-trusted-types-for" || name == "upgrade-insecure-requests" {
		return nil
	}
	var out []string
	for _, t := range has {
		if !slices.Contains(had, t) && !slices.Contains(had, "*") {
			out = append(out, t)
		}
	}
	return out
}

// tokens is what all policies that have the directive leave.
func tokens(l csp.List, name string) (restricted bool, list []string) {
	for _, p := range l {
		d, ok := p.Get(name)
		if !ok {
			continue
		}
		var own []string
		for _, s := range d.Sources {
			if t := strings.ToLower(s.Text()); t != "'none'" {
				own = append(own, t)
			}
		}
		if restricted {
			own = slices.DeleteFunc(own, func(t string) bool { return !slices.Contains(list, t) })
		}
		restricted, list = true, own
	}
	return restricted, list
}
