package policycmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edgecsp/edgecsp/core/csp"
)

// policyTexts is a header's text, or a list of them.
type policyTexts []string

// UnmarshalJSON takes a string or a list of strings.
func (p *policyTexts) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*p = make(policyTexts, 1)
		return json.Unmarshal(b, &(*p)[0])
	}
	var list []string
	if err := json.Unmarshal(b, &list); err != nil {
		return errors.New("policy: write a string or a list of strings")
	}
	*p = list
	return nil
}

// question is what explain is asked.
type question struct {
	ID             json.RawMessage `json:"id"`
	Policy         policyTexts     `json:"policy"`
	Page           string          `json:"page"`
	Kind           string          `json:"kind"`
	URL            string          `json:"url"`
	Nonce          string          `json:"nonce"`
	Integrity      string          `json:"integrity"`
	Content        string          `json:"content"`
	ParserInserted bool            `json:"parser_inserted"`
	Redirected     bool            `json:"redirected"`
}

// reply is what it answers.
type reply struct {
	ID         json.RawMessage `json:"id,omitempty"`
	Allowed    bool            `json:"allowed"`
	Directive  string          `json:"directive"`
	Expression string          `json:"expression"`
	Reasons    []string        `json:"reasons"`
}

func explainCommand(s Streams) *cobra.Command {
	var (
		q            question
		file, format string
		batch        bool
	)
	cmd := &cobra.Command{
		Use:   "explain [POLICY | @FILE | -] --kind KIND",
		Short: "Say whether a policy lets something through, and why",
		Example: `  edgecsp policy explain "default-src 'self'" --page https://shop.example/ --kind img --url https://cdn.example/a.png
  edgecsp policy explain "script-src 'nonce-abc'" --kind inline-script --nonce abc`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if batch {
				if err := noOperand(args, file); err != nil {
					return err
				}
				return s.batch(explainBatch)
			}
			if err := checkFormat(format, formatText, formatJSON); err != nil {
				return err
			}
			text, _, err := s.single(args, file)
			if err != nil {
				return err
			}
			q.Policy = policyTexts{text}
			return s.explain(q, format)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "read the policy from this file")
	f.StringVar(&format, "format", formatText, "text or json")
	f.StringVar(&q.Page, "page", "", "the page's URL")
	f.StringVar(&q.Kind, "kind", "", "what is asked for: "+strings.Join(kinds(), ", "))
	f.StringVar(&q.URL, "url", "", "the URL that is asked for; may be relative to the page")
	f.StringVar(&q.Nonce, "nonce", "", "the element's nonce")
	f.StringVar(&q.Integrity, "integrity", "", "the script's integrity attribute")
	f.StringVar(&q.Content, "content", "", "the inline text")
	f.BoolVar(&q.ParserInserted, "parser-inserted", false, "the script stands in the markup, no script put it there")
	f.BoolVar(&q.Redirected, "redirected", false, "the URL was reached by a redirect")
	f.BoolVar(&batch, "batch", false, `read a JSON object a line ({"id", "policy", "page", "kind", ...}) and answer each with one`)
	return cmd
}

func kinds() []string {
	var out []string
	for a := csp.NoActivity + 1; a.String() != ""; a++ {
		out = append(out, a.String())
	}
	return out
}

func (s Streams) explain(q question, format string) error {
	r, err := q.ask()
	if err != nil {
		return err
	}
	if format == formatJSON {
		err = writeJSON(s.Out, r)
	} else {
		_, err = fmt.Fprintln(s.Out, strings.Join(r.Reasons, "\n"))
	}
	if err == nil && !r.Allowed {
		err = answer("blocked")
	}
	return err
}

// ask decides one question.
func (q question) ask() (reply, error) {
	r, err := q.request()
	if err != nil {
		return reply{}, err
	}
	if len(q.Policy) == 0 {
		return reply{}, errors.New("policy is missing; give the header's text, or a list of them")
	}
	var ps csp.Policies
	for _, text := range q.Policy {
		more := readHeaders(text).policies()
		ps.Enforce = append(ps.Enforce, more.Enforce...)
		ps.ReportOnly = append(ps.ReportOnly, more.ReportOnly...)
	}
	e := ps.Explain(&r)
	out := reply{ID: q.ID, Allowed: e.Allowed, Reasons: reasons(e)}
	if d, ok := e.Deciding(); ok {
		out.Directive, out.Expression = d.Directive, d.Expression
	}
	return out, nil
}

// request turns the question into what policies are asked.
func (q question) request() (csp.Request, error) {
	r := csp.Request{
		Activity: csp.ActivityByName(q.Kind), Redirected: q.Redirected, Nonce: q.Nonce, Integrity: q.Integrity,
		Content: []byte(q.Content), ParserInserted: q.ParserInserted,
	}
	if r.Activity == csp.NoActivity {
		return r, fmt.Errorf("kind %q is not known; write one of %s", q.Kind, strings.Join(kinds(), ", "))
	}
	var page csp.URL
	var err error
	if q.Page != "" {
		if page, err = csp.ParseURL(q.Page); err != nil {
			return r, fmt.Errorf("page: %w", err)
		}
		r.Self = page.Origin()
	}
	if code, ok := javaScript(q); ok {
		r.Activity, r.Content = csp.JavaScriptURL, code
		return r, nil
	}
	if !r.Activity.HasURL() {
		return r, nil
	}
	if q.Page == "" {
		return r, errors.New("page is missing; give the page's URL, 'self' depends on it")
	}
	if q.URL == "" {
		return r, errors.New("url is missing; give what is asked for")
	}
	if r.Activity == csp.FrameAncestor && q.URL == "null" {
		return r, nil // an opaque origin, as it is serialized
	}
	if r.URL, err = csp.ParseReference(page, q.URL); err != nil {
		return r, fmt.Errorf("url: %w", err)
	}
	return r, nil
}

// javaScript gives the code of a javascript: URL, asked for as such or as what a
// frame shows, as the URL has it.
func javaScript(q question) ([]byte, bool) {
	code, isURL := cutScheme(q.URL)
	switch {
	case q.Kind == csp.JavaScriptURL.String() && q.Content != "":
		return []byte(q.Content), true
	case q.Kind == csp.JavaScriptURL.String() || isURL && q.Kind == csp.Frame.String():
		return []byte(code), true
	}
	return nil, false
}

func cutScheme(text string) (string, bool) {
	const scheme = "javascript:"
	if len(text) < len(scheme) || !strings.EqualFold(text[:len(scheme)], scheme) {
		return "", false
	}
	return text[len(scheme):], true
}

// reasons puts an explanation into lines: a sentence for each policy, and what
// became of the expressions of its directive.
func reasons(e csp.Explanation) []string {
	var out []string
	if e.Upgraded {
		out = append(out, "upgrade-insecure-requests changed the URL's scheme first")
	}
	for i, d := range e.Decisions {
		prefix := ""
		if len(e.Decisions) > 1 {
			prefix = fmt.Sprintf("policy %d: ", i+1)
		}
		if d.ReportOnly {
			prefix += "(report-only) "
		}
		out = append(out, prefix+d.Sentence())
		for _, s := range d.Steps {
			out = append(out, prefix+s.Expression+" ("+string(s.Outcome)+")")
		}
	}
	if len(out) == 0 {
		out = []string{"allowed: there is no policy"}
	}
	return out
}
