package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/core/csp"
)

const nonce = "'nonce-MDEyMzQ1Njc4OWFiY2RlZg'"

// strict is a policy that deserves no blame.
const strict = "default-src 'none'; script-src " + nonce + " 'strict-dynamic' 'report-sample'; style-src 'self' 'report-sample'; img-src 'self'; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; report-uri /csp/report"

// TestRules: each policy has to raise the finding, at that place.
func TestRules(t *testing.T) {
	long := "img-src"
	for len(long) < csp.HeaderBudget {
		long += " https://" + strings.Repeat("a", 40) + ".example"
	}
	for _, tc := range []struct {
		policy string
		o      Options
		want   string // rule severity directive value
		at     string // what stands at the offset
	}{
		{"script-src 'unsafe-inline'", Options{}, "script-unsafe-inline high script-src 'unsafe-inline'", "'unsafe-inline'"},
		{"default-src 'self' 'unsafe-inline'", Options{}, "script-unsafe-inline high default-src 'unsafe-inline'", "'unsafe-inline'"},
		{"script-src 'self'; script-src-attr 'unsafe-inline'", Options{}, "script-unsafe-inline high script-src-attr 'unsafe-inline'", "'unsafe-inline'"},
		{"style-src 'unsafe-inline'", Options{}, "style-unsafe-inline low style-src 'unsafe-inline'", "'unsafe-inline'"},
		{"script-src 'unsafe-eval'", Options{}, "script-unsafe-eval medium script-src 'unsafe-eval'", "'unsafe-eval'"},
		{"script-src 'unsafe-hashes' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='", Options{}, "script-unsafe-hashes low script-src 'unsafe-hashes'", "'unsafe-hashes'"},
		{"script-src 'unsafe-hashes'", Options{}, "unsafe-hashes-alone low script-src 'unsafe-hashes'", "'unsafe-hashes'"},
		{"script-src https:", Options{}, "plain-scheme high script-src https:", "https:"},
		{"script-src 'self' data:", Options{}, "plain-scheme high script-src data:", "data:"},
		{"object-src data:", Options{}, "plain-scheme high object-src data:", "data:"},
		{"base-uri https:", Options{}, "plain-scheme high base-uri https:", "https:"},
		{"script-src *", Options{}, "wildcard high script-src *", "*"},
		{"script-src https://*:443", Options{}, "wildcard high script-src https://*:443", "https://*"},
		{"default-src *", Options{}, "wildcard high default-src *", "*"},
		{"script-src *.cloudfront.net", Options{}, "shared-host high script-src *.cloudfront.net", "*.cloud"},
		{"script-src *.windows.net", Options{}, "shared-host high script-src *.windows.net", "*.windows"},
		{"script-src accounts.google.com", Options{}, "bypass-host high script-src accounts.google.com", "accounts"},
		{"script-src *.google.com", Options{}, "bypass-host high script-src *.google.com", "*.google"},
		{"script-src https://cdnjs.cloudflare.com/ajax/libs/", Options{}, "bypass-host high script-src https://cdnjs.cloudflare.com/ajax/libs/", "https:"},
		{"script-src 'unsafe-eval' https://www.googletagmanager.com", Options{}, "bypass-host high script-src https://www.googletagmanager.com", "https:"},
		{"script-src https://www.googletagmanager.com", Options{}, "host-list info script-src https://www.googletagmanager.com", "https:"},
		{"script-src https://cdnjs.cloudflare.com/ajax/libs/jquery/", Options{}, "host-list info script-src https://cdnjs.cloudflare.com/ajax/libs/jquery/", "https:"},
		{"img-src 'self'", Options{}, "missing-script-src high script-src ", "img-src"},
		{"script-src 'self'", Options{}, "missing-object-src high object-src ", "script-src"},
		{"script-src " + nonce, Options{}, "missing-base-uri high base-uri ", "script-src"},
		{"script-src 'self'", Options{}, "missing-base-uri low base-uri ", "script-src"},
		{"script-src 'self'", Options{}, "missing-frame-ancestors medium frame-ancestors ", "script-src"},
		{"script-src 'self'", Options{}, "missing-form-action low form-action ", "script-src"},
		{"script-src 'self'", Options{}, "missing-default-src low default-src ", "script-src"},
		{"script-src 'self'", Options{}, "missing-trusted-types info require-trusted-types-for ", "script-src"},
		{"script-src " + nonce + " 'self'", Options{}, "missing-strict-dynamic info script-src ", "script-src"},
		{"script-src 'strict-dynamic' https:", Options{}, "strict-dynamic-alone medium script-src 'strict-dynamic'", "'strict-dynamic'"},
		{"script-src 'nonce-abc'", Options{}, "nonce-short medium script-src 'nonce-abc'", "'nonce-abc'"},
		{"img-src 10.0.0.1", Options{}, "ip-source info img-src 10.0.0.1", "10.0"},
		{"img-src 127.0.0.1", Options{}, "ip-source info img-src 127.0.0.1", "127"},
		{"img-src http://a.example", Options{}, "http-source medium img-src http://a.example", "http:"},
		{"script-src 'unsafe-inline' " + nonce, Options{}, "unsafe-inline-silenced info script-src 'unsafe-inline'", "'unsafe-inline'"},
		{"style-src 'unsafe-inline' " + nonce, Options{}, "unsafe-inline-silenced info style-src 'unsafe-inline'", "'unsafe-inline'"},
		{"script-src 'strict-dynamic' " + nonce + " a.example", Options{}, "host-silenced info script-src a.example", "a.example"},
		{"script-src 'strict-dynamic' " + nonce + " 'self'", Options{}, "host-silenced info script-src 'self'", "'self'"},
		{"img-src 'unsafe-inline'", Options{}, "no-effect low img-src 'unsafe-inline'", "'unsafe-inline'"},
		{"style-src 'strict-dynamic'", Options{}, "no-effect low style-src 'strict-dynamic'", "'strict"},
		{"img-src " + nonce, Options{}, "no-effect low img-src " + nonce, "'nonce"},
		{"script-src-elem 'unsafe-eval'", Options{}, "no-effect low script-src-elem 'unsafe-eval'", "'unsafe"},
		{"img-src A.example/X a.example/X", Options{}, "source-duplicate info img-src a.example/X", "a.example"},
		{"img-src https: https://a.example", Options{}, "source-redundant info img-src https://a.example", "https://a"},
		{"img-src * a.example", Options{}, "source-redundant info img-src a.example", "a.example"},
		{"img-src", Options{}, "empty-list info img-src ", "img-src"},
		{"img-src 'self'", Options{}, "missing-reporting info report-uri ", "img-src"},
		{"img-src 'self'", Options{ReportOnly: true}, "report-only-without-endpoint medium report-uri ", "img-src"},
		{"img-src 'self'; report-to a", Options{}, "report-to-only info report-to ", "report-to"},
		{"img-src 'self'; report-to a", Options{Endpoints: []string{"b"}}, "report-to-without-endpoint medium report-to a", "a"},
		{"img-src 'self'; report-uri http://r.example/", Options{}, "report-http medium report-uri http://r.example/", "http:"},
		{"script-src 'self'; report-uri /r", Options{}, "missing-report-sample info script-src ", "script-src"},
		{"sandbox; report-uri /r", Options{ReportOnly: true}, "ignored-in-report-only medium sandbox ", "sandbox"},
		{"upgrade-insecure-requests", Options{ReportOnly: true}, "ignored-in-report-only medium upgrade-insecure-requests ", "upgrade"},
		{"frame-ancestors 'self'", Options{ReportOnly: true}, "frame-ancestors-report-only info frame-ancestors ", "frame"},
		{"frame-ancestors 'self'", Options{Meta: true}, "ignored-in-meta medium frame-ancestors ", "frame"},
		{"img-src *; report-uri /r", Options{Meta: true}, "ignored-in-meta medium report-uri ", "report-uri"},
		{"sandbox allow-scripts allow-same-origin", Options{}, "sandbox-escape medium sandbox ", "sandbox"},
		{"trusted-types * a; require-trusted-types-for 'script'", Options{}, "trusted-types-any low trusted-types *", "*"},
		{"trusted-types a", Options{}, "trusted-types-alone info trusted-types ", "trusted-types"},
		{"trusted-types 'allow-duplicates'", Options{}, "no-effect low trusted-types 'allow-duplicates'", "'allow"},
		{"trusted-types", Options{}, "empty-list info trusted-types ", "trusted-types"},
		{"form-action", Options{}, "empty-list info form-action ", "form-action"},
		{"fenced-frame-src 'self'", Options{}, "browser-support info fenced-frame-src ", "fenced"},
		{"script-src 'trusted-types-eval'", Options{}, "browser-support info script-src 'trusted-types-eval'", "'trusted"},
		{long, Options{}, "header-size medium  ", "img-src"},
		// parsing's findings come along
		{"script-src self", Options{}, "keyword-unquoted medium script-src self", "self"},
	} {
		found := Text(tc.policy, tc.o)
		i := slices.IndexFunc(found, func(f csp.Finding) bool { return line(f) == tc.want })
		if i < 0 {
			t.Errorf("%s: no %s in\n%s", tc.policy, tc.want, all(found))
		} else if !strings.HasPrefix(tc.policy[found[i].Offset:], tc.at) {
			t.Errorf("%s: %s is at offset %d", tc.policy, tc.want, found[i].Offset)
		}
		for _, f := range found {
			if !slices.ContainsFunc(Rules(), func(r Rule) bool { return r.ID == f.Rule }) {
				t.Errorf("%s is no rule", f.Rule)
			}
			if f.Message == "" || f.Fix == "" {
				t.Errorf("%s: no message or fix", f.Rule)
			}
		}
	}
}

