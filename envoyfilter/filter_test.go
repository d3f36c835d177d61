package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/core/session"
	"github.com/edgecsp/edgecsp/wasmtest"
	"github.com/google/go-cmp/cmp"
)

const secret = "a secret of the shop, only for tests"

const config = `{"site": "shop", "secret_env": "EDGECSP_SECRET", "routes": [
 {"match": {"prefix": "/off"}, "exempt": true},
 {"match": {"prefix": "/app"}, "trust": "upstream", "enforce": {"script-src": ["'self'"], "style-src": ["'self'"]}},
 {"match": {"prefix": "/plain"}, "trust": "upstream", "enforce": {"script-src": ["'none'"]}},
 {"match": {"prefix": "/two"}, "trust": "upstream", "enforce": "script-src 'self'", "report_only": ["script-src 'none'", "img-src 'self'"]},
 {"match": {"prefix": "/force"}, "trust": "all", "insecure_trust_all": true, "enforce": "script-src 'self'"},
 {"match": {"prefix": "/old"}, "trust": "inventory", "enforce": "script-src 'self'", "approved": ["sha256-Q/AXd3qmS6Qn7Mz/w8j0s+b3PXaM6t3gNKjFiV7qTXU="]},
 {"match": {"prefix": "/"}, "report_only": {"default-src": ["'self'"]}}]}`

var environment = map[string]string{"EDGECSP_SECRET": secret}

// exchange is a request through the filter and the upstream's answer.
type exchange struct {
	path     string
	request  wasmtest.Header // beside the defaults of get
	response wasmtest.Header // beside the defaults of page
	body     string
	chunk    int // bytes a chunk; 0 is whole
	trailers bool
	noBody   bool
	untyped  bool // the answer has no content type
}

// answer is what came of it.
type answer struct {
	upstream wasmtest.Header // the request as the upstream saw it
	header   wasmtest.Header
	body     string
}

func (a answer) csp() []string        { return a.header.Values("content-security-policy") }
func (a answer) reportOnly() []string { return a.header.Values("content-security-policy-report-only") }

// with returns defaults with the headers of h in their place.
func with(defaults, h wasmtest.Header) wasmtest.Header {
	out := append(wasmtest.Header(nil), h...)
	for _, kv := range defaults {
		if _, ok := h.Get(kv[0]); !ok {
			out = append(out, kv)
		}
	}
	return out
}

func send(t testing.TB, p running, x exchange) answer {
	t.Helper()
	a, err := try(p, x)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func try(p running, x exchange) (a answer, err error) {
	s, err := p.newStream()
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, s.Done()) }()
	get := wasmtest.Header{{":method", "GET"}, {":scheme", "http"}, {":authority", "shop.example"}, {":path", x.path},
		{"accept", "text/html,*/*"}, {"sec-fetch-dest", "document"}, {"accept-encoding", "gzip"}}
	if a.upstream, err = s.Request(with(get, x.request), true); err != nil {
		return a, err
	}
	page := wasmtest.Header{{":status", "200"}}
	if !x.untyped {
		page = append(page, [2]string{"content-type", "text/html; charset=utf-8"})
	}
	if a.header, err = s.Response(with(page, x.response), x.noBody); err != nil || x.noBody {
		return a, err
	}
	for body := []byte(x.body); ; {
		n := x.chunk
		if n == 0 || n > len(body) {
			n = len(body)
		}
		last := n == len(body)
		if _, err = s.Body(body[:n], last && !x.trailers); err != nil {
			return a, err
		}
		if body = body[n:]; last {
			break
		}
	}
	if x.trailers {
		_, err = s.Trailers(wasmtest.Header{{"x-checksum", "1"}})
	}
	a.body = string(s.Sent())
	return a, err
}

func mustStart(t testing.TB, start func(testing.TB, setup) (running, error)) running {
	t.Helper()
	p, err := start(t, setup{config: config, env: environment})
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(*p.logged, "\n"))
	}
	return p
}

var nonceIn = regexp.MustCompile(`'nonce-([A-Za-z0-9_-]{24})'`)

var nonceStamp = regexp.MustCompile(` nonce="[A-Za-z0-9_-]{24}"`)

