package e2e

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/e2e/demo"
	"github.com/edgecsp/edgecsp/e2e/stack"
)

// client neither follows redirects nor undoes compression.
var client = &http.Client{
	Timeout:       patience,
	Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// get asks for a page as a browser that navigates does, with further headers
// ("Name: value"), and returns the response with its body as it came.
func get(t *testing.T, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	return send(t, http.MethodGet, url, "", append([]string{
		"Accept: text/html,*/*;q=0.8", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate"}, headers...)...)
}

func send(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Add(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

// The compressor stands before the filter in the list, and responses run
// through it backwards: the filter has to see plain text, the client gzip.
func TestFilterSeesPlainTextAndClientGetsGzip(t *testing.T) {
	app := &recorder{}
	s := startStack(t, func(o *stack.Options) { o.App = app.inFront(demo.New()) })
	response, body := get(t, s.SiteURL()+"/", "Accept-Encoding: gzip")
	if encoding := response.Header.Get("Content-Encoding"); encoding != "gzip" {
		t.Fatalf("the client got content-encoding %q, want gzip", encoding)
	}
	unpacker, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(unpacker)
	if err != nil {
		t.Fatal(err)
	}
	found := nonceIn.FindStringSubmatch(response.Header.Get(reported))
	if found == nil {
		t.Fatalf("no nonce in the policy %q", response.Header.Get(reported))
	}
	tags := len(regexp.MustCompile(`<script|<style|rel="stylesheet"`).FindAllString(string(page), -1))
	if stamped := strings.Count(string(page), `nonce="`+found[1]+`"`); stamped != tags || tags == 0 {
		t.Errorf("%d of %d tags carry the nonce in:\n%s", stamped, tags, page)
	}
	documents := app.of(func(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Dest") == "document" })
	if len(documents) != 1 {
		t.Fatalf("the application saw %d requests for a document, want 1", len(documents))
	}
	if accept := documents[0].Header.Get("Accept-Encoding"); strings.Contains(accept, "gzip") {
		t.Errorf("for a document the application is asked for accept-encoding %q", accept)
	}
}

// What the application gets of a request for a document.
func TestApplicationGetsTheNonceOfThePolicy(t *testing.T) {
	app := &recorder{}
	s := startStack(t, func(o *stack.Options) { o.App = app.inFront(demo.New()) })
	response, _ := get(t, s.SiteURL()+"/search", "X-Csp-Nonce: chosen-by-the-client-itself", "Content-Security-Policy: script-src 'nonce-chosen'")
	found := nonceIn.FindStringSubmatch(response.Header.Get(enforced))
	requests := app.forPath("/search")
	if found == nil || len(requests) != 1 {
		t.Fatalf("%d requests, policy %q", len(requests), response.Header.Get(enforced))
	}
	if got := requests[0].Header["X-Csp-Nonce"]; !slices.Equal(got, []string{found[1]}) {
		t.Errorf("the application got x-csp-nonce %q, the policy has %q", got, found[1])
	}
	if got := requests[0].Header["Content-Security-Policy"]; got != nil {
		t.Errorf("the application got the client's policy, %q", got)
	}
}

// Scripts, images and data pass as they are.
func TestFilterLeavesOtherThingsAlone(t *testing.T) {
	s := startStack(t, nil)
	for _, path := range []string{"/static/shop.js", "/static/shop.css", "/static/img/leaf.svg", "/stock.json", "/old/shop.js"} {
		direct, want := send(t, http.MethodGet, s.AppURL()+path, "")
		through, got := send(t, http.MethodGet, s.SiteURL()+path, "")
		if got != want || direct.StatusCode != through.StatusCode {
			t.Errorf("%s: status %d and %d bytes through Envoy, %d and %d without", path, through.StatusCode, len(got), direct.StatusCode, len(want))
		}
	}
	part, body := send(t, http.MethodGet, s.SiteURL()+"/static/shop.js", "", "Range: bytes=0-9")
	if part.StatusCode != http.StatusPartialContent || len(body) != 10 {
		t.Errorf("a range of 10 bytes is answered with %d and %q", part.StatusCode, body)
	}
}

// The dashboard is on the private listener only: on the site's own origin any
// injected script could use an operator's login.
func TestPrivatePathsAreNotOnTheSite(t *testing.T) {
	s := startStack(t, nil)
	for _, path := range []string{"/csp/admin", "/csp/admin/", "/csp/admin/login", "/csp/admin/login?token=x", "/csp/admin/style.css",
		"/csp/api/v1/", "/csp/edge/v1/config", "/csp/healthz", "/csp/readyz", "/csp/metrics", "/csp/", "/csp/%61dmin/", "//csp/admin/", "/x/../csp/admin/"} {
		if response, body := get(t, s.SiteURL()+path); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404:\n%s", path, response.StatusCode, body)
		}
	}
	// The same holds for who reaches the public listener past Envoy.
	for _, path := range []string{"/csp/admin/", "/csp/admin/login", "/healthz", "/readyz", "/metrics"} {
		if response, _ := get(t, s.PublicURL()+path); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s past Envoy: status %d, want 404", path, response.StatusCode)
		}
	}
	if response, _ := get(t, s.DashboardURL()+"/csp/admin/login"); response.StatusCode != http.StatusOK {
		t.Errorf("the private listener answers the login page with %d", response.StatusCode)
	}
}

func TestCookiesDoNotReachTheCollector(t *testing.T) {
	app := &recorder{}
	var collector *recorder
	s := startStack(t, func(o *stack.Options) {
		o.App = app.inFront(demo.New())
		collector = tapCollector(t, o)
	})
	headers := []string{"Cookie: cart=jade-needle:1", "Cookie: session=abc", "Authorization: Basic eDp5", "Content-Type: application/csp-report"}
	const report = `{"csp-report":{"document-uri":"http://localhost/","effective-directive":"img-src","blocked-uri":"http://x.example/"}}`
	response, _ := send(t, http.MethodPost, s.SiteURL()+"/csp/report/csp/x", report, headers...)
	if response.StatusCode != http.StatusNoContent {
		t.Errorf("a report is answered with %d, want 204", response.StatusCode)
	}
	requests := collector.forPath("/csp/report/csp/x")
	if len(requests) != 1 {
		t.Fatalf("the collector got %d requests, want 1", len(requests))
	}
	for _, name := range []string{"Cookie", "Authorization"} {
		if got := requests[0].Header.Values(name); got != nil {
			t.Errorf("the collector got %s: %q", name, got)
		}
	}
	if requests[0].Header.Get("X-Forwarded-For") == "" {
		t.Error("the collector is not told the client's address")
	}
	// The application is to get them as ever.
	get(t, s.SiteURL()+"/cart", headers...)
	if requests := app.forPath("/cart"); len(requests) != 1 || requests[0].Header.Get("Cookie") == "" || requests[0].Header.Get("Authorization") == "" {
		t.Error("the application did not get the cookie and the credentials")
	}
}
