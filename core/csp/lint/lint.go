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

// Header is the value of one header, and where it stands in a longer text.
type Header struct {
	Text   string
	Offset int
}

// Text parses a header's value and judges it: findings of parsing and of
// linting, ordered by offset, gravest first at one place.
func Text(text string, o Options) []csp.Finding { return Headers([]Header{{Text: text}}, o) }

// Headers is Text for headers that are sent together: their policies make one
// list (CSP3 2.2.2). Offsets of findings count from those of the headers.
func Headers(headers []Header, o Options) []csp.Finding {
	var (
		list  csp.List
		found []csp.Finding
		off   []int // of the header that a policy is in
	)
	for _, h := range headers {
		more, parsed := csp.ParseList(h.Text)
		for _, f := range parsed {
			f.Policy += len(list)
			f.Offset += h.Offset
			found = append(found, f)
		}
		list = append(list, more...)
		off = append(off, slices.Repeat([]int{h.Offset}, len(more))...)
	}
	for _, f := range List(list, o) {
		f.Offset += off[f.Policy]
		found = append(found, f)
	}
	if len(list) == 0 && len(headers) > 0 {
		found = append(found, csp.Finding{Rule: policyEmpty.ID, Severity: policyEmpty.Severity, Offset: headers[0].Offset,
			Message: "no directive is left: nothing is restricted", Fix: "write a directive, such as default-src 'self'"})
	}
	slices.SortStableFunc(found, func(a, b csp.Finding) int {
		return cmp.Or(a.Offset-b.Offset, int(b.Severity)-int(a.Severity))
	})
	return found
}

// List judges the policies of one header. What one of them restricts counts for
// all: a list is an intersection (CSP3 8.1). Empty policies are passed over. What
// is beyond maxPolicies or maxFindings is left out; the last finding then says so,
// with the gravest severity of what may have been left out.
func List(list csp.List, o Options) []csp.Finding {
	list = slices.DeleteFunc(slices.Clone(list), func(p csp.Policy) bool { return len(p.Directives) == 0 })
	if len(list) == 0 {
		return nil
	}
	l := linter{list: list[:min(len(list), maxPolicies)], o: o}
	for l.index, l.p = range l.list {
		for _, check := range checks {
			check(&l)
		}
	}
	if len(list) > maxPolicies {
		l.cut(csp.High)
	}
	if l.left {
		l.found = append(l.found, csp.Finding{Rule: "too-many", Severity: l.worst, Policy: l.index, Offset: l.p.Directives[0].Offset(),
			Message: "there are more findings than are listed", Fix: "correct the ones above first"})
	}
	return l.found
}

// checks in the order in which they run.
var checks = []func(*linter){
	checkScripts, checkStyles, checkMissing, checkSchemesAndWildcards, checkObjects, checkHosts,
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
	left  bool         // findings were left out
	worst csp.Severity // of these
}

const (
	// maxFindings bounds the findings on one list, besides what is missing.
	maxFindings = 1000
	// maxPolicies bounds the policies of a list that are judged: each is held
	// against all others.
	maxPolicies = 100
)

func (l *linter) full() bool { return len(l.found) >= maxFindings }

// cut notes that findings up to this severity are left out.
func (l *linter) cut(s csp.Severity) { l.left, l.worst = true, max(l.worst, s) }

// at reports on a directive, or on one of its sources if s is not nil.
func (l *linter) at(r Rule, d csp.Directive, s *csp.Source, message, fix string) {
	if l.full() {
		l.cut(r.Severity)
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

// The chains of directives that decide (CSP3 6.8.3).
var (
	scriptElem = []string{"script-src-elem", "script-src", "default-src"}
	scriptAttr = []string{"script-src-attr", "script-src", "default-src"}
	scriptEval = []string{"script-src", "default-src"}
	styleElem  = []string{"style-src-elem", "style-src", "default-src"}
	styleAttr  = []string{"style-src-attr", "style-src", "default-src"}
	objects    = []string{"object-src", "default-src"}
	base       = []string{"base-uri"}
)

// decides reports whether d is the policy's directive for that purpose.
func (l *linter) decides(d csp.Directive, chain []string) bool {
	x, ok := l.deciding(chain...)
	return ok && x.Name == d.Name
}

// forbidden reports whether other policies of the list forbid what d lets
// through, for each of the purposes that d decides (CSP3 8.1).
func (l *linter) forbidden(d csp.Directive, forbids func(csp.Directive) bool, purposes ...[]string) bool {
	if len(l.list) == 1 {
		return false
	}
	return !slices.ContainsFunc(purposes, func(chain []string) bool { return l.decides(d, chain) && !l.otherForbids(chain, forbids) })
}

func (l *linter) otherForbids(chain []string, forbids func(csp.Directive) bool) bool {
	for i, p := range l.list {
		if i == l.index {
			continue
		}
		if x, ok := deciding(p, chain...); ok && forbids(x) {
			return true
		}
	}
	return false
}

// scriptDirectives are those that decide elements, attributes and eval, each once.
func (l *linter) scriptDirectives() []csp.Directive {
	return l.distinct(scriptElem, scriptAttr, scriptEval)
}

func (l *linter) styleDirectives() []csp.Directive { return l.distinct(styleElem, styleAttr) }

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