func nonceOf(t testing.TB, policy string) string {
	t.Helper()
	m := nonceIn.FindStringSubmatch(policy)
	if m == nil {
		t.Fatalf("no nonce in %q", policy)
	}
	return m[1]
}

var reportIn = regexp.MustCompile(`report-uri /csp/report/csp/(\S{59})(;|$)`)

// claimsOf verifies the token in a policy's report URL.
func claimsOf(t testing.TB, policy string) session.Claims {
	t.Helper()
	m := reportIn.FindStringSubmatch(policy)
	if m == nil {
		t.Fatalf("no report URL in %q", policy)
	}
	v, err := session.NewVerifier("shop", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Verify(m[1], time.Now())
	if err != nil {
		t.Fatalf("the token of %q: %v", policy, err)
	}
	return c
}

// The page whose tokenizing a search-and-replace gets wrong.
const hardPage = `<!doctype html><html><head><meta charset=utf-8><title>a<script>b</title>
<!-- <script>no</script> --><style>p{}</style><link rel=stylesheet href=/a.css><link rel=icon href=/i>
</head><body title="<script>"><textarea><script></textarea><SCRIPT src=/x.js nonce=old></SCRIPT>
<script>s = "<script>"; t = '</p>';</script><p onclick="<script>">x</p></body></html>`

func hardPageStamped(nonce string) string {
	n := ` nonce="` + nonce + `"`
	return strings.NewReplacer("<style>", "<style"+n+">", "<link rel=stylesheet", "<link"+n+" rel=stylesheet",
		"<SCRIPT src=/x.js nonce=old>", "<SCRIPT src=/x.js"+n+">", "<script>s", "<script"+n+">s").Replace(hardPage)
}

// attributes puts a nonce where it stands in a tag into one order, so that the
// test does not care where in the tag the rewriter writes it.
var nonceAttribute = regexp.MustCompile(`(<[A-Za-z]+)([^<>]*?)( nonce="[^"]*")([^<>]*>)`)

func normal(page string) string { return nonceAttribute.ReplaceAllString(page, "$1$3$2$4") }

func TestPageAtEveryChunkSize(t *testing.T) {
	both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
		p := mustStart(t, start)
		seen := map[string]bool{}
		for chunk := range len(hardPage) + 1 {
			for _, trailers := range []bool{false, true} {
				a := send(t, p, exchange{path: "/", body: hardPage, chunk: chunk, trailers: trailers})
				nonce := nonceOf(t, a.reportOnly()[0])
				if seen[nonce] {
					t.Fatalf("nonce %s came twice", nonce)
				}
				seen[nonce] = true
				if diff := cmp.Diff(normal(hardPageStamped(nonce)), normal(a.body)); diff != "" {
					t.Fatalf("chunks of %d, trailers %v (-want +got):\n%s", chunk, trailers, diff)
				}
			}
		}
		if got, want := p.metric("edgecsp_tags_stamped"), uint64(4*len(seen)); got != want {
			t.Errorf("counted %d stamped tags, want %d", got, want)
		}
		if got := p.metric("edgecsp_pages"); got != uint64(len(seen)) {
			t.Errorf("counted %d pages, want %d", got, len(seen))
		}
	})
}

