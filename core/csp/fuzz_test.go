package csp

import (
	"strings"
	"testing"
	"time"
)

// seeds are policies of the kinds that the world sends.
var seeds = []string{
	tenDirectives,
	"",
	";;, ;",
	"script-src 'nonce-abc=' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=' 'strict-dynamic' https: 'unsafe-inline'",
	"DEFAULT-SRC *.a.example:*/x%2Fy/?q HTTP://b.example:80, img-src data: blob:\x00",
	"sandbox allow-scripts; report-uri /a /b; report-to g; trusted-types a 'allow-duplicates'; require-trusted-types-for 'script'",
	"script-src self 'none' \u201cself\u201d; img-src a script-src b",
	"upgrade-insecure-requests; webrtc 'block'; plugin-types a/b",
}

// checkText holds serialized text to what a header may hold.
func checkText(t *testing.T, text string) {
	t.Helper()
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == ',' {
			t.Fatalf("byte %q at %d of %q", c, i, text)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, found := ParseList(text)
		for _, p := range list {
			checkText(t, p.String())
		}
		for _, x := range found {
			if x.Offset < 0 || x.Offset > len(text) || x.Message == "" || x.Fix == "" {
				t.Fatalf("finding %+v", x)
			}
			if x.Value != "" && len(x.Value) < maxQuoted && !strings.HasPrefix(text[x.Offset:], x.Value) {
				t.Fatalf("%q is not at %d of %q", x.Value, x.Offset, text)
			}
		}
		p, found := Parse(text)
		_, err := ParseStrict(text)
		if (err == nil) != (firstDropped(found) == nil && len(p.Directives) > 0 && !strings.ContainsAny(text, "\r\n")) {
			t.Fatalf("%q: strict says %v, findings %+v", text, err, found)
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, _ := ParseList(text)
		again, _ := ParseList(list.String())
		if !again.Equal(list) {
			t.Fatalf("%q became %q", list, again)
		}
		if list.Identity() != again.Identity() {
			t.Fatal("the identity changed")
		}
		for _, p := range list {
			var nvs []NameValue
			for _, d := range p.Directives {
				nvs = append(nvs, NameValue{d.Name, strings.TrimSpace(strings.TrimPrefix(d.String(), d.Name))})
			}
			if q, err := FromDirectives(nvs); err == nil && !q.Equal(p) {
				t.Fatalf("%q by directives became %q", p, q)
			}
		}
	})
}

func FuzzMatch(f *testing.F) {
	for i, s := range seeds {
		f.Add(s, "https://a.example/x", "https://b.example:8443/y/%2e%2e?z", uint8(i), "abc")
	}
	f.Fuzz(func(t *testing.T, text, page, ref string, activity uint8, nonce string) {
		base, _ := ParseURL(page)
		u, err := ParseReference(base, ref)
		if err == nil {
			if again, err := ParseURL(u.String()); err != nil || again != u {
				t.Fatalf("%q is %q, and then %q (%v)", ref, u, again, err)
			}
		}
		list, _ := ParseList(text)
		r := Request{Activity: Activity(activity), Self: base.Origin(), URL: u, Nonce: nonce, Integrity: nonce, Content: []byte(ref), ParserInserted: activity%2 == 0}
		for _, p := range list {
			d, _ := p.Explain(&r)
			if d != p.Decide(&r) {
				t.Fatal("Decide and Explain disagree")
			}
			if d.Allowed == (d.Reason == NoMatch || d.Reason == NoneAllowed || d.Reason == NeedsStrict || d.Reason == NeedsTrustedType || d.Reason == ByUnknown) {
				t.Fatalf("%+v", d)
			}
			if d.Directive != "" && p.index(d.Directive) < 0 {
				t.Fatalf("%s is not in %s", d.Directive, p)
			}
			if d.Sentence() == "" {
				t.Fatal("no words")
			}
		}
	})
}

func FuzzTemplate(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, "abc", "/r", uint8(255))
	}
	f.Fuzz(func(t *testing.T, text, nonce, uri string, bits uint8) {
		p, _ := Parse(text)
		pl := Placement{ScriptNonce: bits&1 > 0, StyleNonce: bits&2 > 0, KeepUnsafeInline: bits&4 > 0, ReportSample: bits&8 > 0}
		if bits&16 > 0 {
			pl.ConnectSelf = "https://c.example/csp/"
		}
		tpl, err := NewTemplate(p, pl)
		if err != nil {
			return
		}
		v := Values{Nonce: nonce, ExtraNonce: uri, ReportURI: uri, ReportTo: nonce}
		out := string(tpl.Append(nil, v))
		checkText(t, out)
		q, _ := Parse(out)
		if v.Validate() == nil && nonce != "" {
			for a, stamps := range map[Activity]bool{InlineScript: tpl.StampsScripts(), InlineStyle: tpl.StampsStyles()} {
				if d := q.Decide(&Request{Activity: a, Nonce: nonce, ParserInserted: true}); stamps && !d.Allowed {
					t.Fatalf("%v with the nonce is blocked by %s", a, out)
				}
			}
		}
		if pl.ConnectSelf != "" {
			r := Request{Activity: Connect, Self: Origin{Scheme: "https", Host: "a.example"}, URL: URL{Scheme: "https", Host: "c.example", Path: "/csp/r"}}
			if d := q.Decide(&r); !d.Allowed {
				t.Fatalf("%s keeps the observer from its collector", out)
			}
		}
	})
}

// TestMegabyte: hostile policies of a megabyte take milliseconds.
func TestMegabyte(t *testing.T) {
	const size = 1 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, text := range map[string]string{
		"semicolons": fill(";"), "commas": fill(","), "spaces": fill(" "), "one source": "img-src " + fill("a"),
		"many sources": "img-src " + fill("a "), "many bad sources": "img-src " + fill("' "), "unknown directives": manyNames(size),
		"duplicates": fill("img-src;"), "one name": fill("x"), "not ASCII": fill("\xff"), "hosts": "img-src " + fill("a.b/%2f "),
		"nonces": "script-src " + fill("'nonce-a' "), "slashes": "img-src " + fill("/"), "many policies": fill("a b,"),
	} {
		start := time.Now()
		list, _ := ParseList(text)
		_ = list.String()
		for _, p := range list[:min(len(list), 1)] {
			p.Decide(&Request{Activity: Image, Self: Origin{Scheme: "https", Host: "a.example"}, URL: URL{Scheme: "https", Host: "z.example", Path: "/"}})
		}
		if d := time.Since(start); d > maxMegabyte {
			t.Errorf("%s: %v", name, d)
		}
	}
}

// maxMegabyte is generous: under the race detector and in wasm all is slower.
const maxMegabyte = 3 * time.Second

func manyNames(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		b.WriteString("x-")
		b.WriteString(itoa(i))
		b.WriteString(" a;")
	}
	return b.String()
}

func BenchmarkMegabyte(b *testing.B) {
	text := "img-src " + strings.Repeat("https://*.example.com:8443/x ", (1<<20)/29)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Parse(text)
	}
}
