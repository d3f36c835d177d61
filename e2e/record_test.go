package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/edgecsp/edgecsp/e2e/stack"
)

// A recorder keeps the requests that pass a handler, without their bodies.
type recorder struct {
	mu       sync.Mutex
	requests []*http.Request
}

// in front returns a handler that records what it passes on.
func (r *recorder) inFront(of http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, request.Clone(request.Context()))
		r.mu.Unlock()
		of.ServeHTTP(w, request)
	})
}

// of returns the recorded requests for which match says yes.
func (r *recorder) of(match func(*http.Request) bool) []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.requests), func(request *http.Request) bool { return !match(request) })
}

// forPath returns the recorded requests for a path.
func (r *recorder) forPath(path string) []*http.Request {
	return r.of(func(request *http.Request) bool { return request.URL.Path == path })
}

// tapCollector records what Envoy sends to the collector, by standing between
// the two.
func tapCollector(t *testing.T, options *stack.Options) *recorder {
	t.Helper()
	public, err := url.Parse("http://127.0.0.1:" + strconv.Itoa(options.Ports.Public))
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	server := httptest.NewServer(r.inFront(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(public) },
	}))
	t.Cleanup(server.Close)
	tap, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(tap.Port())
	if err != nil {
		t.Fatal(err)
	}
	before := options.Edit
	options.Edit = func(c *stack.Config) {
		if before != nil {
			before(c)
		}
		c.SetClusterPort("edgecsp_collector", port)
	}
	return r
}
