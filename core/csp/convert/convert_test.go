package convert

import (
	"bytes"
	_ "embed"
	"slices"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/csp/lint"
)

// TestPresets: a preset stands up to strict parsing and, with what it needs
// added, to the linter.
func TestPresets(t *testing.T) {
	for _, p := range Presets() {
		var hashes []csp.Source
		if p.Name == StrictHash {
			hashes = append(hashes, csp.HashSource(csp.SHA256, []byte("x")))
		}
		policy, err := p.Policy(hashes...)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		tpl, err := csp.NewTemplate(policy, csp.Placement{ScriptNonce: p.ScriptNonce, StyleNonce: p.StyleNonce})
		if err != nil {
			t.Fatal(err)
		}
		text := string(tpl.Append(nil, csp.Values{Nonce: "MDEyMzQ1Njc4OWFiY2RlZg", ReportURI: "/r"}))
		for _, f := range lint.Text(text, lint.Options{ReportOnly: p.ReportOnly}) {
			if f.Severity > csp.Low {
				t.Errorf("%s: %s: %s %s", p.Name, text, f.Rule, f.Value)
			}
		}
		if got, ok := PresetByName(p.Name); !ok || got != p {
			t.Errorf("%s is not found", p.Name)
		}
	}
	if _, ok := PresetByName("no-such"); ok {
		t.Error("a preset was made up")
	}
}

//go:embed testdata/imports.txt
var cases string

// TestImport reads testdata/imports.txt: cases of "== name [format]", the JSON,
// and after "--" what comes out.
func TestImport(t *testing.T) {
	for _, c := range strings.Split(cases, "\n== ")[1:] {
		head, body, _ := strings.Cut(c, "\n")
		in, want, ok := strings.Cut(body, "\n--\n")
		if !ok {
			t.Fatalf("%s has no --", head)
		}
		t.Run(head, func(t *testing.T) {
			_, format, _ := strings.Cut(strings.TrimSuffix(head, "]"), "[")
			if got := show(Import(format, []byte(in))); got != strings.TrimSpace(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func show(r Result, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	out := []string{r.Format}
	for _, p := range r.Policies {
		line := p.Policy.String()
		if p.ReportOnly {
			line = "report-only: " + line
		}
		if p.ScriptNonce {
			line += " +script-nonce"
		}
		if p.StyleNonce {
			line += " +style-nonce"
		}
		out = append(out, line)
	}
	for _, n := range r.Notes {
		out = append(out, "note: "+n)
	}
	return strings.Join(out, "\n")
}

func TestImportLimit(t *testing.T) {
	pad := func(n int) []byte {
		head := []byte(`{"default-src": "'self'"`)
		return append(append(head, bytes.Repeat([]byte(" "), n-len(head)-1)...), '}')
	}
	for _, n := range []int{MaxImport - 1, MaxImport, MaxImport + 1} {
		if _, err := Import(SecurePy, pad(n)); (err == nil) != (n <= MaxImport) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestFormats(t *testing.T) {
	want := []string{DjangoObserver, DjangoCSP, FlaskTalisman, Helmet, SecurePy}
	if got := Formats(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func FuzzImport(f *testing.F) {
	f.Add("", `{"CSP_DEFAULT_SRC": ["'self'"]}`)
	f.Add("helmet", `{"directives": {"scriptSrc": ["a", ["b"]]}}`)
	f.Fuzz(func(t *testing.T, format, text string) {
		r, err := Import(format, []byte(text))
		if err != nil {
			return
		}
		for _, p := range r.Policies {
			if _, err := csp.ParseStrict(p.Policy.String()); err != nil {
				t.Errorf("%s: %v", p.Policy, err)
			}
		}
	})
}
