package wasmtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Proxy puts a filter in front of an http.Handler, in-process: for trying a
// filter with a browser or a client, without Envoy. Requests take turns at the
// filter, since a VM has one thread, but not at the handler.
type Proxy struct {
	newStream func() (*Stream, error)
	next      http.Handler
	mu        sync.Mutex
}

// NewProxy returns a Proxy whose streams newStream makes, such as a Plugin's
// NewStream.
func NewProxy(newStream func() (*Stream, error), next http.Handler) *Proxy {
	return &Proxy{newStream: newStream, next: next}
}

// ServeHTTP runs one request through the filter. A filter that dies costs a
// 500, or the rest of the response.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := &exchange{proxy: p, client: w, request: r, header: http.Header{}}
	if !e.do(e.begin) {
		return
	}
	p.next.ServeHTTP(e, e.request)
	e.end()
}

// exchange is one request through a Proxy; to the handler it is the
// ResponseWriter.
type exchange struct {
	proxy   *Proxy
	stream  *Stream
	client  http.ResponseWriter
	request *http.Request
	header  http.Header // the handler's
	sent    bool        // the headers have gone out
	failed  bool
}

// do runs a step at the filter, alone, and reports whether the exchange goes
// on.
func (e *exchange) do(step func() error) bool {
	if e.failed {
		return false
	}
	e.proxy.mu.Lock()
	err := step()
	e.proxy.mu.Unlock()
	if err != nil {
		e.failed = true
		if !e.sent {
			http.Error(e.client, "the filter failed", http.StatusInternalServerError)
		}
	}
	return err == nil
}

func (e *exchange) begin() (err error) {
	if e.stream, err = e.proxy.newStream(); err != nil {
		return err
	}
	e.stream.SetProperty("source.address", e.request.RemoteAddr)
	scheme := "http"
	if e.request.TLS != nil {
		scheme = "https"
	}
	in := Header{{":method", e.request.Method}, {":scheme", scheme}, {":authority", e.request.Host}, {":path", e.request.URL.RequestURI()}, {"x-forwarded-proto", scheme}}
	out, err := e.stream.Request(append(in, fromHTTP(e.request.Header)...), e.request.ContentLength == 0)
	if err != nil {
		return err
	}
	e.request = e.request.Clone(e.request.Context())
	e.request.Header = toHTTP(out)
	return nil
}

// Header returns the handler's headers.
func (e *exchange) Header() http.Header { return e.header }

// WriteHeader hands the handler's headers to the filter and on to the client.
func (e *exchange) WriteHeader(status int) {
	if e.sent || status < 200 {
		return
	}
	e.do(func() error {
		in := append(Header{{":status", strconv.Itoa(status)}}, fromHTTP(e.header)...)
		bare := e.request.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
		out, err := e.stream.Response(in, bare)
		if err != nil {
			return err
		}
		h := e.client.Header()
		for k, v := range toHTTP(out) {
			h[k] = v
		}
		e.sent = true
		e.client.WriteHeader(status)
		return nil
	})
}

// Write hands a chunk to the filter and on to the client.
func (e *exchange) Write(b []byte) (int, error) {
	if !e.sent {
		if e.header.Get("Content-Type") == "" {
			e.header.Set("Content-Type", http.DetectContentType(b))
		}
		e.WriteHeader(http.StatusOK)
	}
	var err error
	ok := e.do(func() error { err = e.body(b, false); return err })
	if !ok && err == nil {
		err = http.ErrAbortHandler
	}
	return len(b), err
}

// Flush sends what the filter has let go.
func (e *exchange) Flush() {
	if f, ok := e.client.(http.Flusher); ok {
		f.Flush()
	}
}

func (e *exchange) body(b []byte, end bool) error {
	out, err := e.stream.Body(b, end)
	if err == nil && len(out) > 0 {
		_, err = e.client.Write(out)
	}
	return err
}

func (e *exchange) end() {
	if !e.sent {
		e.WriteHeader(http.StatusOK)
	}
	e.do(func() error { return e.body(nil, true) })
	e.do(e.stream.Done)
}

func fromHTTP(h http.Header) (out Header) {
	for _, k := range sortedKeys(h) {
		for _, v := range h[k] {
			out = append(out, [2]string{strings.ToLower(k), v})
		}
	}
	return out
}

func sortedKeys(h http.Header) []string {
	keys := make([]string, 0, len(h))
	for k := range h {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func toHTTP(h Header) http.Header {
	out := http.Header{}
	for _, kv := range h {
		if !strings.HasPrefix(kv[0], ":") {
			out.Add(kv[0], kv[1])
		}
	}
	return out
}