func line(f csp.Finding) string {
	return f.Rule + " " + f.Severity.String() + " " + f.Directive + " " + f.Value
}

func all(found []csp.Finding) string {
	var out []string
	for _, f := range found {
		out = append(out, line(f))
	}
	return strings.Join(out, "\n")
}

// TestSilence: what must not be blamed.
func TestSilence(t *testing.T) {
	for _, tc := range []struct {
		policy string
		o      Options
		rule   string
	}{
		{"script-src 'unsafe-inline' " + nonce, Options{}, "script-unsafe-inline"},
		{"script-src 'unsafe-inline', script-src 'self'", Options{}, "script-unsafe-inline"},
		{"script-src 'unsafe-eval', default-src 'self'", Options{}, "script-unsafe-eval"},
		{"script-src 'strict-dynamic' " + nonce + " https:", Options{}, "plain-scheme"},
		{"script-src 'self', object-src 'none'", Options{}, "missing-object-src"},
		{"img-src *", Options{}, "wildcard"},
		{"script-src d111.cloudfront.net", Options{}, "shared-host"},
		{"script-src " + nonce, Options{}, "nonce-short"},
		{"img-src *; report-to a", Options{}, "report-to-without-endpoint"},
		{"img-src *; report-to a; report-uri /r", Options{Endpoints: []string{"a"}}, "report-to-without-endpoint"},
		{"img-src *", Options{Meta: true}, "missing-frame-ancestors"},
		{"worker-src 'strict-dynamic'", Options{}, "no-effect"},
		{"connect-src 'unsafe-webtransport-hashes' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='", Options{}, "no-effect"},
		{"img-src https://a.example/x https://a.example/X", Options{}, "source-duplicate"},
		{"trusted-types a 'allow-duplicates'", Options{}, "no-effect"},
		{"trusted-types a, require-trusted-types-for 'script'", Options{}, "trusted-types-alone"},
		{"upgrade-insecure-requests", Options{}, "empty-list"},
	} {
		for _, f := range Text(tc.policy, tc.o) {
			if f.Rule == tc.rule {
				t.Errorf("%s: %s", tc.policy, line(f))
			}
		}
	}
}

