package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/e2e/stack"
)

// edgeSecret is the site's secret in an edge.
const edgeSecret = "a secret of the edge's tests, long enough"

// An edge is a stack whose Envoy listens with TLS and without, speaks to the
// application what the client speaks (HTTP/1.1 or HTTP/2), and tells its
// statistics.
type edge struct {
	*stack.Stack
	t            *testing.T
	plain, tls   string // URLs without a path
	admin        string
	app          *atomic.Value // the http.HandlerFunc that answers
	http1, http2 *http.Client  // neither follows redirects nor undoes compression
}

// TestEdge runs what needs a real Envoy and no collector. All share one, since
// starting it takes longer than any of them.
func TestEdge(t *testing.T) {
	scenarios := readScenarios(t)
	e := startEdge(t, joinRoutes(t, scenarioRoutes(t, scenarios), attackRoutes, cacheRoutes, typeRoutes, stampAll))
	for _, c := range []struct {
		name string
		run  func(*edge)
	}{
		{"Scenarios", func(e *edge) { testScenarios(e, scenarios) }},
		{"ChunksAndTrailers", testChunksAndTrailers},
		{"PageOfTenMegabytes", testPageOfTenMegabytes},
		{"FirstBytesArriveBeforeTheLastAreSent", testFirstBytes},
		{"AbortedStreams", testAbortedStreams},
		{"CompressedUpstreamIsUntouched", testCompressedUpstream},
		{"FilesKeepValidatorsRangesAndCompression", testFiles},
		{"PagesAreAskedForWhole", testPagesAreAskedForWhole},
		{"ResponsesWithoutBody", testResponsesWithoutBody},
		{"CountersHaveTheDocumentedNames", testCounterNames},
		{"Attacks", testAttacks},
		{"BaseInjection", testBaseInjection},
		{"OwnNonceAttacks", testOwnNonceAttacks},
		{"ClientsNonceIsNotBelieved", testClientsNonce},
		{"BrowserCache", testBrowserCache},
		{"Prefetch", testPrefetch},
		{"Fragment", testFragment},
		{"FetchedFirst", testFetchedFirst},
		{"ContentTypes", testContentTypes},
		{"PageFirstAskedForAsImage", testPageFirstAskedForAsImage},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := e.with(t)
			e.serve(http.NotFoundHandler())
			e.counted(e.nonZero())
			c.run(e)
		})
	}
}

// startEdge starts an edge with the JSON list of the filter's routes. There is
// no compressor: what it does to a page is the business of another test,
// TestFilterSeesPlainTextAndClientGetsGzip.
func startEdge(t *testing.T, routes string) *edge {
	t.Helper()
	ports := freePorts(t, 2)
	e := &edge{t: t, app: &atomic.Value{}, tls: "https://localhost:" + ports[0], admin: "http://127.0.0.1:" + ports[1]}
	e.serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	e.Stack = startStack(t, func(o *stack.Options) {
		o.App, o.Secret = http.HandlerFunc(e.pass), edgeSecret
		o.Edit = func(c *stack.Config) {
			c.SetFilterJSON(`{"site": "shop", "secret_env": "` + stack.SecretVariable + `", "routes": ` + routes + `}`)
			c.MirrorProtocol("app")
			c.RemoveHTTPFilter("envoy.filters.http.compressor")
			c.SetAdmin(number(t, ports[1]))
			c.AddTLSListener(number(t, ports[0]), authority.localhost, authority.keyFor)
		}
	})
	e.plain = e.SiteURL()
	e.http1, e.http2 = newClient(t, false), newClient(t, true)
	return e
}

// serve makes h the application.
func (e *edge) serve(h http.Handler) { e.app.Store(http.HandlerFunc(h.ServeHTTP)) }

func (e *edge) pass(w http.ResponseWriter, r *http.Request) {
	e.app.Load().(http.HandlerFunc)(w, r)
}

