package e2e

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/core/csp"
)

// urls are addresses of all kinds. What is not there is refused by the machine,
// not by the policy.
var urls = []string{
	"http://a.localhost:HERE/dir/x.png", "http://a.localhost:OTHER/x.png", "http://b.localhost:HERE/dir/sub/x.png",
	"http://B.localhost:HERE/%64ir/x.png?q#f", "http://x.b.localhost:HERE/x.png", "http://b.localhost/x.png",
	"https://b.localhost/x.png", "https://b.localhost:HERE/x.png", "https://a.localhost:HERE/x.png", "https://a.localhost/x.png",
	"http://127.0.0.1:HERE/x.png", "http://localhost:HERE/x.png", "data:image/png,x", "/dir/%78.png", "/dir%2Fx.png",
}

func (m *matchSite) urlCases() {
	var steps []matchStep
	for _, u := range urls {
		steps = append(steps, matchStep{Activity: "img", URL: u})
	}
	for _, expression := range []string{
		"", "'none'", "'NONE' 'report-sample'", "'none' 'self'", "'self'", "'SELF'", "*", "*:*", "*:HERE", "http:", "https:", "HTTP:", "data:", "ws:",
		"a.localhost", "a.localhost:HERE", "a.localhost:*", "A.LOCALHOST:HERE/dir/", "*.localhost", "*.localhost:*", "*.b.localhost:HERE",
		"http://b.localhost", "http://b.localhost:80", "http://b.localhost:HERE", "https://b.localhost", "https://b.localhost:443", "https://b.localhost:*",
		"http://b.localhost:443", "http://*", "http://*:HERE", "https://*:*", "http://*:80", "b.localhost:HERE/dir", "b.localhost:HERE/dir/", "b.localhost:HERE/dir/x.png",
		"b.localhost:HERE/%64%69r/x.png", "a.localhost:HERE/dir/x.png", "a.localhost:HERE/dir%2Fx.png", "a.localhost:HERE/dir/x.png?q", "a.localhost:HERE/",
		"127.0.0.1:*", "localhost:*", "self none", "'nonce-abc'", "'unsafe-inline' 'strict-dynamic' http://b.localhost:HERE", "b.localhost.:HERE", "b.localhost:0HERE",
	} {
		m.add("img-src "+expression, steps...)
	}
}

// secureCases are for a page on https://localhost:HERE; OTHER speaks http.
func (m *matchSite) secureCases() {
	var steps []matchStep
	for _, u := range []string{
		"/x.gif", "https://localhost:HERE/x.gif", "http://localhost:HERE/x.gif", "https://localhost/x.gif", "http://localhost/x.gif",
		"http://localhost:OTHER/x.gif", "https://b.localhost/x.gif", "http://b.localhost:OTHER/x.gif", "https://b.localhost:OTHER/x.gif",
	} {
		steps = append(steps, matchStep{Activity: "img", URL: u}, matchStep{Activity: "connect", URL: u})
	}
	for _, u := range []string{"wss://localhost:HERE/", "ws://localhost:HERE/", "wss://localhost/", "wss://b.localhost/", "ws://b.localhost:OTHER/"} {
		steps = append(steps, matchStep{Activity: "connect", URL: u})
	}
	for _, expression := range []string{
		"'none'", "'self'", "*", "http:", "https:", "ws:", "wss:", "localhost", "localhost:HERE", "localhost:*", "*.localhost", "*.localhost:*",
		"http://localhost:HERE", "http://localhost:*", "http://localhost", "https://localhost", "https://localhost:*", "ws://localhost:*", "wss://localhost:*",
		"b.localhost", "b.localhost:OTHER", "http://b.localhost", "http://b.localhost:80", "http://b.localhost:443", "http://b.localhost:OTHER", "http://*:*",
	} {
		m.add("default-src "+expression, steps...)
	}
	m.add("default-src 'self'; upgrade-insecure-requests", steps...)
	m.add("default-src https:; upgrade-insecure-requests", steps...)
	for _, ancestors := range []string{"'self'", "localhost", "localhost:HERE", "http://localhost:HERE", "https:", "http:"} {
		m.add("frame-ancestors "+ancestors, matchStep{Activity: "frame-ancestor", URL: "https://localhost:HERE/"})
	}
}