func TestReportOnlyPage(t *testing.T) {
	both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
		a := send(t, mustStart(t, start), exchange{path: "/", body: "<script>1</script>", response: wasmtest.Header{
			{"content-length", "18"}, {"etag", `"strong"`}, {"last-modified", "x"}, {"cache-control", "public, max-age=60, s-maxage=9"}, {"x-kept", "1"}, {"set-cookie", "a=1"}, {"set-cookie", "b=2"}}})
		if len(a.csp()) != 0 || len(a.reportOnly()) != 1 {
			t.Fatalf("policies %q, %q", a.csp(), a.reportOnly())
		}
		c := claimsOf(t, a.reportOnly()[0])
		if c.Enforced || c.Kind != session.PageView || c.Session == (session.ID{}) || c.PolicyVersion == 0 {
			t.Errorf("claims %+v", c)
		}
		if strings.Contains(a.reportOnly()[0], "report-to") || len(a.header.Values("reporting-endpoints")) != 0 {
			t.Errorf("on http report-to silences report-uri: %v", a.header)
		}
		for _, gone := range []string{"content-length", "etag", "last-modified"} {
			if v := a.header.Values(gone); v != nil {
				t.Errorf("%s: %q is left", gone, v)
			}
		}
		if got := a.header.Values("cache-control"); !cmp.Equal(got, []string{"max-age=60, private"}) {
			t.Errorf("cache-control %q", got)
		}
		if got := a.header.Values("set-cookie"); !cmp.Equal(got, []string{"a=1", "b=2"}) {
			t.Errorf("set-cookie %q", got)
		}
		if got, _ := a.upstream.Get("accept-encoding"); got != "identity" {
			t.Errorf("the upstream is asked for %q", got)
		}
		if got := a.upstream.Values("x-csp-nonce"); got != nil {
			t.Errorf("the nonce goes upstream without need: %q", got)
		}
	})
}

func TestReportToOnlyOnHTTPS(t *testing.T) {
	both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
		p := mustStart(t, start)
		a := send(t, p, exchange{path: "/two", body: "x", request: wasmtest.Header{{":scheme", "http"}, {"x-forwarded-proto", "https"}}})
		if len(a.csp()) != 1 || len(a.reportOnly()) != 2 {
			t.Fatalf("policies %q, %q", a.csp(), a.reportOnly())
		}
		endpoints := a.header.Values("reporting-endpoints")
		for _, c := range []struct {
			policy, group string
			enforced      bool
		}{{a.csp()[0], "edgecsp", true}, {a.reportOnly()[0], "edgecsp-report-only", false}, {a.reportOnly()[1], "edgecsp-report-only", false}} {
			if !strings.HasSuffix(c.policy, "; report-to "+c.group) {
				t.Errorf("%q does not report to %s", c.policy, c.group)
			}
			claims := claimsOf(t, c.policy)
			if claims.Enforced != c.enforced {
				t.Errorf("%q: the token says enforced=%v", c.policy, claims.Enforced)
			}
			token := reportIn.FindStringSubmatch(c.policy)[1]
			if want := c.group + `="/csp/report/csp/` + token + `"`; strings.Count(strings.Join(endpoints, ", "), want) != 1 {
				t.Errorf("%q does not hold %s once", endpoints, want)
			}
		}
		// The proxy's word about the scheme counts, not the client's.
		a = send(t, p, exchange{path: "/two", body: "x", request: wasmtest.Header{{":scheme", "https"}, {"x-forwarded-proto", "http"}}})
		if got := a.header.Values("reporting-endpoints"); got != nil {
			t.Errorf("on http: %q", got)
		}
	})
}

func TestUpstreamTrust(t *testing.T) {
	both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
		p := mustStart(t, start)
		s, err := p.newStream()
		if err != nil {
			t.Fatal(err)
		}
		up, err := s.Request(wasmtest.Header{{":method", "POST"}, {":path", "/app?q=1"}, {":authority", "a"}, {"sec-fetch-dest", "document"},
			{"x-csp-nonce", "attacker"}, {"content-security-policy", "script-src 'nonce-attacker'"}, {"x-csp-nonce", "again"}}, true)
		if err != nil {
			t.Fatal(err)
		}
		nonce := up.Values("x-csp-nonce")
		if len(nonce) != 1 || len(nonce[0]) != 24 || up.Values("content-security-policy") != nil {
			t.Fatalf("the upstream gets %v", up)
		}
		h, err := s.Response(wasmtest.Header{{":status", "200"}, {"content-type", "TEXT/HTML"}}, false)
		if err != nil {
			t.Fatal(err)
		}
		policy, _ := h.Get("content-security-policy")
		if got := nonceOf(t, policy); got != nonce[0] {
			t.Errorf("the policy has nonce %s, the application got %s", got, nonce[0])
		}
		page := `<script nonce="` + nonce[0] + `">mine</script><script>injected</script><script nonce=guess>injected</script>`
		if _, err := s.Body([]byte(page), true); err != nil {
			t.Fatal(err)
		}
		if got := string(s.Sent()); got != page {
			t.Errorf("the page changed: %s", got)
		}
		if err := s.Done(); err != nil {
			t.Fatal(err)
		}
		if got := p.metric("edgecsp_tags_foreign_nonce"); got != 1 {
			t.Errorf("counted %d tags with another nonce", got)
		}
	})
}