func TestStrictPolicyIsPraised(t *testing.T) {
	for _, f := range Text(strict, Options{}) {
		if f.Severity > csp.Info {
			t.Errorf("%s", line(f))
		}
	}
}

func TestEmptyPolicies(t *testing.T) {
	if found := List(csp.List{{}}, Options{}); found != nil {
		t.Errorf("%+v", found)
	}
	p, _ := csp.Parse("img-src *")
	if found := List(csp.List{{}, p}, Options{}); len(found) == 0 {
		t.Error("nothing is missing")
	}
}

func TestOrder(t *testing.T) {
	found := Text("script-src self 'unsafe-inline'; img-src http://a.example, bad-src x", Options{})
	if !slices.IsSortedFunc(found, func(a, b csp.Finding) int { return a.Offset - b.Offset }) {
		t.Error("not in the order of offsets")
	}
}

// TestData: every line of the data files is understood.
func TestData(t *testing.T) {
	if n := len(lines(bypassText)); len(bypasses) != n {
		t.Errorf("%d of %d bypasses", len(bypasses), n)
	}
	for _, b := range bypasses {
		s, err := csp.ParseSource("https://" + b.url.Host + b.url.Path)
		if err != nil || s.Match(b.url, csp.Origin{}, false) != csp.Matched || !slices.Contains([]string{"jsonp", "jsonp-eval", "angular"}, b.kind) {
			t.Errorf("%v: %v", b, err)
		}
	}
	for _, d := range sharedDomains {
		if _, err := csp.ParseSource("*." + d); err != nil {
			t.Error(err)
		}
	}
	if !slices.IsSorted(sharedDomains) {
		t.Error("shared.txt is not sorted")
	}
	if n := len(lines(supportText)); len(features) != n {
		t.Errorf("%d of %d features", len(features), n)
	}
	ids := map[string]bool{}
	for _, r := range Rules() {
		if ids[r.ID] || r.Summary == "" {
			t.Errorf("%s is there twice, or without summary", r.ID)
		}
		ids[r.ID] = true
	}
}

