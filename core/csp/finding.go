package csp

import "strconv"

// Severity grades a finding.
type Severity uint8

// The severities, mildest first.
const (
	Info Severity = iota
	Low
	Medium
	High
)

// String gives the lower-case name.
func (s Severity) String() string {
	switch s {
	case High:
		return "high"
	case Medium:
		return "medium"
	case Low:
		return "low"
	}
	return "info"
}

// ParseSeverity is the inverse of String; false for an unknown name.
func ParseSeverity(name string) (Severity, bool) {
	for s := Info; s <= High; s++ {
		if s.String() == name {
			return s, true
		}
	}
	return Info, false
}

// Finding is something to say about a policy's text.
type Finding struct {
	// Rule is a stable, kebab-case identifier.
	Rule     string
	Severity Severity
	// Policy is the index in the list. What is wrong with a policy of which nothing
	// is left has the index that it would have had.
	Policy int
	// Directive is the lower-case name, "" if the finding concerns the whole.
	Directive string
	// Value is the token concerned, "" if none.
	Value string
	// Offset is the byte offset of the token, or else of the directive, in the
	// text that was parsed.
	Offset int
	// Message says what is wrong, Fix what would be right.
	Message, Fix string
	// Dropped is set where browsers ignore what is written without telling
	// anybody but the console: strict parsing refuses it.
	Dropped bool
}

// MaxFindings bounds the findings of one parse; the last one then says that
// there are more.
const MaxFindings = 200

// ParseError is what strict parsing returns: where, what is wrong, and what
// would be right.
type ParseError struct {
	// Directive is the name concerned, "" if none.
	Directive string
	// Value is the offending token, "" if none.
	Value string
	// Offset counts bytes: in the policy's text, or in the directive's value
	// where directives are given apart (FromDirectives).
	Offset int
	// Problem and Fix are clauses without a full stop.
	Problem, Fix string
}

// Error puts it in one line.
func (e *ParseError) Error() string {
	s := "offset " + strconv.Itoa(e.Offset) + ": "
	if e.Directive != "" {
		s += e.Directive + ": "
	}
	if e.Value != "" {
		s += strconv.Quote(clip(e.Value)) + ": "
	}
	s += e.Problem
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}

// maxQuoted bounds what an error message repeats of its input, in bytes.
const maxQuoted = 80

func clip(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	return s[:maxQuoted] + "..."
}

// findings gathers, up to MaxFindings.
type findings struct {
	list   []Finding
	policy int
}

func (f *findings) add(x Finding) {
	if len(f.list) >= MaxFindings {
		return
	}
	x.Policy = f.policy
	if len(f.list) == MaxFindings-1 {
		x = Finding{Rule: "too-many", Severity: x.Severity, Policy: f.policy, Offset: x.Offset, Dropped: x.Dropped,
			Message: "there are more findings than are listed", Fix: "correct the ones above first"}
	}
	x.Value = clip(x.Value)
	f.list = append(f.list, x)
}