func (m *matchSite) redirectCases() {
	steps := []matchStep{
		{Activity: "img", URL: "/redirect", target: "http://b.localhost:HERE/dir/x.png"},
		{Activity: "img", URL: "/redirect", target: "http://a.localhost:HERE/dir/x.png"},
		{Activity: "img", URL: "http://b.localhost:HERE/redirect", target: "http://a.localhost:OTHER/x.png"},
		{Activity: "connect", URL: "/redirect", target: "http://b.localhost:HERE/x.png"},
	}
	for _, expression := range []string{"'self'", "'self' b.localhost:HERE/other/", "a.localhost:HERE/redirect b.localhost:HERE/nothing", "a.localhost:HERE/else b.localhost:*", "*", "a.localhost:* b.localhost:HERE/redirect"} {
		m.add("default-src "+expression, steps...)
	}
}

// activitySteps try every activity that goes by URL, at home and abroad.
func activitySteps() []matchStep {
	var out []matchStep
	for _, a := range []string{"img", "script", "style", "font", "connect", "media", "object", "frame", "prefetch", "form-action", "base-uri"} {
		for _, u := range []string{"/x.", "http://b.localhost:HERE/x."} {
			out = append(out, matchStep{Activity: a, URL: u + map[string]string{"script": "js", "style": "css", "img": "gif"}[a]})
		}
	}
	return append(out, matchStep{Activity: "worker", URL: "/x.js"}, matchStep{Activity: "object", URL: "http://b.localhost:HERE/image.gif"}, matchStep{Activity: "worker", URL: "blob:http://a.localhost:HERE/1"},
		matchStep{Activity: "connect", URL: "ws://a.localhost:HERE/"}, matchStep{Activity: "connect", URL: "ws://b.localhost:HERE/"},
		matchStep{Activity: "connect", URL: "wss://a.localhost:HERE/"}, matchStep{Activity: "connect", URL: "wss://b.localhost:HERE/"},
		matchStep{Activity: "frame", URL: "data:text/html,x"}, matchStep{Activity: "frame", URL: "about:blank"})
}

func (m *matchSite) directiveCases() {
	for _, name := range []string{
		"default-src", "child-src", "connect-src", "font-src", "frame-src", "img-src", "media-src", "object-src", "script-src", "script-src-attr",
		"script-src-elem", "style-src", "style-src-attr", "style-src-elem", "worker-src", "base-uri", "form-action",
	} {
		m.add(name+" 'none'", activitySteps()...)
		if name == "default-src" || name == "child-src" || name == "script-src" || name == "object-src" {
			m.add(name+" 'self'", activitySteps()...)
		}
		m.add("default-src 'none'; "+name+" b.localhost:HERE", activitySteps()...)
	}
	for _, expression := range []string{"ws:", "wss:", "http:", "http://b.localhost:HERE", "ws://b.localhost:HERE", "wss://b.localhost:HERE", "https://b.localhost:HERE", "*", "data:", "blob:"} {
		m.add("default-src "+expression, slices.DeleteFunc(activitySteps(), func(s matchStep) bool {
			return !slices.Contains([]string{"img", "connect", "frame", "worker"}, s.Activity)
		})...)
	}
	m.add("child-src 'self'; worker-src 'none'", activitySteps()...)
	m.add("child-src 'none'; script-src 'self'", activitySteps()...)
	m.add("worker-src 'strict-dynamic'", activitySteps()...)
	m.add("script-src 'strict-dynamic' 'nonce-abc'", activitySteps()...)
	m.add("default-src 'strict-dynamic' 'nonce-abc'", activitySteps()...)
	for _, ancestors := range []string{"'none'", "'self'", "b.localhost:HERE", "*.localhost:HERE", "http:", "https:", "*", "a.localhost:OTHER", "a.localhost:HERE/x/", "data:"} {
		m.add("frame-ancestors "+ancestors, matchStep{Activity: "frame-ancestor", URL: "http://a.localhost:HERE/"})
	}
}

