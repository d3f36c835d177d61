package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestRedactURL(t *testing.T) {
	for in, want := range map[string]string{
		"":                                                     "",
		"inline":                                               "inline",
		"wasm-eval":                                            "wasm-eval",
		"chrome-extension":                                     "chrome-extension",
		"https://a.example":                                    "https://a.example",
		"https://a.example/p/q?token=1#x":                      "https://a.example/p/q",
		"https://a.example?x":                                  "https://a.example",
		"https://a.example#x?y":                                "https://a.example",
		"https://user:pw@a.example/p":                          "https://a.example/p",
		"https://user:p@w@a.example:8443/p@q":                  "https://a.example:8443/p@q",
		`https:\\user:pw@a.example\p`:                          `https:\\a.example\p`,
		"//user@a.example/p":                                   "//a.example/p",
		"wss://u@a.example/s?k=v":                              "wss://a.example/s",
		"chrome-extension://abcdef/x.js?y":                     "chrome-extension://abcdef/x.js",
		"chrome-extension:2:248774":                            "chrome-extension",
		"data:text/html,<script>secret":                        "data",
		"DATA:x":                                               "DATA",
		"blob:https://a.example/1-2-3":                         "blob",
		"javascript:alert(document.cookie)":                    "javascript",
		"mailto:jane@a.example":                                "mailto",
		"about:blank":                                          "about:blank",
		"about:srcdoc":                                         "about:srcdoc",
		"about:reader?url=https://a/secret":                    "about",
		"tel:+431234567":                                       "tel",
		"a.example:443":                                        "a.example:443",
		"localhost:8080/p?q":                                   "localhost:8080/p",
		"nasty-script.js?v=1":                                  "nasty-script.js",
		" https://a.example/p ":                                "https://a.example/p",
		"https://a.example/csp/report/csp/TOKEN-token_1":       "https://a.example/csp/report/csp/",
		"/csp/report/csp/TOKEN":                                "/csp/report/csp/",
		"https://a/x/report/tripwire/TOKEN/more":               "https://a/x/report/tripwire//more",
		"https://a/report/csp/ONE/report/csp/TWO":              "https://a/report/csp//report/csp/",
		"https://a.example/\u202Egpj.exe":                      `https://a.example/\u{202E}gpj.exe`,
		"https://a.example/a\x00b\x1b[31m\r\nlog line":         `https://a.example/a\u{0}b\u{1B}[31m\r\nlog line`,
		"https://a.example/caf\u00e9":                          "https://a.example/café",
		"https://a.example/" + strings.Repeat("x", MaxURL):     "https://a.example/" + strings.Repeat("x", MaxURL-18),
		"https://u:" + strings.Repeat("p", MaxURL) + "@a/path": "https://a/path",
	} {
		got := Redact(Report{Blocked: in, Page: in, Referrer: in, SourceFile: in})
		if diff := cmp.Diff(Report{Blocked: want, Page: want, Referrer: want, SourceFile: want}, got); diff != "" {
			t.Errorf("%.80q:\n%s", in, diff)
		}
	}
}

func TestRedactPolicy(t *testing.T) {
	for in, want := range map[string]string{
		"script-src 'self' 'nonce-ab+/cd=='; report-uri /csp/report/csp/TOKEN":                "script-src 'self' 'nonce-redacted'; report-uri /csp/report/csp/",
		"img-src data: https://cdn.example:*/x/; report-uri https://u:p@c.example/r?key=K #f": "img-src data: https://cdn.example:*/x/; report-uri https://c.example/r ",
		"report-uri report?key=K;report-to csp":                                               "report-uri report;report-to csp",
		"a, report-uri /a/report/csp/T1 /b/report/csp/T2":                                     "a, report-uri /a/report/csp/ /b/report/csp/",
		strings.Repeat("x", MaxPolicy):                                                        strings.Repeat("x", MaxPolicy),
		strings.Repeat("abc ", MaxPolicy/4) + "https://user:password@a.example/":              strings.Repeat("abc ", MaxPolicy/4),
		strings.Repeat("abc ", MaxPolicy/4-3) + "https://user:password@a.example/":            strings.Repeat("abc ", MaxPolicy/4-3),
	} {
		if diff := cmp.Diff(want, Redact(Report{Policy: in}).Policy); diff != "" {
			t.Errorf("%.80q:\n%s", in, diff)
		}
	}
	sample := Redact(Report{Sample: `send("/csp/report/csp/TOKEN", 1)`}).Sample
	if want := `send("/csp/report/csp/", 1)`; sample != want {
		t.Errorf("sample %q, want %q", sample, want)
	}
	got := Redact(Report{Detail: "see (https://u:p@a.example/x?y=z) now"}).Detail
	if want := "see (https://a.example/x now"; got != want {
		t.Errorf("detail %q, want %q", got, want)
	}
}

