// Package report turns what browsers send to a report endpoint into one normal
// form.
//
// Decode reads both wire formats, the legacy {"csp-report": {}} of report-uri
// and the Reporting API's arrays, and tells them apart by shape, never by
// content type. Redact takes out of a report what must not be kept. Everything
// in a report is chosen by whoever sent it: a report is text to be shown, and
// never a link, markup, or a name to look up.
//
// The package is pure: no I/O, no clock. All limits are constants beside what
// they limit.
package report

import "time"

// A Disposition says what the browser did about a violation.
type Disposition string

const (
	// Enforce means that the browser blocked what violated the policy.
	Enforce Disposition = "enforce"
	// ReportOnly means that the browser let it pass.
	ReportOnly Disposition = "report"
	// Unstated means that the report does not say: browsers before CSP3, and
	// report types that have no disposition.
	Unstated Disposition = ""
)

// A Report is one entry of what a browser sent, in normal form. Absent members
// are zero. Decode leaves text as it came, save for its encoding; Redact makes
// it fit to be kept.
type Report struct {
	Kind        Kind
	Disposition Disposition

	// Directive is the effective directive's name in lower case. For types
	// other than CSP violations it is what the report is about: a feature, or
	// a deprecation's id.
	Directive string
	// Blocked is the blocked URL, a bare scheme, or a keyword such as inline.
	Blocked string
	// Page is the URL of the document.
	Page     string
	Referrer string
	// SourceFile, Line and Column say where the violation happened. Lines and
	// columns count from 1; 0 is unknown.
	SourceFile   string
	Line, Column int
	// Sample is the beginning of the code, where the policy says 'report-sample'.
	Sample string
	// Detail is what types other than CSP violations say in words: a message,
	// a hash, a reason.
	Detail string
	// Status is the HTTP status of the document, 0 where unknown.
	Status int
	// Policy is the policy as the browser had it, serialized.
	Policy    string
	UserAgent string
	// Observed is when the browser says that it happened: Decode's now less
	// the report's age, the age clamped to 0 to MaxAge. It is a claim; nothing
	// may be ordered by it.
	Observed time.Time
}

// Stats counts what became of the entries of one body.
type Stats struct {
	Entries   int // entries seen
	Kept      int // entries returned
	Unknown   int // entries of a type that the package does not know
	Malformed int // entries that are not JSON, not objects, or say nothing
	Dropped   int // entries past MaxEntries, or deeper or larger than the limits
}
