package diff

import (
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/core/csp"
)

func show(list []Change) string {
	var out []string
	for _, c := range list {
		out = append(out, strings.Trim(c.Directive+" "+c.Expression+" "+strings.Join(c.Activities, ","), " "))
	}
	return strings.Join(out, "; ")
}

func TestCompare(t *testing.T) {
	shop := csp.Origin{Scheme: "https", Host: "shop.example"}
	for _, tc := range []struct {
		name, a, b      string
		self            csp.Origin
		allows, forbids string
	}{
		{"the same", "img-src 'self'; font-src *", "FONT-src *; img-src 'SELF'", csp.Origin{}, "", ""},
		{"a host more", "img-src 'self'", "img-src 'self' https://a.example", csp.Origin{}, "img-src https://a.example img", ""},
		{"a narrower host", "img-src *.example", "img-src a.example", csp.Origin{}, "", "img-src *.example img"},
		{"covered", "img-src https: data:", "img-src a.example https://b.example/x data:", csp.Origin{}, "", "img-src https: img"},
		{"upgrade", "img-src http://a.example", "img-src https://a.example", csp.Origin{}, "", "img-src http://a.example img"},
		{"ports", "img-src a.example:443 b.example:*", "img-src a.example b.example:8443", csp.Origin{}, "", "img-src b.example:* img"},
		{"paths", "img-src a.example/x/", "img-src a.example/x/y a.example/z", csp.Origin{}, "img-src a.example/z img", "img-src a.example/x/ img"},
		{"star", "img-src *", "img-src https: ws://a.example data:", csp.Origin{}, "img-src data: img", "img-src * img"},
		{"self known", "img-src https://shop.example", "img-src 'self'", shop, "", ""},
		{"self not known", "img-src https://shop.example", "img-src 'self'", csp.Origin{}, "img-src 'self' img", "img-src https://shop.example img"},
		{"fallback spelt out", "default-src 'self'", "default-src 'self'; img-src 'self'; frame-src 'self'", csp.Origin{}, "", ""},
		{"fallback", "default-src 'self'; img-src a.example", "default-src 'self'", csp.Origin{}, "img-src 'self' img", "img-src a.example img"},
		{"nothing restricts", "font-src 'none'", "img-src 'none'", csp.Origin{}, "font-src (anything) font", "img-src (anything) img"},
		{"nonce values do not count", "script-src 'nonce-a'", "script-src 'nonce-b'", csp.Origin{}, "", ""},
		{"a nonce silences 'unsafe-inline'", "script-src-elem 'unsafe-inline'", "script-src-elem 'unsafe-inline' 'nonce-a'", csp.Origin{},
			"script-src-elem 'nonce-...' script", "script-src-elem 'unsafe-inline' inline-script,javascript-url,speculation-rules"},
		{"'strict-dynamic' silences hosts", "script-src-elem 'nonce-a' a.example", "script-src-elem 'nonce-a' a.example 'strict-dynamic'", csp.Origin{},
			"script-src-elem 'strict-dynamic' script,inline-script,speculation-rules", "script-src-elem a.example script"},
		{"speculation rules", "script-src 'self'", "script-src 'self' 'inline-speculation-rules'", csp.Origin{}, "script-src-elem 'inline-speculation-rules' speculation-rules", ""},
		{"speculation rules, inline", "script-src 'unsafe-inline'", "script-src 'unsafe-inline' 'inline-speculation-rules'", csp.Origin{}, "", ""},
		{"hashes of javascript: URLs", "script-src-elem 'sha256-a'", "script-src-elem 'sha256-a' 'unsafe-hashes'", csp.Origin{}, "script-src-elem 'sha256-a' javascript-url", ""},
		{"eval", "script-src 'unsafe-eval'", "script-src 'wasm-unsafe-eval'", csp.Origin{}, "", "script-src 'unsafe-eval' eval,wasm-eval"},
		{"lists intersect", "img-src https:, img-src *.a.example", "img-src *.a.example", csp.Origin{}, "", ""},
		{"a list that contradicts itself", "img-src a.example, img-src b.example", "img-src 'none'", csp.Origin{}, "", ""},
		{"no policy at all", "", "base-uri 'self'", csp.Origin{}, "", "base-uri (anything) base-uri"},
		{"sandbox", "sandbox allow-forms", "sandbox allow-scripts", csp.Origin{}, "sandbox allow-scripts", "sandbox allow-forms"},
		{"sandbox gone", "sandbox", "", csp.Origin{}, "sandbox (anything)", ""},
		{"trusted types", "trusted-types a b; require-trusted-types-for 'script'", "trusted-types b c", csp.Origin{},
			"trusted-types c; require-trusted-types-for (anything)", "trusted-types a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, _ := csp.ParseList(tc.a)
			b, _ := csp.ParseList(tc.b)
			r := compare(t, a, b, tc.self)
			if got := show(r.Allows); got != tc.allows {
				t.Errorf("allows  %s\nwant    %s", got, tc.allows)
			}
			if got := show(r.Forbids); got != tc.forbids {
				t.Errorf("forbids %s\nwant    %s", got, tc.forbids)
			}
			if r.Equal() != (tc.allows == "" && tc.forbids == "") {
				t.Error("Equal contradicts")
			}
			back := compare(t, b, a, tc.self)
			if show(back.Allows) != show(r.Forbids) || show(back.Forbids) != show(r.Allows) {
				t.Error("not the same the other way round")
			}
		})
	}
}

func compare(t *testing.T, a, b csp.List, self csp.Origin) Result {
	t.Helper()
	r, err := Compare(a, b, self)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMaxSources(t *testing.T) {
	for _, n := range []int{MaxSources - 1, MaxSources, MaxSources + 1} {
		long, _ := csp.ParseList("default-src" + strings.Repeat(" *.a.example", n))
		short, _ := csp.ParseList("default-src 'self'")
		for _, pair := range [][2]csp.List{{long, short}, {short, long}} {
			if _, err := Compare(pair[0], pair[1], csp.Origin{}); (err == nil) != (n <= MaxSources) {
				t.Errorf("%d sources: %v", n, err)
			}
		}
	}
}

// TestMaxSourcesOfAList: the sources of a directive count in all policies together.
func TestMaxSourcesOfAList(t *testing.T) {
	one, _ := csp.ParseList("img-src 'self'")
	for _, n := range []int{MaxSources - 1, MaxSources, MaxSources + 1} {
		many, _ := csp.ParseList(strings.Repeat("img-src *.a.example,", n))
		if _, err := Compare(one, many, csp.Origin{}); (err == nil) != (n <= MaxSources) {
			t.Errorf("%d policies: %v", n, err)
		}
	}
}

// FuzzCompare: whatever is compared with itself is equal, and what b gains over a
// a forbids.
func FuzzCompare(f *testing.F) {
	f.Add("img-src https: *.a.example:80/x 'self'", "default-src *; sandbox")
	f.Fuzz(func(t *testing.T, x, y string) {
		a, _ := csp.ParseList(x)
		b, _ := csp.ParseList(y)
		if r, err := Compare(a, a, csp.Origin{}); err == nil && !r.Equal() {
			t.Errorf("%q differs from itself", x)
		}
		_, _ = Compare(a, b, csp.Origin{}) // must not panic; too long is fine
	})
}
