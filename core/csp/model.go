package csp

// Policy is one serialized CSP (CSP3 2.2): what a browser keeps of it, in the
// order in which it was written. Its zero value restricts nothing.
type Policy struct{ Directives []Directive }

// List is the comma-separated list of policies of one header (CSP3 2.2). Each
// policy must allow what is done: a list is an intersection.
type List []Policy

// Directive is a name with its value, split at white space.
type Directive struct {
	// Name is in lower case.
	Name string
	// Sources are the tokens of the value: source expressions where the
	// directive has a source list, KindToken otherwise.
	Sources []Source

	off uint32
}

// NameValue is a directive as a configuration gives it: the name, and the value
// as text with its tokens separated by spaces.
type NameValue struct{ Name, Value string }

// Offset is where the directive's name stands in the text that was parsed.
func (d Directive) Offset() int { return int(d.off) }

// Equal compares names and values, in order.
func (d Directive) Equal(o Directive) bool {
	if d.Name != o.Name || len(d.Sources) != len(o.Sources) {
		return false
	}
	for i, s := range d.Sources {
		if !s.Equal(o.Sources[i]) {
			return false
		}
	}
	return true
}

// Has reports whether the keyword stands in the directive's value.
func (d Directive) Has(k Keyword) bool {
	for i := range d.Sources {
		if d.Sources[i].keyword == k && k != NoKeyword {
			return true
		}
	}
	return false
}

// IsNone reports whether the source list matches nothing: it is empty or 'none',
// besides keywords that only ask for reports. Next to anything else browsers
// ignore 'none' (CSP3 6.7.2.7).
func (d Directive) IsNone() bool {
	for i := range d.Sources {
		switch d.Sources[i].keyword {
		case None, ReportSample, ReportSHA256, ReportSHA384, ReportSHA512:
		default:
			return false
		}
	}
	return true
}

// Get finds a directive by its lower-case name.
func (p Policy) Get(name string) (Directive, bool) {
	if i := p.index(name); i >= 0 {
		return p.Directives[i], true
	}
	return Directive{}, false
}

func (p Policy) index(name string) int {
	for i := range p.Directives {
		if p.Directives[i].Name == name {
			return i
		}
	}
	return -1
}

// first gives the index of the first of the named directives that the policy
// has, -1 if none: the fallback chains of CSP3 6.8.3.
func (p Policy) first(names ...string) int {
	for _, n := range names {
		if i := p.index(n); i >= 0 {
			return i
		}
	}
	return -1
}

// Equal compares two policies directive by directive, in order.
func (p Policy) Equal(o Policy) bool {
	if len(p.Directives) != len(o.Directives) {
		return false
	}
	for i, d := range p.Directives {
		if !d.Equal(o.Directives[i]) {
			return false
		}
	}
	return true
}

// Equal compares two lists policy by policy, in order.
func (l List) Equal(o List) bool {
	if len(l) != len(o) {
		return false
	}
	for i, p := range l {
		if !p.Equal(o[i]) {
			return false
		}
	}
	return true
}