func TestHeaderSizeLimit(t *testing.T) {
	const head = "img-src "
	for _, n := range []int{csp.HeaderBudget - 1, csp.HeaderBudget, csp.HeaderBudget + 1} {
		over := slices.ContainsFunc(Text(head+strings.Repeat("a", n-len(head)), Options{}), func(f csp.Finding) bool { return f.Rule == "header-size" })
		if over != (n > csp.HeaderBudget) {
			t.Errorf("%d bytes: %v", n, over)
		}
	}
}

// TestFindingsAreBounded: what is found on one policy, besides what is missing.
func TestFindingsAreBounded(t *testing.T) {
	for _, n := range []int{maxFindings - 1, maxFindings, maxFindings + 1} {
		list, _ := csp.ParseList("img-src" + strings.Repeat(" 10.0.0.1", n))
		l := linter{list: list, p: list[0]}
		checkHosts(&l)
		if want := min(n, maxFindings); len(l.found) != want {
			t.Errorf("%d sources: %d findings", n, len(l.found))
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add(strict)
	f.Add("script-src * 'unsafe-inline', ;x")
	f.Fuzz(func(t *testing.T, text string) {
		for _, x := range Text(text, Options{ReportOnly: true, Endpoints: []string{}}) {
			if x.Offset < 0 || x.Offset > len(text) {
				t.Errorf("offset %d of %d", x.Offset, len(text))
			}
		}
	})
}