func TestInventoryTrust(t *testing.T) {
	both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
		a := send(t, mustStart(t, start), exchange{path: "/old", body: `<script>known()</script><script>injected()</script>`, chunk: 7})
		n := nonceOf(t, a.csp()[0])
		if want := `<script nonce="` + n + `">known()</script><script>injected()</script>`; a.body != want {
			t.Errorf("got %s\nwant %s", a.body, want)
		}
	})
}

// What has no need of a nonce is left alone.
func TestUntouched(t *testing.T) {
	page := "<script>1</script>"
	for name, x := range map[string]exchange{
		"exempt":         {path: "/off", body: page},
		"collector":      {path: "/csp/result/x", body: page},
		"JSON":           {path: "/", body: page, response: wasmtest.Header{{"content-type", "application/json"}}},
		"lookalike type": {path: "/", body: page, response: wasmtest.Header{{"content-type", "text/html-x"}}},
		"not modified":   {path: "/", noBody: true, response: wasmtest.Header{{":status", "304"}}},
		"a script":       {path: "/", body: page, request: wasmtest.Header{{"sec-fetch-dest", "script"}}, response: wasmtest.Header{{"content-type", "text/javascript"}, {"etag", `"1"`}}},
	} {
		both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
			a := send(t, mustStart(t, start), x)
			if len(a.csp())+len(a.reportOnly()) != 0 {
				t.Errorf("%s: policies %q %q", name, a.csp(), a.reportOnly())
			}
			if a.body != x.body {
				t.Errorf("%s: body %q", name, a.body)
			}
			if name == "a script" && (a.header.Values("etag") == nil || a.upstream.Values("accept-encoding")[0] != "gzip") {
				t.Errorf("a script loses its caching or compression: %v, %v", a.upstream, a.header)
			}
		})
	}
}

// Conditions are dropped where a document is asked for, but never If-Match, and
// not of a method that changes something.
func TestConditions(t *testing.T) {
	conditions := wasmtest.Header{{"if-none-match", `"1"`}, {"if-modified-since", "x"}, {"if-range", "x"}, {"range", "bytes=1-"}, {"if-match", "x"}}
	for _, c := range []struct {
		name string
		more wasmtest.Header
		want []string
	}{
		{"document", nil, []string{"if-match"}},
		{"script", wasmtest.Header{{"sec-fetch-dest", "script"}}, []string{"if-none-match", "if-modified-since", "if-range", "range", "if-match"}},
		{"fetch", wasmtest.Header{{"sec-fetch-dest", "empty"}}, []string{"if-none-match", "if-modified-since", "if-range", "range", "if-match"}},
		{"prefetch", wasmtest.Header{{"sec-fetch-dest", "empty"}, {"sec-purpose", "prefetch"}}, []string{"if-match"}},
		{"old browser", wasmtest.Header{{"sec-fetch-dest", ""}}, []string{"if-match"}},
		{"PUT", wasmtest.Header{{":method", "PUT"}}, []string{"if-none-match", "if-modified-since", "if-range", "range", "if-match"}},
	} {
		both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
			a := send(t, mustStart(t, start), exchange{path: "/", request: append(c.more, conditions...), body: "x"})
			var got []string
			for _, kv := range a.upstream {
				if strings.HasPrefix(kv[0], "if-") || kv[0] == "range" {
					got = append(got, kv[0])
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		})
	}
}