// inlineCodes are the contents whose hashes policies list.
const (
	inlineCode  = "self.ran = 1"
	inlineStyle = "color: red"
)

func inlineSteps() []matchStep {
	return []matchStep{
		{Activity: "inline-script", Content: inlineCode},
		{Activity: "inline-script", Content: inlineCode, Nonce: "abc"},
		{Activity: "inline-script", Content: inlineCode + ";"},
		{Activity: "inline-style", Content: inlineStyle},
		{Activity: "inline-style", Content: inlineStyle, Nonce: "abc"},
		{Activity: "script-attr", Content: inlineCode},
		{Activity: "style-attr", Content: inlineStyle},
		{Activity: "javascript-url", Content: inlineCode},
		{Activity: "speculation-rules", Content: "{}"},
		{Activity: "eval"},
		{Activity: "wasm-eval"},
		{Activity: "inline-script", Content: inlineCode, Markup: true},
	}
}

func (m *matchSite) inlineCases() {
	hash := func(a csp.HashAlgorithm, code string) string { return csp.HashSource(a, []byte(code)).Text() }
	urlSafe := strings.NewReplacer("+", "-", "/", "_", "=", "").Replace
	lists := []string{
		"", "'none'", "'self'", "'unsafe-inline'", "'UNSAFE-INLINE'", "'unsafe-inline' 'nonce-abc'", "'nonce-abc'", "'NONCE-abc'", "'nonce-ABC'", "'nonce-xyz' 'nonce-abc'",
		"'unsafe-inline' 'sha256-abc'", "'unsafe-inline' 'strict-dynamic'", "'strict-dynamic'", "'unsafe-hashes'", "'unsafe-eval'", "'wasm-unsafe-eval'", "'trusted-types-eval'",
		"'inline-speculation-rules'", "'unsafe-inline' 'unsafe-hashes'", "unsafe-inline", "'unsafe-inline' 'nonce-'", "'unsafe-inline' 'report-sha256'", "'none' 'unsafe-inline'",
	}
	for a := csp.SHA256; a <= csp.SHA512; a++ {
		lists = append(lists, hash(a, inlineCode)+" "+hash(a, inlineStyle), "'unsafe-hashes' "+hash(a, inlineCode)+" "+hash(a, inlineStyle), "'unsafe-hashes' "+hash(a, "javascript:"+inlineCode), "'unsafe-hashes' "+hash(a, "javascript:"+strings.ReplaceAll(inlineCode, " ", "%20")), urlSafe(hash(a, inlineCode)))
	}
	lists = append(lists, "'sha-256-"+hash(csp.SHA256, inlineCode)[len("'sha256-"):], strings.ToUpper("'sha256-")+hash(csp.SHA256, inlineCode)[len("'sha256-"):])
	for i, l := range lists {
		if i%3 == 0 || strings.Contains(l, "strict-dynamic") || strings.Contains(l, "speculation") {
			m.add("default-src "+l, inlineSteps()...)
		}
		m.add("script-src "+l+"; style-src "+l, inlineSteps()...)
	}
	for _, p := range []string{
		"script-src-elem 'unsafe-inline'; script-src 'none'", "script-src-attr 'unsafe-inline'; default-src 'none'", "style-src-elem 'unsafe-inline'; default-src 'none'",
		"style-src-attr 'unsafe-inline'; style-src 'none'", "script-src-elem 'unsafe-eval'; script-src 'none'", "script-src 'unsafe-eval'; default-src 'none'", "img-src 'none'",
		"require-trusted-types-for 'script'", "script-src 'unsafe-eval'; require-trusted-types-for 'script'", "script-src 'none' \x01; style-src \u00e9 'none'; style-src 'none'",
		"script-src 'self'; script-src 'unsafe-inline'",
	} {
		m.add(p, inlineEvalSteps(p)...)
	}
}

