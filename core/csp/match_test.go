package csp

import (
	"slices"
	"strings"
	"testing"
)

func mustURL(t testing.TB, text string) URL {
	t.Helper()
	u, err := ParseURL(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return u
}

// TestMatchURL is CSP3 6.7.2.8 to 6.7.2.12, one expression against one URL.
func TestMatchURL(t *testing.T) {
	const yes, no = true, false
	for _, tc := range []struct {
		section, expression, page, url string
		redirected, want               bool
	}{
		// 6.7.2.8 step 1: "*"
		{"6.7.2.8 1.1", "*", "https://a.example/", "http://b.example/", no, yes},
		{"6.7.2.8 1.1", "*", "https://a.example/", "https://b.example:8443/", no, yes},
		{"6.7.2.8 1.1", "*", "https://a.example/", "wss://b.example/", no, yes},
		{"6.7.2.8 1.1", "*", "https://a.example/", "data:,x", no, no},
		{"6.7.2.8 1.1", "*", "https://a.example/", "blob:https://a.example/1-2", no, no},
		{"6.7.2.8 1.1", "*", "https://a.example/", "custom:x", no, no},
		{"6.7.2.8 1.2", "*", "file:///index.html", "file:///a.js", no, yes},
		// step 2: scheme-source
		{"6.7.2.8 2.2", "https:", "http://a.example/", "https://b.example/", no, yes},
		{"6.7.2.8 2.2", "HTTPS:", "http://a.example/", "https://b.example/", no, yes},
		{"6.7.2.8 2.2", "https:", "http://a.example/", "http://b.example/", no, no},
		{"6.7.2.8 2.2", "data:", "https://a.example/", "data:text/plain,x", no, yes},
		{"6.7.2.8 2.2", "blob:", "https://a.example/", "blob:https://a.example/1", no, yes},
		// step 3: host-source
		{"6.7.2.8 3.1", "b.example", "https://a.example/", "data:b.example", no, no},
		{"6.7.2.8 3.2", "b.example", "https://a.example/", "http://b.example/", no, no},
		{"6.7.2.8 3.2", "b.example", "http://a.example/", "http://b.example/", no, yes},
		{"6.7.2.8 3.2", "b.example", "http://a.example/", "https://b.example/", no, yes},
		{"6.7.2.8 3.2", "b.example", "https://a.example/", "wss://b.example/", no, no},
		{"6.7.2.8 3.2", "b.example", "data:,x", "https://b.example/", no, no},
		{"6.7.2.8 2.1", "http://b.example", "https://a.example/", "https://b.example/", no, yes},
		{"6.7.2.8 2.1", "https://b.example", "http://a.example/", "http://b.example/", no, no},
		{"6.7.2.8 2.1", "wss://b.example", "https://a.example/", "https://b.example/", no, no},
		// step 4: 'self'
		{"6.7.2.8 4.1", "'self'", "https://a.example/", "https://a.example/x?y#z", no, yes},
		{"6.7.2.8 4.1", "'SELF'", "https://a.example:8443/", "https://a.example:8443/", no, yes},
		{"6.7.2.8 4.1", "'self'", "https://a.example/", "https://b.example/", no, no},
		{"6.7.2.8 4.1", "'self'", "https://a.example/", "https://www.a.example/", no, no},
		{"6.7.2.8 4.1", "'self'", "https://a.example/", "https://a.example:8443/", no, no},
		{"6.7.2.8 4.2.1", "'self'", "http://a.example/", "https://a.example/", no, yes},
		{"6.7.2.8 4.2.1", "'self'", "https://a.example/", "wss://a.example/", no, yes},
		{"6.7.2.8 4.2.1", "'self'", "http://a.example:8080/", "https://a.example:8080/", no, yes},
		{"6.7.2.8 4.2.1", "'self'", "http://a.example:8080/", "https://a.example/", no, no},
		{"6.7.2.8 4.2.2", "'self'", "http://a.example/", "ws://a.example/", no, yes},
		{"6.7.2.8 4.2", "'self'", "https://a.example/", "http://a.example/", no, no},
		{"6.7.2.8 4.2", "'self'", "https://a.example/", "ws://a.example/", no, no},
		{"6.7.2.8 4", "'self'", "https://a.example/", "blob:https://a.example/1", no, no},
		{"6.7.2.8 4", "'self'", "https://a.example/", "data:,x", no, no},
		{"6.7.2.8 4, opaque", "'self'", "data:text/html,x", "data:text/html,x", no, no},
		{"6.7.2.8 4, file", "'self'", "file:///a/index.html", "file:///b/x.js", no, yes},
		// 6.7.2.9 scheme-part
		{"6.7.2.9 1.2", "http:", "https://a.example/", "https://b.example/", no, yes},
		{"6.7.2.9 1.3", "ws:", "https://a.example/", "wss://b.example/", no, yes},
		{"6.7.2.9", "wss:", "https://a.example/", "ws://b.example/", no, no},
		// 6.7.2.10 host-part
		{"6.7.2.10 2", "https://*", "https://a.example/", "https://b.example/", no, yes},
		{"6.7.2.10 3", "*.b.example", "https://a.example/", "https://www.b.example/", no, yes},
		{"6.7.2.10 3", "*.B.example", "https://a.example/", "https://x.www.b.EXAMPLE/", no, yes},
		{"6.7.2.10 3", "*.b.example", "https://a.example/", "https://b.example/", no, no},
		{"6.7.2.10 3", "*.b.example", "https://a.example/", "https://xb.example/", no, no},
		{"6.7.2.10 4", "B.example", "https://a.example/", "https://b.example/", no, yes},
		{"6.7.2.10 4", "b.example", "https://a.example/", "https://b.example.evil/", no, no},
		{"6.7.2.10 1, browsers", "127.0.0.1", "https://a.example/", "https://127.0.0.1/", no, yes},
		{"6.7.2.10 1, browsers", "10.0.0.1", "https://a.example/", "https://10.0.0.1/", no, yes},
		// 6.7.2.11 port-part
		{"6.7.2.11 2", "b.example:*", "https://a.example/", "https://b.example:8443/", no, yes},
		{"6.7.2.11 4", "b.example:8443", "https://a.example/", "https://b.example:8443/", no, yes},
		{"6.7.2.11 4", "b.example:08443", "https://a.example/", "https://b.example:8443/", no, yes},
		{"6.7.2.11 4", "b.example", "https://a.example/", "https://b.example:8443/", no, no},
		{"6.7.2.11 5", "b.example:443", "https://a.example/", "https://b.example/", no, yes},
		{"6.7.2.11 5", "https://b.example:80", "https://a.example/", "https://b.example/", no, no},
		{"6.7.2.11, Chromium", "http://b.example:80", "https://a.example/", "https://b.example/", no, yes},
		{"6.7.2.11, Chromium", "http://b.example:8080", "https://a.example/", "https://b.example:8080/", no, no},
		{"6.7.2.11", "b.example:444", "https://a.example/", "https://b.example/", no, no},
		// 6.7.2.12 path-part
		{"6.7.2.12 1", "b.example", "https://a.example/", "https://b.example/x", no, yes},
		{"6.7.2.12 2", "b.example/", "https://a.example/", "https://b.example", no, yes},
		{"6.7.2.12 3", "b.example/", "https://a.example/", "https://b.example/x/y", no, yes},
		{"6.7.2.12 6", "b.example/x", "https://a.example/", "https://b.example/x/y", no, no},
		{"6.7.2.12 6", "b.example/x", "https://a.example/", "https://b.example/x?q", no, yes},
		{"6.7.2.12 7", "b.example/x/", "https://a.example/", "https://b.example/x/y", no, yes},
		{"6.7.2.12 7", "b.example/x/", "https://a.example/", "https://b.example/x", no, no},
		{"6.7.2.12 8", "b.example/a%3bb", "https://a.example/", "https://b.example/a;b", no, yes},
		{"6.7.2.12 8", "b.example/%61", "https://a.example/", "https://b.example/a", no, yes},
		{"6.7.2.12 8", "b.example/A", "https://a.example/", "https://b.example/a", no, no},
		{"6.7.2.12 8", "b.example/%zz", "https://a.example/", "https://b.example/%zz", no, yes},
		// 7.6 paths and redirects
		{"7.6", "b.example/x", "https://a.example/", "https://b.example/y", yes, yes},
		{"7.6", "b.example/x", "https://a.example/", "https://c.example/x", yes, no},
		{"7.6", "b.example:8443/x", "https://a.example/", "https://b.example/x", yes, no},
		// what is no URL expression
		{"6.7.2.8 5", "'unsafe-inline'", "https://a.example/", "https://a.example/", no, no},
		{"6.7.2.8 5", "'nonce-abc'", "https://a.example/", "https://a.example/", no, no},
		{"6.7.2.7 3", "'none'", "https://a.example/", "https://a.example/", no, no},
	} {
		p, _ := Parse("img-src " + tc.expression)
		r := Request{Activity: Image, Self: mustURL(t, tc.page).Origin(), URL: mustURL(t, tc.url), Redirected: tc.redirected}
		if d := p.Decide(&r); d.Allowed != tc.want {
			t.Errorf("%s: %s on %s, %s: allowed is %v (%s)", tc.section, tc.expression, tc.page, tc.url, d.Allowed, d.Reason)
		}
	}
}

const (
	alertHash    = "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='" // alert(1)
	alertHashURL = "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF-pI'"
)

var urlHash = HashSource(SHA256, []byte("javascript:alert(1)")).Text()

// TestDecide is the rest of CSP3 6.7 and 6.8: fallback chains, nonces, hashes,
// 'strict-dynamic', inline code, eval.
func TestDecide(t *testing.T) {
	page := mustURL(t, "https://a.example/").Origin()
	script := Request{Activity: Script, URL: mustURL(t, "https://b.example/x.js"), ParserInserted: true}
	inline := Request{Activity: InlineScript, Content: []byte("alert(1)"), ParserInserted: true}
	with := func(r Request, edit func(*Request)) Request { edit(&r); return r }
	for _, tc := range []struct {
		section, policy string
		r               Request
		want            string // reason, directive, expression
	}{
		// 6.8.3 fallback chains, 6.8.4
		{"6.8.3", "default-src 'none'; script-src b.example", script, "url script-src b.example"},
		{"6.8.3", "script-src 'none'; script-src-elem b.example", script, "url script-src-elem b.example"},
		{"6.8.3", "img-src 'none'", script, "no-directive"},
		{"6.8.3", "default-src 'none'; child-src b.example; script-src 'none'", Request{Activity: Worker, URL: script.URL}, "url child-src b.example"},
		{"6.8.3", "default-src 'none'; script-src b.example", Request{Activity: Worker, URL: script.URL}, "url script-src b.example"},
		{"6.8.3", "default-src 'none'; script-src b.example", Request{Activity: Frame, URL: script.URL}, "none default-src"},
		{"6.8.3", "default-src 'none'; child-src b.example", Request{Activity: Frame, URL: script.URL}, "url child-src b.example"},
		{"6.8.3", "frame-src b.example", Request{Activity: FencedFrame, URL: script.URL}, "url frame-src b.example"},
		{"6.8.3", "default-src 'none'", Request{Activity: FormAction, URL: script.URL}, "no-directive"},
		{"6.8.3", "default-src 'none'", Request{Activity: BaseURI, URL: script.URL}, "no-directive"},
		{"6.8.3", "default-src 'none'", Request{Activity: FrameAncestor, URL: script.URL}, "no-directive"},
		{"6.8.3", "script-src 'unsafe-inline'; script-src-attr 'none'", Request{Activity: ScriptAttr}, "none script-src-attr"},
		{"6.8.3", "script-src-elem 'none'; script-src 'unsafe-eval'", Request{Activity: Eval}, "keyword script-src 'unsafe-eval'"},
		{"6.3.1", "base-uri 'self'", Request{Activity: BaseURI, URL: script.URL}, "no-match base-uri"},
		{"6.4.1", "form-action b.example", Request{Activity: FormAction, URL: script.URL}, "url form-action b.example"},
		{"6.4.2", "frame-ancestors 'self'", Request{Activity: FrameAncestor, URL: mustURL(t, "https://a.example")}, "url frame-ancestors 'self'"},
		{"6.4.2", "frame-ancestors 'none'", Request{Activity: FrameAncestor, URL: mustURL(t, "https://a.example")}, "none frame-ancestors"},
		{"6.4.2.1 6.2", "frame-ancestors b.example/x/", Request{Activity: FrameAncestor, URL: mustURL(t, "https://b.example/x/y")}, "no-match frame-ancestors"},
		{"6.4.2.1 6.2", "frame-ancestors b.example", Request{Activity: FrameAncestor, URL: mustURL(t, "https://b.example/x/y")}, "url frame-ancestors b.example"},
		{"6.4.2.1, opaque", "frame-ancestors * 'self'", Request{Activity: FrameAncestor}, "no-match frame-ancestors"},
		{"4.2.5, about:", "frame-src 'none'", Request{Activity: Frame, URL: mustURL(t, "about:blank")}, "local-url frame-src"},
		// 6.7.2.2 hints
		{"6.7.2.2", "default-src 'none'; img-src b.example", Request{Activity: Prefetch, URL: script.URL}, "url img-src b.example"},
		{"6.7.2.2", "default-src 'none'; img-src c.example", Request{Activity: Prefetch, URL: script.URL}, "none default-src"},
		{"6.7.2.2", "default-src a.example; img-src c.example", Request{Activity: Prefetch, URL: script.URL}, "no-match default-src"},
		{"6.7.2.2", "img-src c.example", Request{Activity: Prefetch, URL: script.URL}, "no-directive"},
		// 6.7.2.3 nonces
		{"6.7.2.3", "script-src 'nonce-abc'", with(script, func(r *Request) { r.Nonce = "abc" }), "nonce script-src 'nonce-abc'"},
		{"6.7.2.3", "script-src 'nonce-abc'", with(script, func(r *Request) { r.Nonce = " abc\n" }), "nonce script-src 'nonce-abc'"},
		{"6.7.2.3", "script-src 'nonce-abc'", with(script, func(r *Request) { r.Nonce = "ABC" }), "no-match script-src"},
		{"6.7.2.3", "script-src 'nonce-a+b'", with(script, func(r *Request) { r.Nonce = "a-b" }), "no-match script-src"},
		{"6.1.14.1", "style-src 'nonce-abc'", Request{Activity: Style, URL: script.URL, Nonce: "abc"}, "nonce style-src 'nonce-abc'"},
		{"6.1.7", "img-src 'nonce-abc'", Request{Activity: Image, URL: script.URL, Nonce: "abc"}, "no-match img-src"},
		// 6.7.2.4 integrity
		{"6.7.2.4", "script-src " + alertHash, with(script, func(r *Request) { r.Integrity = alertHash[1 : len(alertHash)-1] }), "integrity script-src " + alertHash},
		{"6.7.2.4", "script-src " + alertHashURL, with(script, func(r *Request) { r.Integrity = " x-y " + alertHash[1:len(alertHash)-1] + "?o" }), "integrity script-src " + alertHashURL},
		{"6.7.2.4 6", "script-src " + alertHash, with(script, func(r *Request) {
			r.Integrity = alertHash[1:len(alertHash)-1] + " sha384-" + strings.Repeat("a", 64)
		}), "no-match script-src"},
		{"6.7.2.4 5", "script-src " + alertHash, with(script, func(r *Request) { r.Integrity = "md5-x" }), "no-match script-src"},
		// 6.7.1.1 strict-dynamic
		{"6.7.1.1 1.3", "script-src 'strict-dynamic' 'nonce-abc' b.example", script, "strict-dynamic-needs-nonce-or-hash script-src"},
		{"6.7.1.1 1.3", "script-src 'strict-dynamic' 'nonce-abc'", with(script, func(r *Request) { r.ParserInserted = false }), "strict-dynamic script-src 'strict-dynamic'"},
		{"6.7.1.1 1.1", "script-src 'strict-dynamic' 'nonce-abc'", with(script, func(r *Request) { r.Nonce = "abc" }), "nonce script-src 'nonce-abc'"},
		{"6.7.1.1", "style-src 'strict-dynamic' b.example", Request{Activity: Style, URL: script.URL}, "url style-src b.example"},
		{"6.7.3.3 5.2.1", "script-src 'strict-dynamic'", with(inline, func(r *Request) { r.ParserInserted = false }), "strict-dynamic script-src 'strict-dynamic'"},
		{"6.7.3.3 5.2.1", "script-src 'strict-dynamic'", inline, "no-match script-src"},
		// 6.7.3.2 'unsafe-inline'
		{"6.7.3.2", "script-src 'unsafe-inline'", inline, "keyword script-src 'unsafe-inline'"},
		{"6.7.3.2 2.1", "script-src 'unsafe-inline' 'nonce-abc'", inline, "no-match script-src"},
		{"6.7.3.2 2.1", "script-src 'unsafe-inline' 'sha256-abc'", inline, "no-match script-src"},
		{"6.7.3.2 2.2", "script-src 'unsafe-inline' 'strict-dynamic'", inline, "no-match script-src"},
		{"6.7.3.2 2.2", "style-src 'unsafe-inline' 'strict-dynamic'", Request{Activity: InlineStyle}, "keyword style-src 'unsafe-inline'"},
		{"6.7.3.2", "default-src 'UNSAFE-inline'", Request{Activity: StyleAttr}, "keyword default-src 'UNSAFE-inline'"},
		// 6.7.3.3 inline
		{"6.7.3.3 2", "script-src 'nonce-abc'", with(inline, func(r *Request) { r.Nonce = "abc" }), "nonce script-src 'nonce-abc'"},
		{"6.7.3.3 2", "script-src 'nonce-abc'", Request{Activity: ScriptAttr, Nonce: "abc"}, "no-match script-src"},
		{"6.7.3.3 5", "script-src " + alertHash, inline, "hash script-src " + alertHash},
		{"6.7.3.3 5.2.2.5.2", "script-src " + alertHashURL, inline, "hash script-src " + alertHashURL},
		{"6.7.3.3 5", "script-src " + alertHash, with(inline, func(r *Request) { r.Content = []byte("alert(1) ") }), "no-match script-src"},
		{"6.7.3.3 5", "script-src " + alertHash, with(inline, func(r *Request) { r.Activity = ScriptAttr }), "no-match script-src"},
		{"6.7.3.3 5", "script-src 'unsafe-hashes' " + alertHash, with(inline, func(r *Request) { r.Activity = ScriptAttr }), "hash script-src " + alertHash},
		{"6.7.3.3 5", "script-src 'unsafe-hashes' " + alertHash, with(inline, func(r *Request) { r.Activity = JavaScriptURL }), "no-match script-src"},
		{"4.2.4 3, hash of the URL", "script-src 'unsafe-hashes' " + urlHash, with(inline, func(r *Request) { r.Activity = JavaScriptURL }), "hash script-src " + urlHash},
		{"4.2.4 3, hash of the URL", "script-src 'unsafe-hashes' " + urlHash, Request{Activity: JavaScriptURL, Content: []byte("JavaScript:alert(1)")}, "hash script-src " + urlHash},
		{"4.2.4 3", "script-src " + urlHash, with(inline, func(r *Request) { r.Activity = JavaScriptURL }), "no-match script-src"},
		{"Trusted Types", "require-trusted-types-for 'script'", Request{Activity: JavaScriptURL}, "trusted-types require-trusted-types-for"},
		{"Trusted Types", "script-src 'self'; require-trusted-types-for 'script'", Request{Activity: JavaScriptURL}, "no-match script-src"},
		{"Chromium, object", "object-src *; frame-src 'none'", Request{Activity: Object, URL: script.URL}, "url object-src *"},
		{"Chromium, object", "object-src *; frame-src 'none'", Request{Activity: Object, URL: script.URL, Document: true}, "none frame-src"},
		{"Chromium, default-src", "default-src 'unsafe-inline' 'strict-dynamic'", Request{Activity: InlineStyle}, "no-match default-src"},
		{"Chromium, prefetch", "default-src 'strict-dynamic'", Request{Activity: Prefetch, URL: script.URL, ParserInserted: true}, "strict-dynamic default-src 'strict-dynamic'"},
		{"speculation", "default-src 'inline-speculation-rules'", Request{Activity: SpeculationRules, ParserInserted: true}, "no-match default-src"},
		{"speculation", "script-src 'strict-dynamic'", Request{Activity: SpeculationRules}, "strict-dynamic script-src 'strict-dynamic'"},
		{"speculation", "script-src 'inline-speculation-rules'", Request{Activity: SpeculationRules}, "keyword script-src 'inline-speculation-rules'"},
		// 4.5.1, 4.6.1
		{"4.5.1", "default-src 'self'", Request{Activity: Eval}, "no-match default-src"},
		{"4.5.1", "img-src 'self'", Request{Activity: Eval}, "no-directive"},
		{"4.5.1", "script-src 'trusted-types-eval'", Request{Activity: Eval}, "no-match script-src"},
		{"4.5.1", "script-src 'trusted-types-eval'; require-trusted-types-for 'script'", Request{Activity: Eval, Trusted: true}, "keyword script-src 'trusted-types-eval'"},
		{"4.5.1", "script-src 'unsafe-eval'; require-trusted-types-for 'script'", Request{Activity: Eval}, "trusted-types require-trusted-types-for"},
		{"4.6.1", "script-src 'wasm-unsafe-eval'", Request{Activity: WasmEval}, "keyword script-src 'wasm-unsafe-eval'"},
		{"4.6.1", "script-src 'wasm-unsafe-eval'", Request{Activity: Eval}, "no-match script-src"},
		{"4.6.1", "script-src 'unsafe-eval'", Request{Activity: WasmEval}, "keyword script-src 'unsafe-eval'"},
		// 6.7.2.7
		{"6.7.2.7 2", "script-src", script, "none script-src"},
		{"6.7.2.7 3", "script-src 'NONE'", script, "none script-src"},
		{"6.7.2.7 3", "script-src 'none' b.example", script, "url script-src b.example"},
		{"", "script-src *", Request{}, "unknown-activity"},
	} {
		p, _ := Parse(tc.policy)
		r := tc.r
		r.Self = page
		d, steps := p.Explain(&r)
		got := strings.TrimSpace(strings.Join([]string{string(d.Reason), d.Directive, d.Expression}, " "))
		if strings.Join(strings.Fields(got), " ") != tc.want {
			t.Errorf("%s: %s: %v: got %s, want %s", tc.section, tc.policy, r.Activity, got, tc.want)
		}
		if fast := p.Decide(&r); fast != d {
			t.Errorf("%s: Decide says %+v, Explain %+v", tc.policy, fast, d)
		}
		if d.Reason == NoMatch && r.Activity != Prefetch && len(steps) == 0 {
			t.Errorf("%s: no steps for %v", tc.policy, r.Activity)
		}
	}
}

func TestHashSource(t *testing.T) {
	if got := HashSource(SHA256, []byte("alert(1)")).Text(); got != alertHash {
		t.Errorf("got %s", got)
	}
	for a := SHA256; a <= SHA512; a++ {
		p, _ := Parse("script-src " + HashSource(a, []byte("x")).Text())
		if d := p.Decide(&Request{Activity: InlineScript, Content: []byte("x")}); !d.Allowed {
			t.Errorf("%v does not match itself", a)
		}
	}
	if s := HashSource(NoHash, nil); s.Text() != "" {
		t.Errorf("got %s", s.Text())
	}
}

// TestPolicies: a list is an intersection (CSP3 8.1), report-only never blocks.
func TestPolicies(t *testing.T) {
	parse := func(s string) List { l, _ := ParseList(s); return l }
	r := Request{Activity: Image, Self: Origin{Scheme: "https", Host: "a.example"}, URL: mustURL(t, "http://b.example/")}
	for _, tc := range []struct {
		enforce, report  string
		allowed, upgrade bool
		deciding         string
	}{
		{"", "", true, false, ""},
		{"img-src *", "", true, false, "img-src"},
		{"img-src *, img-src c.example", "", false, false, "img-src"},
		{"script-src 'none', default-src http:", "", true, false, "default-src"},
		{"img-src *", "img-src 'none'", true, false, "img-src"},
		{"", "img-src 'none'", true, false, "img-src"},
		{"img-src https:", "", false, false, "img-src"},
		{"img-src https:, upgrade-insecure-requests", "", true, true, "img-src"},
		{"img-src *", "upgrade-insecure-requests", true, false, "img-src"},
	} {
		e := Policies{parse(tc.enforce), parse(tc.report)}.Explain(&r)
		d, _ := e.Deciding()
		if e.Allowed != tc.allowed || e.Upgraded != tc.upgrade || d.Directive != tc.deciding {
			t.Errorf("%s | %s: allowed %v, upgraded %v, by %q", tc.enforce, tc.report, e.Allowed, e.Upgraded, d.Directive)
		}
	}
	e := Policies{parse("upgrade-insecure-requests; img-src *"), parse("img-src https:")}.Explain(&r)
	if e.Decisions[1].Allowed {
		t.Error("the reporting policy saw the upgraded URL")
	}
}

func TestSentence(t *testing.T) {
	p, _ := Parse("default-src 'self'")
	r := Request{Activity: Image, Self: Origin{Scheme: "https", Host: "a.example"}, URL: mustURL(t, "https://b.example/")}
	if got := p.Decide(&r).Sentence(); got != "blocked by default-src (for want of img-src); no expression matches" {
		t.Error(got)
	}
	r.URL.Host = "a.example"
	if got := p.Decide(&r).Sentence(); got != "allowed by default-src (for want of img-src), 'self'; the URL matches" {
		t.Error(got)
	}
}

// TestSteps: what became of each expression.
func TestSteps(t *testing.T) {
	for _, tc := range []struct {
		policy string
		r      Request
		want   []Outcome
	}{
		{"script-src 'nonce-abc' " + alertHash + " https://b.example 'unsafe-inline' 'self' what?", Request{Activity: Script, URL: mustURL(t, "https://c.example/")},
			[]Outcome{OtherNonce, NoIntegrity, OtherHost, NotApplicable, OtherOrigin, NotUnderstood}},
		{"img-src 'nonce-abc' http: https://b.example:1 https://c.example/x 'none' *", Request{Activity: Image, URL: mustURL(t, "https://c.example/")},
			[]Outcome{NotApplicable, Matched}},
		{"img-src https://b.example ws: c.example:1 https://c.example:1 https://c.example/x 'none'", Request{Activity: Image, URL: mustURL(t, "https://c.example/")},
			[]Outcome{OtherHost, OtherScheme, OtherScheme, OtherPort, OtherPath, IgnoredNone}},
		{"script-src 'strict-dynamic' 'self' 'nonce-abc' 'sha256-abc' 'unsafe-eval'", Request{Activity: Script, ParserInserted: true},
			[]Outcome{ParserInserted, Silenced, OtherNonce, NoIntegrity, NotApplicable}},
		{"script-src 'unsafe-inline' 'nonce-abc' 'sha256-abc' 'none'", Request{Activity: ScriptAttr}, []Outcome{Silenced, NoNonceHere, NeedUnsafeHashes, IgnoredNone}},
		{"script-src 'strict-dynamic' 'sha256-abc'", Request{Activity: InlineScript, ParserInserted: true}, []Outcome{ParserInserted, OtherHash}},
		{"style-src 'none'", Request{Activity: InlineStyle}, []Outcome{NothingAllowed}},
		{"style-src 'none'", Request{Activity: Style}, []Outcome{NothingAllowed}},
	} {
		p, _ := Parse(tc.policy)
		_, steps := p.Explain(&tc.r)
		var got []Outcome
		for _, s := range steps {
			got = append(got, s.Outcome)
			if !strings.HasPrefix(tc.policy[s.Offset:], s.Expression) {
				t.Errorf("%s: %s is not at %d", tc.policy, s.Expression, s.Offset)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s, %v: %q, want %q", tc.policy, tc.r.Activity, got, tc.want)
		}
	}
}

func TestActivityNames(t *testing.T) {
	for a := NoActivity + 1; a < activityCount; a++ {
		if ActivityByName(a.String()) != a {
			t.Errorf("%d: %q", a, a)
		}
	}
	if ActivityByName("") != NoActivity || ActivityByName("x") != NoActivity || activityCount.String() != "" {
		t.Error("an unknown name has an activity")
	}
}

func BenchmarkDecide(b *testing.B) {
	p := mustParse(b, tenDirectives)
	r := Request{Activity: Connect, Self: Origin{Scheme: "https", Host: "a.example"}, URL: mustURL(b, "wss://live.example.com/socket")}
	b.ReportAllocs()
	for b.Loop() {
		if !p.Decide(&r).Allowed {
			b.Fatal("blocked")
		}
	}
}