// A page that cannot be rewritten is not broken by an enforced nonce.
func TestUnrewritable(t *testing.T) {
	for name, h := range map[string]wasmtest.Header{
		"encoded":      {{"content-encoding", "br"}},
		"partial":      {{":status", "206"}},
		"no_transform": {{"cache-control", "public, No-Transform"}},
	} {
		both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
			p := mustStart(t, start)
			h := append(wasmtest.Header{{"content-length", "1"}}, h...)
			a := send(t, p, exchange{path: "/force", body: "<script>", response: h})
			if a.body != "<script>" || a.header.Values("content-length") == nil {
				t.Errorf("%s: touched: %q %v", name, a.body, a.header)
			}
			if len(a.csp()) != 0 || len(a.reportOnly()) != 1 || nonceIn.MatchString(a.reportOnly()[0]) {
				t.Errorf("%s: policies %q, %q", name, a.csp(), a.reportOnly())
			}
			if claimsOf(t, a.reportOnly()[0]).Enforced || p.metric("edgecsp_pages_unrewritten_"+name) != 1 {
				t.Errorf("%s: not said to be reported only", name)
			}
			// Where the application stamps, nothing needs rewriting.
			if a = send(t, p, exchange{path: "/app", body: "<script>", response: h}); len(a.csp()) != 1 || !nonceIn.MatchString(a.csp()[0]) {
				t.Errorf("%s, upstream: %q", name, a.csp())
			}
		})
	}
}

func TestHead(t *testing.T) {
	both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
		a := send(t, mustStart(t, start), exchange{path: "/", noBody: true, request: wasmtest.Header{{":method", "HEAD"}}, response: wasmtest.Header{{"content-length", "9"}}})
		if len(a.reportOnly()) != 1 || !nonceIn.MatchString(a.reportOnly()[0]) {
			t.Errorf("a HEAD's policy: %q", a.reportOnly())
		}
	})
}

// Beside an application's own protection every tag's nonce would be a hole.
func TestUpstreamPolicies(t *testing.T) {
	own := "MTIzNDU2Nzg5MDEyMzQ1Ng"
	page := `<script nonce="` + own + `">app</script><script>injected</script>`
	both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
		p := mustStart(t, start)
		a := send(t, p, exchange{path: "/", body: page, response: wasmtest.Header{{"content-security-policy", "img-src *, script-src 'nonce-" + own + "'"}}})
		if a.body != page {
			t.Errorf("stamped beside the application's protection: %s", a.body)
		}
		if got := a.csp(); len(got) != 1 || !strings.HasPrefix(got[0], "img-src *, script-src") {
			t.Errorf("the application's policy: %q", got)
		}
		if !strings.Contains(a.reportOnly()[0], "'nonce-"+own+"'") {
			t.Errorf("the application's nonce is not in ours: %q", a.reportOnly())
		}
		// Where it only reports, there is nothing to break: its own tags are left alone.
		a = send(t, p, exchange{path: "/", body: page, response: wasmtest.Header{{"content-security-policy-report-only", "script-src 'nonce-" + own + "'"}}})
		n := nonceOf(t, strings.ReplaceAll(a.reportOnly()[1], "'nonce-"+own+"'", ""))
		if want := strings.Replace(page, "<script>", `<script nonce="`+n+`">`, 1); a.body != want {
			t.Errorf("got %s\nwant %s", a.body, want)
		}
		// A weak one is not taken over.
		a = send(t, p, exchange{path: "/", body: page, response: wasmtest.Header{{"content-security-policy", "script-src 'nonce-1234'"}}})
		if strings.Contains(a.reportOnly()[0], "1234'") {
			t.Errorf("a nonce of 4 characters is taken over: %q", a.reportOnly())
		}
	})
}

func TestNoneStaysNone(t *testing.T) {
	both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
		a := send(t, mustStart(t, start), exchange{path: "/plain", body: "<script>1</script>"})
		if !strings.HasPrefix(a.csp()[0], "script-src 'none'; report-uri ") || a.body != "<script>1</script>" {
			t.Errorf("policy %q, body %q", a.csp(), a.body)
		}
	})
}

// switchable is randomness that a test can take away.
type switchable struct{ mode string }

func (s *switchable) Read(p []byte) (int, error) {
	switch s.mode {
	case "fail":
		return 0, errors.New("no entropy")
	case "repeat":
		for i := range p {
			p[i] = 7
		}
		return len(p), nil
	}
	return rand.Read(p)
}

