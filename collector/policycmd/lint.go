package policycmd

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/csp/lint"
)

// finding is one line of lint's JSON.
type finding struct {
	Rule      string `json:"rule"`
	Severity  string `json:"severity"`
	Directive string `json:"directive"`
	Value     string `json:"value"`
	Offset    int    `json:"offset"`
	Message   string `json:"message"`
	Fix       string `json:"fix,omitempty"`
}

type lintOptions struct {
	file, format, failOn string
	reportOnly, meta     bool
	endpoints            []string
	batch                bool
}

func lintCommand(s Streams) *cobra.Command {
	var o lintOptions
	cmd := &cobra.Command{
		Use:   "lint [POLICY | @FILE | -]",
		Short: "Say what weakens a policy, does nothing, or is not understood",
		Example: `  edgecsp policy lint "script-src 'self' 'unsafe-inline'"
  curl -sI https://example.com | edgecsp policy lint --format sarif`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("endpoints") {
				o.endpoints = nil
			}
			if !o.batch {
				return s.lint(args, o)
			}
			if err := noOperand(args, o.file); err != nil {
				return err
			}
			return s.batch(lintBatch(o.delivery()))
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.file, "file", "f", "", "read the policy from this file")
	f.StringVar(&o.format, "format", formatText, "text, json or sarif")
	f.StringVar(&o.failOn, "fail-on", "medium", "exit with 1 on findings of this severity and above: info, low, medium, high, never")
	f.BoolVar(&o.reportOnly, "report-only", false, "the policy is sent in Content-Security-Policy-Report-Only")
	f.BoolVar(&o.meta, "meta", false, "the policy stands in a <meta> element")
	f.StringSliceVar(&o.endpoints, "endpoints", nil, "the names in the Reporting-Endpoints header")
	f.BoolVar(&o.batch, "batch", false, `read a JSON object a line ({"id", "policy"}) and answer each with one`)
	return cmd
}

// delivery is what the flags say of how the policies are sent.
func (o lintOptions) delivery() lint.Options {
	return lint.Options{ReportOnly: o.reportOnly, Meta: o.meta, Endpoints: o.endpoints}
}

// Threshold reads --fail-on; one above High is never reached.
func Threshold(name string) (csp.Severity, error) {
	if s, ok := csp.ParseSeverity(name); ok {
		return s, nil
	}
	if name == "never" {
		return csp.High + 1, nil
	}
	return 0, fmt.Errorf("--fail-on %s: write info, low, medium, high or never", name)
}

func (s Streams) lint(args []string, o lintOptions) error {
	if err := checkFormat(o.format, formatText, formatJSON, formatSARIF); err != nil {
		return err
	}
	limit, err := Threshold(o.failOn)
	if err != nil {
		return err
	}
	text, name, err := s.single(args, o.file)
	if err != nil {
		return err
	}
	h := readHeaders(text)
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("%s: there is no policy; give one", name)
	}
	if len(h.list) == 0 {
		return fmt.Errorf("%s: there is no Content-Security-Policy among the headers", name)
	}
	found := h.lint(o.delivery())
	if err := writeFindings(s.Out, o.format, name, text, found); err != nil {
		return err
	}
	bad := 0
	for _, f := range found {
		if f.Severity >= limit {
			bad++
		}
	}
	if bad > 0 {
		return answer("%d of %d findings are of severity %s or above", bad, len(found), o.failOn)
	}
	return nil
}

// lint judges the headers: those that are enforced together, and those that only
// report. Offsets count in the text that was read.
func (h headers) lint(o lint.Options) []csp.Finding {
	if o.Endpoints == nil {
		o.Endpoints = h.endpoints
	}
	var enforce, report []lint.Header
	for _, x := range h.list {
		if o.ReportOnly || x.reportOnly {
			report = append(report, lint.Header{Text: x.text, Offset: x.off})
		} else {
			enforce = append(enforce, lint.Header{Text: x.text, Offset: x.off})
		}
	}
	out := lint.Headers(enforce, o)
	o.ReportOnly = true
	out = append(out, lint.Headers(report, o)...)
	slices.SortStableFunc(out, func(a, b csp.Finding) int { return a.Offset - b.Offset })
	return out
}

func writeFindings(w io.Writer, format, name, text string, found []csp.Finding) error {
	switch format {
	case formatJSON:
		return writeJSON(w, map[string]any{"findings": toJSON(found)})
	case formatSARIF:
		return writeJSON(w, sarif(name, text, found))
	}
	for _, f := range found {
		where := strings.TrimSpace(f.Directive + " " + f.Value)
		if where != "" {
			where += "  "
		}
		if _, err := fmt.Fprintf(w, "%-6s %5d  %s%s; %s [%s]\n", f.Severity, f.Offset, where, f.Message, f.Fix, f.Rule); err != nil {
			return err
		}
	}
	return nil
}

func toJSON(found []csp.Finding) []finding {
	out := make([]finding, 0, len(found))
	for _, f := range found {
		out = append(out, finding{f.Rule, f.Severity.String(), f.Directive, f.Value, f.Offset, f.Message, f.Fix})
	}
	return out
}
