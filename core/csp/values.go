package csp

// Limits of what a template puts into a header per response, in bytes.
const (
	// MaxNonce is room for a SHA-512 digest in base64.
	MaxNonce = 128
	// MaxReportURI keeps a report URL from filling the header.
	MaxReportURI = 2048
	// MaxReportTo bounds the name of a reporting endpoint.
	MaxReportTo = 128
)

// Values is what differs from response to response.
type Values struct {
	// Nonce is placed where the template stamps; "" places none, and then tags
	// that count on it are blocked, or all are let through where 'unsafe-inline'
	// stands in the directive (CSP3 6.7.3.2).
	Nonce string
	// ExtraNonce is a second nonce source beside it: the upstream's own, adopted;
	// "" none.
	ExtraNonce string
	// ReportURI goes to report-uri, after what the policy itself has there; ""
	// adds none.
	ReportURI string
	// ReportTo is the endpoint's name for report-to; "" adds none. A policy that
	// has its own report-to keeps it alone (Template.OwnReportTo), and one with
	// its own report-uri gets none: it would silence that one (CSP3 5.5).
	ReportTo string
}

// Validate says which value Append would leave out, as a *ParseError; nil if
// all are fit for a header.
func (v Values) Validate() error {
	switch {
	case v.Nonce != "" && !ValidNonce(v.Nonce):
		return &ParseError{Value: printable(v.Nonce), Problem: "not a nonce", Fix: nonceFix}
	case v.ExtraNonce != "" && !ValidNonce(v.ExtraNonce):
		return &ParseError{Value: printable(v.ExtraNonce), Problem: "not a nonce", Fix: nonceFix}
	case v.ReportURI != "" && !ValidReportURI(v.ReportURI):
		return &ParseError{Directive: "report-uri", Value: printable(v.ReportURI), Problem: "not fit for a policy",
			Fix: "give a URL of visible ASCII without ; and , (write %3B and %2C)"}
	case v.ReportTo != "" && !ValidReportTo(v.ReportTo):
		return &ParseError{Directive: "report-to", Value: printable(v.ReportTo), Problem: "not the name of an endpoint",
			Fix: "write a lower-case letter, then lower-case letters, digits, \"_\", \"-\", \".\", \"*\""}
	}
	return nil
}

const nonceFix = "give base64 or base64url, with at most two = at the end"

// ValidNonce reports whether s can be the value of a nonce-source (base64-value
// of CSP3 2.3.1) of at most MaxNonce bytes. It says nothing about its entropy.
func ValidNonce(s string) bool { return len(s) <= MaxNonce && isBase64Value(s) }

// ValidReportURI reports whether s can stand in report-uri: 1 to MaxReportURI
// bytes of visible ASCII without ";" and ",". It says nothing about where the
// URL leads.
func ValidReportURI(s string) bool {
	return s != "" && len(s) <= MaxReportURI && all(s, classToken)
}

// ValidReportTo reports whether s can name an endpoint in Reporting-Endpoints: a
// structured-field key (RFC 9651 3.1.2) of at most MaxReportTo bytes.
func ValidReportTo(s string) bool {
	if s == "" || len(s) > MaxReportTo || s[0] != '*' && !('a' <= s[0] && s[0] <= 'z') {
		return false
	}
	for i := range len(s) {
		if !is(s[i], classGroup) || is(s[i], classUpper) {
			return false
		}
	}
	return true
}