// joinRoutes makes one list of several.
func joinRoutes(t *testing.T, lists ...string) string {
	t.Helper()
	var all []any
	for _, list := range lists {
		var routes []any
		if err := json.Unmarshal([]byte(list), &routes); err != nil {
			t.Fatalf("%v in %s", err, list)
		}
		all = append(all, routes...)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// freePorts are n ports that nothing listens on at the moment.
func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	return ports
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// newClient returns a client that speaks HTTP/2 alone, or HTTP/1.1 alone, and
// trusts the tests' authority.
func newClient(t *testing.T, http2 bool) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(authority.authority)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("the authority's file holds no certificate")
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	protocols.SetUnencryptedHTTP2(http2)
	transport := &http.Transport{DisableCompression: true, Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Timeout: patience, Transport: transport, CheckRedirect: client.CheckRedirect}
}

// with is the edge for a subtest.
func (e *edge) with(t *testing.T) *edge {
	other := *e
	other.t = t
	return &other
}

// ask sends a request with headers ("Name: value") for a document, unless they
// say otherwise, and returns the response with its body as it came and its
// trailers.
func (e *edge) ask(c *http.Client, method, url string, headers ...string) (*http.Response, string) {
	e.t.Helper()
	response := e.begin(e.t.Context(), c, method, url, headers...)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		e.t.Fatalf("%s %s: %v after %d bytes", method, url, err, len(body))
	}
	return response, string(body)
}

// begin is ask without reading the body, which the caller closes.
func (e *edge) begin(ctx context.Context, c *http.Client, method, url string, headers ...string) *http.Response {
	e.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	request.Header = http.Header{"Sec-Fetch-Dest": {"document"}, "Accept": {"text/html,*/*"}, "Accept-Encoding": {"br"}}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Set(name, value)
	}
	response, err := c.Do(request)
	if err != nil {
		e.t.Fatal(err)
	}
	return response
}

var counterLine = regexp.MustCompile(`(?m)^wasmcustom\.(edgecsp_[\w-]+): (\d+)$`)

// counters are the filter's counters, as Envoy's statistics show them.
func (e *edge) counters() map[string]int {
	e.t.Helper()
	response, text := e.ask(e.http1, http.MethodGet, e.admin+"/stats?filter=^wasmcustom")
	if response.StatusCode != http.StatusOK {
		e.t.Fatalf("Envoy's statistics: status %d: %s", response.StatusCode, text)
	}
	counters := map[string]int{}
	for _, m := range counterLine.FindAllStringSubmatch(text, -1) {
		counters[m[1]] = number(e.t, m[2])
	}
	return counters
}

// counted waits until the counters that are not zero are the wanted ones, a
// line each without their prefix: a stream is counted when it has ended, which
// may be after the client got all of it. Then it sets them to zero.
func (e *edge) counted(want string) {
	e.t.Helper()
	var got string
	for start := time.Now(); time.Since(start) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
		if got = e.nonZero(); got == want {
			break
		}
	}
	if got != want {
		e.t.Errorf("counters:\n%swant:\n%s", got, want)
	}
	if response, _ := e.ask(e.http1, http.MethodPost, e.admin+"/reset_counters"); response.StatusCode != http.StatusOK {
		e.t.Fatalf("resetting Envoy's counters: status %d", response.StatusCode)
	}
}

func (e *edge) nonZero() string {
	e.t.Helper()
	counters := e.counters()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		if n := counters[name]; n != 0 {
			fmt.Fprintf(&b, "%s %d\n", strings.TrimPrefix(name, "edgecsp_"), n)
		}
	}
	return b.String()
}

// policyNonce is the first nonce in a response's policies, "" if there is none.
func policyNonce(h http.Header) string {
	for _, policy := range append(h.Values(enforced), h.Values(reported)...) {
		if m := nonceIn.FindStringSubmatch(policy); m != nil {
			return m[1]
		}
	}
	return ""
}