// inlineEvalSteps leaves out what Trusted Types stop before the policy is asked.
func inlineEvalSteps(policy string) []matchStep {
	return slices.DeleteFunc(inlineSteps(), func(s matchStep) bool {
		return strings.Contains(policy, "trusted-types-for") && (s.Activity == "inline-script" && !s.Markup || s.Activity == "script-attr" || s.Activity == "speculation-rules")
	})
}

func (m *matchSite) scriptCases() {
	integrity := func(a csp.HashAlgorithm) string {
		return strings.Trim(csp.HashSource(a, []byte(matchScript)).Text(), "'")
	}
	both := integrity(csp.SHA256) + " " + integrity(csp.SHA384)
	remote := "http://b.localhost:HERE/x.js"
	for _, l := range []string{
		"'none'", "'self'", "b.localhost:HERE", "'nonce-abc'", "'strict-dynamic'", "'strict-dynamic' b.localhost:HERE", "'strict-dynamic' 'nonce-abc'",
		"'" + integrity(csp.SHA256) + "'", "'" + integrity(csp.SHA384) + "'", "'" + integrity(csp.SHA256) + "' '" + integrity(csp.SHA384) + "'",
		"'strict-dynamic' '" + integrity(csp.SHA256) + "'", "'unsafe-inline'", "*",
	} {
		for _, s := range []matchStep{{URL: remote}, {URL: "/x.js"}, {URL: remote, Nonce: "abc"}, {URL: remote, Nonce: "xyz"}, {URL: remote, Nonce: " abc "},
			{URL: remote, Integrity: integrity(csp.SHA256)}, {URL: remote, Integrity: both}, {URL: remote, Integrity: integrity(csp.SHA256) + " unknown-x"}} {
			s.Activity = "script"
			inserted := s
			s.Markup = true
			m.add("script-src "+l, s)
			m.add("script-src-elem "+l+"; script-src 'none'", inserted)
		}
	}
	for _, l := range []string{"'none'", "'nonce-abc'", "'strict-dynamic'", "b.localhost:HERE 'strict-dynamic'"} {
		m.add("style-src "+l, matchStep{Activity: "style", URL: "http://b.localhost:HERE/x.css"}, matchStep{Activity: "style", URL: "http://b.localhost:HERE/x.css", Nonce: "abc"})
	}
}

// listCases: several policies, by commas and by headers.
func (m *matchSite) listCases() {
	steps := append(activitySteps(), inlineSteps()...)
	m.addAll([]string{"default-src 'self', img-src *"}, steps...)
	m.addAll([]string{"default-src 'self'", "default-src b.localhost:HERE"}, steps...)
	m.addAll([]string{"img-src 'self'", "script-src 'unsafe-inline'", ";, ,"}, steps...)
	m.addAll([]string{"upgrade-insecure-requests; img-src http://b.localhost:HERE", "connect-src https:"}, steps...)
}

// randomCases puts policies together by chance. The seed is fixed, so that a
// failure comes again.
func (m *matchSite) randomCases(t *testing.T) {
	const seed = 20261120
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	names := []string{"default-src", "script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem", "img-src", "connect-src", "frame-src", "child-src", "worker-src", "font-src", "object-src", "form-action", "base-uri"}
	sources := []string{"'self'", "'none'", "*", "http:", "https:", "data:", "blob:", "b.localhost:HERE", "*.localhost:HERE", "a.localhost:*", "'unsafe-inline'", "'unsafe-eval'", "'nonce-abc'", "'strict-dynamic'", "'unsafe-hashes'",
		csp.HashSource(csp.SHA256, []byte(inlineCode)).Text()}
	all := append(activitySteps(), inlineSteps()...)
	for range 40 {
		var policy []string
		for range 1 + rnd.IntN(4) {
			d := names[rnd.IntN(len(names))]
			for range rnd.IntN(4) {
				d += " " + sources[rnd.IntN(len(sources))]
			}
			policy = append(policy, d)
		}
		var steps []matchStep
		for range 8 {
			if s := all[rnd.IntN(len(all))]; !s.Markup {
				steps = append(steps, s)
			}
		}
		m.add(strings.Join(policy, "; "), steps...)
	}
}
