package csp

// Placement says what a template adds to a policy.
type Placement struct {
	// ScriptNonce and StyleNonce ask for the response's nonce in the directive
	// that decides script or style elements.
	ScriptNonce, StyleNonce bool
	// KeepUnsafeInline leaves a directive alone in which 'unsafe-inline' is in
	// force: a nonce would silence it (CSP3 6.7.3.2), and inline event handlers,
	// style attributes and tags without the nonce would stop working. Nothing
	// needs a nonce there, so such tags are not stamped. Without it the nonce is
	// placed and 'unsafe-inline' stays as a fall-back for browsers of CSP1: what
	// somebody wants who asks for nonces to be rid of 'unsafe-inline'.
	KeepUnsafeInline bool
	// ConnectSelf is a source, the collector's URL or 'self', added to connect-src
	// where the policy would keep the observer from it; "" adds nothing.
	ConnectSelf string
	// ReportSample adds 'report-sample' to the directives that restrict scripts
	// and styles.
	ReportSample bool
}

// Template is a policy compiled once and serialized per response. It is
// immutable: any number of goroutines may use one.
type Template struct {
	segments    []segment
	own         string // the policy's own report-to group
	hasReports  bool   // the policy has a report-uri of its own
	stampScript bool
	stampStyle  bool
}

// segment is fixed text and what follows it.
type segment struct {
	text string
	slot slot
}

type slot uint8

const (
	slotEnd       slot = iota
	slotNonce          // " 'nonce-...'" for each nonce
	slotReportURI      // " URL" within the policy's own report-uri
)

// NewTemplate compiles a policy. It fails on an empty policy and on a ConnectSelf
// that is no source.
func NewTemplate(p Policy, pl Placement) (*Template, error) {
	if len(p.Directives) == 0 {
		return nil, &ParseError{Problem: "the policy is empty", Fix: "give a directive, such as default-src 'self'"}
	}
	b := newTemplateBuilder(p)
	if pl.ConnectSelf != "" {
		s, err := ParseSource(pl.ConnectSelf)
		if err != nil {
			return nil, err
		}
		b.connect(s)
	}
	b.nonces(pl)
	if pl.ReportSample {
		b.samples()
	}
	return b.compile(), nil
}

// StampsScripts reports whether the response's nonce lets script elements run:
// false if ScriptNonce was not asked for, nothing restricts scripts, the
// deciding directive is 'none', or KeepUnsafeInline kept it as it was.
func (t *Template) StampsScripts() bool { return t.stampScript }

// StampsStyles is StampsScripts for style elements and style sheets.
func (t *Template) StampsStyles() bool { return t.stampStyle }

// OwnReportTo is the group in the policy's own report-to, "" if it has none.
// Such a policy keeps it and Values.ReportTo is not written: report-to takes one
// group. Browsers with the Reporting API then send this policy's reports there
// alone and ignore report-uri.
func (t *Template) OwnReportTo() string { return t.own }

// Append writes the policy with the values to dst and returns the extended
// slice; where dst has room nothing is allocated.
//
// A value that could break out of its place never gets out: Append leaves it
// away. Without a report URL its reports are missing; without the nonce its tags
// are blocked, save where 'unsafe-inline' stands in the directive and nothing
// else silences it: it counts again then, and the policy is weaker. Values.Validate
// tells beforehand which value would be left away, so that the caller can do
// otherwise.
func (t *Template) Append(dst []byte, v Values) []byte {
	nonce := v.Nonce != "" && ValidNonce(v.Nonce)
	extra := v.ExtraNonce != "" && v.ExtraNonce != v.Nonce && ValidNonce(v.ExtraNonce)
	report := v.ReportURI != "" && ValidReportURI(v.ReportURI)
	for i := range t.segments {
		s := &t.segments[i]
		dst = append(dst, s.text...)
		switch s.slot {
		case slotNonce:
			if nonce {
				dst = appendNonce(dst, v.Nonce)
			}
			if extra {
				dst = appendNonce(dst, v.ExtraNonce)
			}
		case slotReportURI:
			if report {
				dst = append(dst, ' ')
				dst = append(dst, v.ReportURI...)
			}
		}
	}
	if report && !t.hasReports {
		dst = append(dst, "; report-uri "...)
		dst = append(dst, v.ReportURI...)
	}
	if v.ReportTo != "" && t.own == "" && !t.hasReports && ValidReportTo(v.ReportTo) {
		dst = append(dst, "; report-to "...)
		dst = append(dst, v.ReportTo...)
	}
	return dst
}

func appendNonce(dst []byte, nonce string) []byte {
	dst = append(dst, " 'nonce-"...)
	dst = append(dst, nonce...)
	return append(dst, '\'')
}