func TestLengths(t *testing.T) {
	for _, test := range []struct {
		name  string
		limit int
		field func(*Report) *string
	}{
		{"directive", MaxDirective, func(r *Report) *string { return &r.Directive }},
		{"blocked", MaxURL, func(r *Report) *string { return &r.Blocked }},
		{"page", MaxURL, func(r *Report) *string { return &r.Page }},
		{"referrer", MaxURL, func(r *Report) *string { return &r.Referrer }},
		{"source", MaxURL, func(r *Report) *string { return &r.SourceFile }},
		{"sample", MaxSample, func(r *Report) *string { return &r.Sample }},
		{"user agent", MaxUserAgent, func(r *Report) *string { return &r.UserAgent }},
	} {
		for _, n := range []int{test.limit - 1, test.limit, test.limit + 1} {
			var r Report
			*test.field(&r) = strings.Repeat("x", n)
			r = Redact(r)
			if got, want := len(*test.field(&r)), min(n, test.limit); got != want {
				t.Errorf("%s of %d: %d kept, want %d", test.name, n, got, want)
			}
		}
		// Neither a character nor an escape is cut in two.
		for _, unit := range []string{"é", "\u202E", "😀"} {
			var r Report
			*test.field(&r) = "x" + strings.Repeat(unit, test.limit)
			r = Redact(r)
			got := *test.field(&r)
			if !utf8.ValidString(got) || len(got) > test.limit {
				t.Errorf("%s of %q: %d bytes, %q at the end", test.name, unit, len(got), got[len(got)-8:])
			}
		}
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain <b>&amp;":                       "plain <b>&amp;",
		"a\nb\tc\rd":                           `a\nb\tc\rd`,
		"\x00\x7f\u0085":                       `\u{0}\u{7F}\u{85}`,
		"\u202a\u202e\u2066\u2069\u200e\u061c": `\u{202A}\u{202E}\u{2066}\u{2069}\u{200E}\u{61C}`,
		"\u200b\ufeff\u2028\u00ad\U000e0041":   `\u{200B}\u{FEFF}\u{2028}\u{AD}\u{E0041}`,
		"\U0010ffff":                           `\u{10FFFF}`,
		"שלום 日本 😀 é":                          "שלום 日本 😀 é",
	} {
		if got := Visible(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// checkRedacted holds a redacted report to what Redact promises.
func checkRedacted(t *testing.T, r Report) {
	t.Helper()
	for _, u := range []string{r.Blocked, r.Page, r.Referrer, r.SourceFile} {
		if strings.ContainsAny(u, "?#") || len(u) > MaxURL {
			t.Fatalf("URL not redacted: %q", u)
		}
		if i := authority(u); i >= 0 {
			if host, _, _ := strings.Cut(u[i:], "/"); strings.Contains(strings.Split(host, `\`)[0], "@") {
				t.Fatalf("credentials in %q", u)
			}
		}
	}
	if strings.ContainsAny(r.Policy, "?#") || len(r.Policy) > MaxPolicy || len(r.Detail) > MaxDetail || len(r.Sample) > MaxSample {
		t.Fatalf("text not redacted: %+v", r)
	}
	if i := nonceIndex(r.Policy); i >= 0 && !strings.HasPrefix(r.Policy[i:], NonceRedacted) {
		t.Fatalf("a nonce in %q", r.Policy)
	}
	for _, s := range []string{r.Directive, r.Blocked, r.Page, r.Referrer, r.SourceFile, r.Sample, r.Detail, r.Policy, r.UserAgent} {
		for _, p := range tokenPaths {
			if _, rest, ok := strings.Cut(s, p); ok && rest != "" && !strings.ContainsAny(rest[:1], tokenEnd) {
				t.Fatalf("a token in %q", s)
			}
		}
		if i := strings.IndexFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }); i >= 0 {
			t.Fatalf("%q has a character that does not print", s)
		}
	}
	if diff := cmp.Diff(r, Redact(r)); diff != "" {
		t.Fatalf("redacting twice changes\n%s", diff)
	}
}

func FuzzRedact(f *testing.F) {
	for _, s := range []string{"https://u:p@a/b?c#d", "report-uri /csp/report/csp/TOKEN; img-src data:", "\\\\u@h", "\u202e\x00", "a:b:c//d@e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkRedacted(t, Redact(Report{Directive: s, Blocked: s, Page: s, Sample: s, Detail: s, Policy: s, UserAgent: s}))
	})
}
