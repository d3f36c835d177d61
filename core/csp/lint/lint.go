// Package lint judges policies: what weakens them, what does nothing, what some
// browsers do not know. It comes on top of what parsing finds.
package lint

import (
	"cmp"
	"slices"

	"github.com/edgecsp/edgecsp/core/csp"
)

// Options says how the policies are delivered. The zero value stands for the
// header Content-Security-Policy.
type Options struct {
	// ReportOnly: in the header Content-Security-Policy-Report-Only.
	ReportOnly bool
	// Meta: in a <meta> element.
	Meta bool
	// Endpoints are the names in the Reporting-Endpoints header. nil means that
	// the header is not known, an empty slice that there is none.
	Endpoints []string
}

// Rule describes one kind of finding.
type Rule struct {
	// ID is the Rule of csp.Finding.
	ID       string
	Severity csp.Severity
	// Summary is one sentence.
	Summary string
}

// Text parses a header's value and judges it: findings of parsing and of
// linting, ordered by offset, gravest first at one place.
func Text(text string, o Options) []csp.Finding {
	list, found := csp.ParseList(text)
	found = append(found, List(list, o)...)
	slices.SortStableFunc(found, func(a, b csp.Finding) int {
		return cmp.Or(a.Offset-b.Offset, int(b.Severity)-int(a.Severity))
	})
	return found
}

// List judges the policies of one header. What one of them restricts counts for
// all: a list is an intersection (CSP3 8.1). Empty policies are passed over.
func List(list csp.List, o Options) []csp.Finding {
	var out []csp.Finding
	list = slices.DeleteFunc(slices.Clone(list), func(p csp.Policy) bool { return len(p.Directives) == 0 })
	for i, p := range list {
		l := linter{list: list, index: i, p: p, o: o}
		for _, check := range checks {
			check(&l)
		}
		out = append(out, l.found...)
	}
	return out
}

// checks in the order in which they run.
var checks = []func(*linter){
	checkScripts, checkStyles, checkMissing, checkSchemesAndWildcards, checkHosts,
	checkNonces, checkSilenced, checkNoEffect, checkDuplicates,
	checkReporting, checkDelivery, checkSandbox, checkTrustedTypes, checkSupport, checkSize,
}

// linter holds one policy under judgement.
type linter struct {
	list  csp.List
	index int
	p     csp.Policy
	o     Options
	found []csp.Finding
}

// maxFindings bounds the findings on one policy.
const maxFindings = 1000

func (l *linter) full() bool { return len(l.found) >= maxFindings }

// at reports on a directive, or on one of its sources if s is not nil.
func (l *linter) at(r Rule, d csp.Directive, s *csp.Source, message, fix string) {
	if l.full() {
		return
	}
	f := csp.Finding{Rule: r.ID, Severity: r.Severity, Policy: l.index, Directive: d.Name, Offset: d.Offset(), Message: message, Fix: fix}
	if s != nil {
		f.Value, f.Offset = s.Text(), s.Offset()
	}
	l.found = append(l.found, f)
}

// missing reports a directive that is not there; the offset is the policy's.
func (l *linter) missing(r Rule, name, message, fix string) {
	l.found = append(l.found, csp.Finding{Rule: r.ID, Severity: r.Severity, Policy: l.index, Directive: name,
		Offset: l.p.Directives[0].Offset(), Message: message, Fix: fix})
}

// deciding gives the directive that decides for the named one.
func (l *linter) deciding(names ...string) (csp.Directive, bool) { return deciding(l.p, names...) }

func deciding(p csp.Policy, names ...string) (csp.Directive, bool) {
	for _, n := range names {
		if d, ok := p.Get(n); ok {
			return d, true
		}
	}
	return csp.Directive{}, false
}

// anyPolicy reports whether a policy of the list satisfies f.
func (l *linter) anyPolicy(f func(csp.Policy) bool) bool { return slices.ContainsFunc(l.list, f) }

// scriptDirectives are those that decide elements, attributes and eval, each once.
func (l *linter) scriptDirectives() []csp.Directive {
	return l.distinct([]string{"script-src-elem", "script-src", "default-src"},
		[]string{"script-src-attr", "script-src", "default-src"}, []string{"script-src", "default-src"})
}

func (l *linter) styleDirectives() []csp.Directive {
	return l.distinct([]string{"style-src-elem", "style-src", "default-src"}, []string{"style-src-attr", "style-src", "default-src"})
}

func (l *linter) distinct(chains ...[]string) []csp.Directive {
	var out []csp.Directive
	for _, c := range chains {
		d, ok := l.deciding(c...)
		if ok && !slices.ContainsFunc(out, func(x csp.Directive) bool { return x.Name == d.Name }) {
			out = append(out, d)
		}
	}
	return out
}

// source finds a keyword's source in a directive, nil if it is not there.
func source(d csp.Directive, k csp.Keyword) *csp.Source {
	for i := range d.Sources {
		if d.Sources[i].Keyword() == k {
			return &d.Sources[i]
		}
	}
	return nil
}

func has(d csp.Directive, kind csp.Kind) bool {
	return slices.ContainsFunc(d.Sources, func(s csp.Source) bool { return s.Kind() == kind })
}
