package edgecheck

import (
	"errors"
	"fmt"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/csp/lint"
	"github.com/edgecsp/edgecsp/core/edgeconfig"
)

// A Finding is one thing to say about a configuration.
type Finding struct {
	Line     int    `json:"line"` // of the file, where the configuration begins
	Path     string `json:"path"` // in the configuration, such as routes[1].enforce
	Fault    bool   `json:"fault"`
	Severity string `json:"severity"` // of a policy's finding; "error" of a fault
	Rule     string `json:"rule"`
	Message  string `json:"message"`

	severity csp.Severity
}

// AtLeast reports whether the finding is a fault, or of this severity or above.
func (f Finding) AtLeast(s csp.Severity) bool { return f.Fault || f.severity >= s }

// Check finds the filter's configurations in a file and says what is wrong with
// them: faults, with which the filter would not start, and what a linter says
// of the policies as they are served. The error says that there is nothing to
// check.
func Check(text []byte) ([]Finding, error) {
	if len(text) > MaxFile {
		return nil, fmt.Errorf("the file has %d bytes; %d are the most", len(text), MaxFile)
	}
	all, err := extract(text)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, f := range all {
		out = append(out, f.check()...)
	}
	return out, nil
}

func (f found) check() (out []Finding) {
	fault := func(path, message string) {
		out = append(out, Finding{Line: f.line, Path: path, Fault: true, Severity: "error", Rule: "configuration", Message: message})
	}
	if f.problem != "" {
		fault("", f.problem)
		return out
	}
	c, err := edgeconfig.Parse([]byte(f.text))
	var faults edgeconfig.Faults
	if errors.As(err, &faults) {
		for _, x := range faults {
			fault(x.Path, x.Message)
		}
		return out
	}
	for i := range c.Routes {
		r := &c.Routes[i]
		path := fmt.Sprintf("routes[%d]", i)
		out = append(out, f.lint(path+".enforce", r, r.Enforce, false)...)
		out = append(out, f.lint(path+".report_only", r, r.ReportOnly, true)...)
	}
	return out
}

// lint judges policies as the filter serves them: with a nonce, if the route
// places one, and with reporting.
func (f found) lint(path string, r *edgeconfig.Route, l csp.List, reportOnly bool) (out []Finding) {
	values := csp.Values{Nonce: "bm9uY2VzLWFyZS1yYW5kb20w", ReportURI: "/csp/report"}
	for i, p := range l {
		at := path
		if len(l) > 1 {
			at = fmt.Sprintf("%s[%d]", path, i)
		}
		t, err := csp.NewTemplate(p, r.Placement())
		if err != nil {
			continue // edgeconfig refuses such a policy
		}
		for _, x := range lint.Text(string(t.Append(nil, values)), lint.Options{ReportOnly: reportOnly}) {
			message := x.Message
			if x.Fix != "" {
				message += "; " + x.Fix
			}
			where := at
			if x.Directive != "" {
				where += "." + x.Directive
			}
			out = append(out, Finding{Line: f.line, Path: where, Severity: x.Severity.String(), Rule: x.Rule, Message: message, severity: x.Severity})
		}
	}
	return out
}