// Without randomness there is no nonce, no rewriting and no enforcing; never a
// weaker nonce, and no dead filter.
func TestNoRandomness(t *testing.T) {
	for _, mode := range []string{"fail", "repeat"} {
		both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
			source := &switchable{}
			p, err := start(t, setup{config: config, env: environment, rand: source})
			if err != nil {
				t.Fatal(err)
			}
			send(t, p, exchange{path: "/app", body: "x"})
			source.mode = mode
			send(t, p, exchange{path: "/app", body: "x"}) // the first of a repetition is still new
			for i := range 3 {
				a := send(t, p, exchange{path: "/app", body: "<script>1</script>"})
				if len(a.csp()) != 0 || len(a.reportOnly()) != 1 || nonceIn.MatchString(a.reportOnly()[0]) {
					t.Fatalf("%s %d: %q, %q", mode, i, a.csp(), a.reportOnly())
				}
				if a.upstream.Values("x-csp-nonce") != nil || a.body != "<script>1</script>" {
					t.Errorf("%s: a nonce goes upstream, or the page changed: %v, %s", mode, a.upstream, a.body)
				}
				if c := claimsOf(t, a.reportOnly()[0]); c.Kind != session.PageClass || c.SessionID() != "" {
					t.Errorf("%s: claims %+v, want a page class", mode, c)
				}
			}
			if got := p.metric("edgecsp_nonce_failures"); got < 3 {
				t.Errorf("%s: counted %d failures", mode, got)
			}
			source.mode = ""
			if a := send(t, p, exchange{path: "/app", body: "x"}); len(a.csp()) != 1 {
				t.Errorf("%s: does not recover: %v", mode, a.header)
			}
		})
	}
}

// Streams in flight at once do not share anything.
func TestInterleavedStreams(t *testing.T) {
	both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
		p := mustStart(t, start)
		const n = 5
		streams, nonces := make([]*wasmtest.Stream, n), make([]string, n)
		for i := range n {
			s, err := p.newStream()
			if err != nil {
				t.Fatal(err)
			}
			streams[i] = s
			if _, err := s.Request(wasmtest.Header{{":method", "GET"}, {":path", "/"}, {":authority", "a"}, {"sec-fetch-dest", "document"}}, true); err != nil {
				t.Fatal(err)
			}
			h, err := s.Response(wasmtest.Header{{":status", "200"}, {"content-type", "text/html"}}, false)
			if err != nil {
				t.Fatal(err)
			}
			policy, _ := h.Get("content-security-policy-report-only")
			nonces[i] = nonceOf(t, policy)
		}
		page := "<p>text</p><script>a</script>"
		for at := range len(page) {
			for _, s := range streams {
				if _, err := s.Body([]byte{page[at]}, at == len(page)-1); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, s := range streams {
			if got, want := string(s.Sent()), fmt.Sprintf(`<p>text</p><script nonce="%s">a</script>`, nonces[i]); got != want {
				t.Errorf("stream %d: %s, want %s", i, got, want)
			}
			if err := s.Done(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// What a client sends under our names never reaches the application, on any
// route: it would stamp what an attacker chose.
func TestForgedRequestHeaders(t *testing.T) {
	forged := wasmtest.Header{{"x-csp-nonce", "attacker"}, {"x-csp-nonce", "again"},
		{"content-security-policy", "script-src 'nonce-attacker'"}, {"content-security-policy-report-only", "script-src 'nonce-attacker'"}, {"x-other", "1"}}
	for _, path := range []string{"/", "/app", "/old", "/off", "/csp/result/x"} {
		for _, dest := range []string{"document", "script", "empty"} {
			both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
				a := send(t, mustStart(t, start), exchange{path: path, body: "x", request: append(wasmtest.Header{{"sec-fetch-dest", dest}}, forged...)})
				for _, kv := range a.upstream {
					if strings.Contains(kv[1], "attacker") || kv[1] == "again" {
						t.Errorf("%s as %s: the upstream gets %q", path, dest, kv)
					}
				}
				if a.upstream.Values("x-other") == nil {
					t.Errorf("%s as %s: a header of the client's own is gone", path, dest)
				}
			})
		}
	}
}
