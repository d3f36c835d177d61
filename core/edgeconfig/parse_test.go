package edgeconfig

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/core/rewrite"
	"github.com/google/go-cmp/cmp"
)

const minimal = `{"site": "shop", "secret_env": "EDGECSP_SECRET",
 "routes": [{"match": {"prefix": "/"}, "report_only": {"default-src": ["'self'"]}}]}`

func TestMinimal(t *testing.T) {
	c, err := Parse([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	r := c.Routes[0]
	if c.Site != "shop" || c.Secret.Env != "EDGECSP_SECRET" || c.BasePath != "/csp" {
		t.Errorf("config %+v", c)
	}
	if r.Trust != rewrite.All || !r.Scripts || !r.Styles || len(r.Enforce) != 0 {
		t.Errorf("a route that only reports defaults to all, with both nonces: %+v", r)
	}
	if got := r.ReportOnly.String(); got != "default-src 'self'" {
		t.Errorf("policy %q", got)
	}
}

func TestFormsOfPolicies(t *testing.T) {
	for form, want := range map[string]string{
		`"default-src 'self'; img-src *"`:                            "default-src 'self'; img-src *",
		`{"img-src": "* data:", "default-src": []}`:                  "img-src * data:; default-src",
		`[{"default-src": ["'none'"]}, "script-src 'self'"]`:         "default-src 'none', script-src 'self'",
		`{"default-src": "'self'", "upgrade-insecure-requests": ""}`: "default-src 'self'; upgrade-insecure-requests",
	} {
		c, err := Parse([]byte(`{"site": "s", "secret_env": "E", "routes": [{"match": {"prefix": "/"}, "report_only": ` + form + `}]}`))
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		if got := c.Routes[0].ReportOnly.String(); got != want {
			t.Errorf("%s: %q, want %q", form, got, want)
		}
	}
}

func TestSelect(t *testing.T) {
	c, err := Parse([]byte(`{"site": "s", "secret_env": "E", "collector": {"base_path": "/reports/csp"}, "routes": [
		{"match": {"exact": "/a"}, "exempt": true},
		{"match": {"prefix": "/a", "host": "Shop.example"}, "report_only": "img-src 'self'"},
		{"match": {"prefix": "/b"}, "report_only": "img-src 'self'"},
		{"match": {"regex": "/c|/d/[0-9]+"}, "report_only": "img-src 'self'"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		host, path string
		want       int // the route's index, -1 none
	}{
		{"x", "/a", 0}, {"x", "/a?q=/b", 0}, {"x", "/a/", -1}, {"shop.example", "/a/", 1}, {"SHOP.EXAMPLE:8443", "/ab", 1},
		{"shop.example.evil", "/a/", -1}, {"[::1]:80", "/b", 2}, {"", "/b/c", 2}, {"x", "/", -1}, {"x", "", -1}, {"x", "?/b", -1},
		{"x", "/c", 3}, {"x", "/d/12", 3}, {"x", "/d/12?x", 3}, {"x", "/cc", -1}, {"x", "/x/c", -1}, {"x", "/d/1/2", -1},
	} {
		if got := c.Select(tc.host, tc.path); got != tc.want {
			t.Errorf("%s %s: route %d, want %d", tc.host, tc.path, got, tc.want)
		}
	}
	for path, want := range map[string]bool{"/reports/csp/x": true, "/reports/csp": false, "/reports/cspx": false, "/reports/csp/": true, "/": false} {
		if got := c.CollectorPath(path); got != want {
			t.Errorf("CollectorPath(%q) = %v", path, got)
		}
	}
}

// faults replaces one piece of the minimal configuration and returns what is
// said about it, a line each.
func faults(t *testing.T, text string) string {
	t.Helper()
	c, err := Parse([]byte(text))
	var f Faults
	if c != nil || !errors.As(err, &f) {
		t.Fatalf("%s\nis taken: %+v, %v", text, c, err)
	}
	return f.Error()
}

// Each fault names its path and says what would be right.
func TestFaults(t *testing.T) {
	route := func(r string) string {
		return `{"site": "shop", "secret_env": "E", "routes": [` + r + `]}`
	}
	for text, want := range map[string]string{
		``:               "empty",
		"\n\x05\n\x03":   "google.protobuf.StringValue",
		`{"site": shop}`: "not JSON",
		`[]`:             "is a list; an object is right here",
		`{}`:             "site: is \"\"",
		strings.Replace(minimal, `"site"`, `"sight"`, 1):                                                                    "sight: unknown key; known are collector, insecure_literal_secret, routes, secret, secret_env, site",
		strings.Replace(minimal, `"site": "shop"`, `"site": "shop", "site": "b"`, 1):                                        "site: stands twice",
		strings.Replace(minimal, `"shop"`, `7`, 1):                                                                          "site: is a number; a string is right here",
		strings.Replace(minimal, `"shop"`, `"A shop"`, 1):                                                                   `site: is "A shop"`,
		strings.Replace(minimal, `"secret_env": "EDGECSP_SECRET"`, `"secret_env": ""`, 1):                                   "secret_env: is missing",
		strings.Replace(minimal, `"secret_env": "EDGECSP_SECRET"`, `"secret": "0123456789abcdef"`, 1):                       "insecure_literal_secret",
		strings.Replace(minimal, `"secret_env"`, `"secret": "0123456789abcdef", "secret_env"`, 1):                           "secret: stands beside secret_env",
		strings.Replace(minimal, `"secret_env": "EDGECSP_SECRET"`, `"secret": "short", "insecure_literal_secret": true`, 1): "16 to 4096 bytes",
		strings.Replace(minimal, `"routes"`, `"collector": {"base_path": "/csp/"}, "routes"`, 1):                            `collector.base_path: is "/csp/"`,
		strings.Replace(minimal, `"routes"`, `"collector": {"base_path": "/c;sp"}, "routes"`, 1):                            "collector.base_path",
		strings.Replace(minimal, `"routes"`, `"collector": {"base_path": "/../x"}, "routes"`, 1):                            "collector.base_path",
		`{"site": "shop", "secret_env": "E"}`:                                                                               "routes: is missing",
		route(``):                                                                                                           "routes: is empty",
		route(`7`):                                                                                                          "routes[0]: is a number",
		route(`{"match": {"prefix": "/"}}`):                                                                                 "routes[0]: has no policy",
		route(`{"report_only": "img-src *"}`):                                                                               `routes[0].match: one of "prefix", "exact" and "regex"`,
		route(`{"match": {"prefix": "/", "exact": "/"}, "report_only": "img-src *"}`):                                       "routes[0].match: one of",
		route(`{"match": {"prefix": "x"}, "report_only": "img-src *"}`):                                                     "routes[0].match: a path starts with a slash",
		route(`{"match": {"exact": "/?x"}, "report_only": "img-src *"}`):                                                    "routes[0].match: a path",
		route(`{"match": {"regex": "(/a"}, "report_only": "img-src *"}`):                                                    "routes[0].match.regex: error parsing regexp",
		route(`{"match": {"regex": "/a", "prefix": "/"}, "report_only": "img-src *"}`):                                      `one of "prefix", "exact" and "regex"`,
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "upstream_policy": "join"}`):                          `routes[0].upstream_policy: is "join"; right are "keep", "replace", "yield", "merge"`,
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "unrewritable": 1}`):                                  "routes[0].unrewritable: is a number",
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "cacheable": "hash"}`):                                `routes[0].cacheable: "hash" puts approved hashes`,
		route(`{"match": {"prefix": "/"}, "report_only": ["img-src *", "img-src *"], "upstream_policy": "merge"}`):          `routes[0].upstream_policy: "merge" goes with one policy`,
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "fragments": ["HX Request"]}`):                        "routes[0].fragments[0]",
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "fragments": ["Sec-Fetch-Dest"]}`):                    "comes with ordinary navigations",
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "fragments": ["Cookie"]}`):                            "comes with ordinary navigations",
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "sample": {"percent": 101}}`):                         "routes[0].sample.percent: is 101",
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "sample": {"cookie": "a b"}}`):                        "routes[0].sample.cookie",
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "max_tag": 0}`):                                       "routes[0].max_tag: is 0; a whole number from 1",
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "insecure_host_trust": true}`):                        "routes[0].insecure_host_trust: counts only",
		route(`{"match": {"prefix": "/", "host": "https://x"}, "exempt": true}`):                                            "routes[0].match.host",
		route(`{"match": {"prefix": "/"}, "exempt": true, "trust": "all"}`):                                                 "routes[0]: is exempt",
		route(`{"match": {"prefix": "/"}, "enforce": "script-src 'self'"}`):                                                 `routes[0].trust: is missing`,
		route(`{"match": {"prefix": "/"}, "enforce": "script-src 'self'", "trust": "all"}`):                                 "insecure_trust_all",
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "trust": "some"}`):                                    `routes[0].trust: is "some"; right are "all"`,
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "approved": []}`):                                     "routes[0].approved: counts only",
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *", "trust": "inventory", "approved": ["sha256-x"]}`):     "routes[0].approved",
		route(`{"match": {"prefix": "/"}, "report_only": {"script-src": ["self; img-src *"]}}`):                             "routes[0].report_only.script-src",
		route(`{"match": {"prefix": "/"}, "report_only": {"scirpt-src": ["'self'"]}}`):                                      "routes[0].report_only.scirpt-src",
		route(`{"match": {"prefix": "/"}, "report_only": {"img-src": [true]}}`):                                             "routes[0].report_only.img-src[0]: is true or false; a string",
		route(`{"match": {"prefix": "/"}, "report_only": ["img-src *", {}]}`):                                               "routes[0].report_only[1]: offset 0: the policy is empty",
		route(`{"match": {"prefix": "/"}, "report_only": 1}`):                                                               "routes[0].report_only: is a number",
		route(`{"match": {"prefix": "/"}, "report_only": "img-src *, img-src 'self'"}`):                                     "routes[0].report_only",
	} {
		if got := faults(t, text); !strings.Contains(got, want) {
			t.Errorf("%s\nsays %q\nwant %q in it", text, got, want)
		}
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	got := faults(t, `{"site": "A", "secrte": 1, "routes": [{"match": {"prefix": ""}, "enforce": "img-src *", "sample": {"percentage": 5}}]}`)
	for _, want := range []string{"secrte: unknown", "site: is", "secret_env: is missing", "routes[0].match", "routes[0].sample.percentage", "routes[0].trust: is missing"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func routesText(n int) string {
	one := `{"match": {"prefix": "/"}, "report_only": "img-src *"}`
	return `{"site": "s", "secret_env": "E", "routes": [` + strings.Repeat(one+",", n-1) + one + `]}`
}

func TestLimits(t *testing.T) {
	policies := func(n int) string {
		return strings.Replace(minimal, `{"default-src": ["'self'"]}`, `["img-src *"`+strings.Repeat(`, "img-src *"`, n-1)+`]`, 1)
	}
	approved := func(n int) string {
		return strings.Replace(minimal, `"report_only"`, `"trust": "inventory", "approved": ["/a.js"`+strings.Repeat(`, "/a.js"`, n-1)+`], "report_only"`, 1)
	}
	sized := func(n int) string { return minimal + strings.Repeat(" ", n-len(minimal)) }
	for name, c := range map[string]struct {
		limit int
		text  func(int) string
	}{
		"regex": {MaxRegex, func(n int) string {
			return strings.Replace(minimal, `{"prefix": "/"}`, `{"regex": "`+strings.Repeat("a", n)+`"}`, 1)
		}},
		"fragments": {MaxFragments, func(n int) string {
			return strings.Replace(minimal, `"report_only"`, `"fragments": ["a"`+strings.Repeat(`, "a"`, n-1)+`], "report_only"`, 1)
		}},
		"held": {MaxHeld, func(n int) string {
			return strings.Replace(minimal, `"report_only"`, `"max_block": `+strconv.Itoa(n)+`, "report_only"`, 1)
		}},
		"size": {MaxSize, sized}, "routes": {MaxRoutes, routesText}, "policies": {MaxPolicies, policies}, "approved": {MaxApproved, approved},
	} {
		for n, good := range map[int]bool{c.limit - 1: true, c.limit: true, c.limit + 1: false} {
			if _, err := Parse([]byte(c.text(n))); (err == nil) != good {
				t.Errorf("%s: %d with a limit of %d: %v", name, n, c.limit, err)
			}
		}
	}
	many := `{"x": 1` + strings.Repeat(`, "y": 1`, 2*MaxFaults) + `}`
	if got := faults(t, many); !strings.HasSuffix(got, "more faults") || strings.Count(got, "\n") != MaxFaults {
		t.Errorf("%d lines, ending in %q", strings.Count(got, "\n")+1, got[len(got)-40:])
	}
}

func FuzzParse(f *testing.F) {
	f.Add(minimal)
	f.Add(routesText(2))
	f.Add(`{"site":"s","secret":"0123456789abcdef","insecure_literal_secret":true,"routes":[{"match":{"exact":"/"},"enforce":["script-src 'self'"],"trust":"inventory","approved":["/x.js"]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse([]byte(text))
		if (c == nil) == (err == nil) {
			t.Fatalf("%v, %v", c, err)
		}
		if err != nil {
			return
		}
		again, err := Parse([]byte(text))
		if err != nil || again.Site != c.Site || cmp.Diff(again.Routes[0].Match, c.Routes[0].Match) != "" {
			t.Fatalf("read twice, two results: %v", err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(strconv.Itoa(n)+"routes", func(b *testing.B) {
			text := []byte(routesText(n))
			for b.Loop() {
				if _, err := Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
