package csp

import "strings"

// ParseStrict reads one policy of a configuration and refuses whatever a browser
// would drop without a word: unknown and obsolete directives, duplicates, sources
// that no browser understands, keywords without quotes, 'none' next to others,
// values of directives that take none. Line breaks, control and non-ASCII
// characters are refused too. The error is a *ParseError.
func ParseStrict(text string) (Policy, error) {
	if i := strings.IndexAny(text, "\r\n"); i >= 0 {
		problem, fix := badByteReason(text[i])
		return Policy{}, &ParseError{Offset: i, Problem: problem, Fix: fix}
	}
	p, fs := Parse(text)
	if err := firstDropped(fs); err != nil {
		return Policy{}, err
	}
	if len(p.Directives) == 0 {
		return Policy{}, &ParseError{Problem: "the policy is empty", Fix: "write a directive, such as default-src 'self'"}
	}
	return p, nil
}

// FromDirectives makes a policy of directives given one by one, in order, as
// strictly as ParseStrict. Offsets of the error, a *ParseError, count in the
// directive's value (or name, where that is what is wrong).
func FromDirectives(list []NameValue) (Policy, error) {
	var f findings
	p := parser{f: &f}
	for _, nv := range list {
		if err := checkNameValue(nv); err != nil {
			return Policy{}, err
		}
		name := lower(nv.Name)
		p.directive(name+" "+nv.Value, 0)
		if err := firstDropped(f.list); err != nil {
			e := *err.(*ParseError)
			e.Offset = max(0, e.Offset-len(name)-1)
			return Policy{}, &e
		}
		p.rebase(len(name) + 1)
	}
	if len(p.policy.Directives) == 0 {
		return Policy{}, &ParseError{Problem: "the policy is empty", Fix: "give a directive, such as default-src 'self'"}
	}
	return p.policy, nil
}

// rebase makes the offsets of the last directive's sources count in its value.
func (p *parser) rebase(n int) {
	d := p.policy.Directives[len(p.policy.Directives)-1]
	for i := range d.Sources {
		d.Sources[i].off -= uint32(n)
	}
}

func checkNameValue(nv NameValue) error {
	if nv.Name == "" || !all(nv.Name, className) {
		return &ParseError{Directive: printable(nv.Name), Problem: "not the name of a directive", Fix: "write letters, digits and \"-\" only, such as script-src"}
	}
	if i := strings.IndexAny(nv.Value, ";,\r\n"); i >= 0 {
		problem, fix := badByteReason(nv.Value[i])
		return &ParseError{Directive: lower(nv.Name), Offset: i, Problem: problem, Fix: fix}
	}
	return nil
}

func firstDropped(fs []Finding) error {
	for _, f := range fs {
		if f.Dropped {
			return &ParseError{Directive: f.Directive, Value: f.Value, Offset: f.Offset, Problem: f.Message, Fix: f.Fix}
		}
	}
	return nil
}
