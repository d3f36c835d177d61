package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestFoldURL(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		"inline":                           "inline",
		"chrome-extension":                 "chrome-extension",
		"https://Shop.example":             "https://shop.example",
		"https://shop.example/":            "https://shop.example/",
		"https://shop.example/cart/":       "https://shop.example/cart/",
		"https://shop.example/orders/4711": "https://shop.example/orders/*",
		"https://shop.example/orders/4711/items/0":                          "https://shop.example/orders/*/items/*",
		"https://shop.example/p/red-shoe-42.html":                           "https://shop.example/p/red-shoe-*.html",
		"https://shop.example/v2/app.8f3a1c.js":                             "https://shop.example/v2/app.*.js",
		"https://shop.example/v2/jquery-3.1.0.min.js":                       "https://shop.example/v2/jquery-*.*.*.min.js",
		"https://shop.example/u/3f2504e0-4f89-11d3-9a0c-0305e82c3301":       "https://shop.example/u/*",
		"https://shop.example/t/dGhpcyBpcyBhIHRva2VuIDEyMzQ":                "https://shop.example/t/*",
		"https://shop.example/decade/facade/deface":                         "https://shop.example/decade/facade/deface",
		"https://shop.example/mp3/h264/utf8":                                "https://shop.example/mp3/h264/utf8",
		"moz-extension://3F2504E0-4F89-11D3-9A0C-0305E82C3301/content/x.js": "moz-extension://*/content/x.js",
		"chrome-extension://kbfnbcaeplbcioakkpcpgfkobkghlhen/src/cs.js":     "chrome-extension://kbfnbcaeplbcioakkpcpgfkobkghlhen/src/cs.js",
		"https://d3ijcis4e2ziok.cloudfront.net/1/2/3/4/5/6/7/8":             "https://d3ijcis4e2ziok.cloudfront.net/*/*/*/*/*/*/*/*",
		"https://shop.example/a/b/c/d/e/f/g/h/i/j":                          "https://shop.example/a/b/c/d/e/f/g/h/*",
		"https://shop.example/" + strings.Repeat("x", 80):                   "https://shop.example/" + strings.Repeat("x", 80),
		"https://shop.example/" + strings.Repeat("x", 81):                   "https://shop.example/*",
		"https://" + strings.Repeat("h", 2*MaxShape) + "/":                  "https://" + strings.Repeat("h", MaxShape-8),
		`https:\\shop.example\a\1`:                                          `https:\\shop.example/a/*`,
		"https://shop.example:8443/csp/report/csp/":                         "https://shop.example:8443/csp/report/csp/",
	} {
		if got := foldURL(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestSampleClass(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		"alert(1)":                         "alert(*)",
		"var id = 12345;  var x":           "var id = *; var x",
		"(function(){window.x=7e3})":       "(function(){window.x=*})",
		`window["__a8f3c2d1"]={"k":"v"}`:   `window["__*"]={"k":"v"}`,
		"   lead":                          "lead",
		"Element innerHTML|<b>caf\u00e9 3": "Element innerHTML|<b>caf\u00e9 *",
		"h1{color:#ff00aa}":                "h1{color:#*}",
		"jQuery331 = 0x1F":                 "jQuery331 = *",
	} {
		if got := sampleClass(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestOneLine: what differs only by visitor or page number has one fingerprint;
// what the owner has to treat apart has not.
func TestOneLine(t *testing.T) {
	base := Report{
		Kind: CSPViolation, Directive: "script-src-elem", Blocked: "https://cdn.example/a.js", Page: "https://shop.example/orders/1",
		SourceFile: "https://shop.example/orders/1", Sample: "track(17)", Line: 3, Column: 4, UserAgent: "A", Policy: "p", Disposition: Enforce,
	}
	print := func(change func(*Report)) Fingerprint {
		r := base
		change(&r)
		s := ShapeOf(&r)
		return s.Fingerprint("shop", "genuine")
	}
	want := print(func(*Report) {})
	for name, change := range map[string]func(*Report){
		"page number": func(r *Report) {
			r.Page, r.SourceFile = "https://shop.example/orders/2", "https://shop.example/orders/2"
		},
		"position": func(r *Report) { r.Line, r.Column = 90, 1 },
		"number":   func(r *Report) { r.Sample = "track(18)" },
		"browser":  func(r *Report) { r.UserAgent = "B" },
		"policy":   func(r *Report) { r.Policy, r.Disposition = "q", ReportOnly },
		"referrer": func(r *Report) { r.Referrer = "https://x.example/" },
	} {
		if print(change) != want {
			t.Errorf("%s makes another line", name)
		}
	}
	for name, change := range map[string]func(*Report){
		"kind":      func(r *Report) { r.Kind = COEP },
		"directive": func(r *Report) { r.Directive = "script-src-attr" },
		"host":      func(r *Report) { r.Blocked = "https://cdn2.example/a.js" },
		"script":    func(r *Report) { r.Blocked = "https://cdn.example/b.js" },
		"sample":    func(r *Report) { r.Sample = "steal(17)" },
		"page":      func(r *Report) { r.Page = "https://shop.example/cart" },
		"source":    func(r *Report) { r.SourceFile = "https://shop.example/x.js" },
	} {
		if print(change) == want {
			t.Errorf("%s makes no other line", name)
		}
	}
	s := ShapeOf(&base)
	if s.Fingerprint("blog", "genuine") == want || s.Fingerprint("shop", "forged") == want || s.Fingerprint("shopg", "enuine") == want {
		t.Error("another site or lane makes no other line")
	}
	image := func(path string) Fingerprint {
		return print(func(r *Report) { r.Directive, r.Blocked = "img-src", "https://cdn.example"+path })
	}
	if image("/a.png") != image("/b.png") {
		t.Error("two images of one host are two lines")
	}
}

func TestShapeOfHash(t *testing.T) {
	got := ShapeOf(&Report{Kind: CSPHash, Directive: "script", Blocked: "https://a/x.js", Page: "https://a/1", Detail: "sha256-x"})
	want := Shape{Kind: CSPHash, Directive: "script", Blocked: "https://a/x.js", Page: "https://a/*", Sample: "sha256-x"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNonces(t *testing.T) {
	for in, want := range map[string]string{
		"script-src 'nonce-ab+/cd==' 'self'":     "script-src 'nonce-redacted' 'self'",
		"script-src 'NONCE-a' 'Nonce-b'":         "script-src 'nonce-redacted' 'nonce-redacted'",
		"script-src 'nonce-cut; style-src 'self": "script-src 'nonce-redacted'; style-src 'self",
		"script-src 'nonce-":                     "script-src 'nonce-redacted'",
		"script-src 'nonce- 'none'":              "script-src 'nonce-redacted' 'none'",
		"script-src 'nonce-redacted'":            "script-src 'nonce-redacted'",
	} {
		if got := Redact(Report{Policy: in}).Policy; got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func FuzzShape(f *testing.F) {
	for _, s := range []string{"https://a/1/b", "\\\\u@h", "a b  c 12", "moz-extension://x/", "é//😀/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := Redact(Report{Kind: CSPViolation, Directive: s, Blocked: s, Page: s, SourceFile: s + "x", Sample: s})
		shape := ShapeOf(&r)
		for _, text := range []string{shape.Directive, shape.Blocked, shape.Source, shape.Sample, shape.Page} {
			if len(text) > MaxShape || !utf8.ValidString(text) {
				t.Fatalf("%d bytes: %q", len(text), text)
			}
		}
		if again := foldURL(shape.Page); again != shape.Page {
			t.Fatalf("folding twice changes %q to %q", shape.Page, again)
		}
	})
}
