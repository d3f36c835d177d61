package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/envoyfilter/filter"
	"github.com/edgecsp/edgecsp/wasmtest"
)

var soak = flag.Int64("soak", 64<<20, "bytes of pages that TestSoak sends through the .wasm")

// A host call that the proxy refuses costs what it was for, and never the
// response.
func TestRefusedHostCalls(t *testing.T) {
	page := "<p>" + strings.Repeat("text ", 2000) + "<script>a()</script></p>"
	calls := map[string]bool{}
	startWith := func(t *testing.T, o wasmtest.Options) *wasmtest.Plugin {
		t.Helper()
		ctx := context.Background()
		o.Env = environment
		vm, err := compiled.NewVM(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		p, err := vm.StartPlugin(ctx, []byte(config))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	traced := startWith(t, wasmtest.Options{Trace: func(name string, _ wasmtest.Status) { calls[name] = true }})
	send(t, running{newStream: traced.NewStream}, exchange{path: "/", body: page, chunk: 1000, trailers: true})
	if len(calls) < 6 {
		t.Fatalf("the trace shows only %v", calls)
	}
	for name := range calls {
		for _, status := range []wasmtest.Status{wasmtest.NotFound, wasmtest.BadArgument, wasmtest.InternalFailure} {
			refuse := false
			p := startWith(t, wasmtest.Options{Refuse: func(call string) wasmtest.Status {
				if refuse && call == name {
					return status
				}
				return wasmtest.OK
			}})
			refuse = true
			a := send(t, running{newStream: p.NewStream}, exchange{path: "/", body: page, chunk: 1000})
			if got := unstamped(a.body); got != page {
				t.Errorf("%s answers %d: the page has changed or lost bytes: %d of %d", name, status, len(got), len(page))
			}
			refuse = false
			if a := send(t, running{newStream: p.NewStream}, exchange{path: "/", body: page}); !strings.Contains(a.body, "<script nonce=") {
				t.Errorf("%s answers %d: the filter does not recover", name, status)
			}
		}
	}
}

func unstamped(page string) string { return nonceStamp.ReplaceAllString(page, "") }

// panicking is a proxy of which one call panics.
type panicking struct {
	*nativeHost
	call string
}

func (h *panicking) maybe(call string) {
	if h.call == call {
		panic("a fault of " + call)
	}
}

func (h *panicking) RequestHeaders() (filter.Header, error) {
	h.maybe("RequestHeaders")
	return h.nativeHost.RequestHeaders()
}

func (h *panicking) Random(p []byte) error {
	h.maybe("Random")
	return h.nativeHost.Random(p)
}

func (h *panicking) SetResponseHeaders(header filter.Header) error {
	h.maybe("SetResponseHeaders")
	return h.nativeHost.SetResponseHeaders(header)
}

func (h *panicking) ResponseBody(start, size int) ([]byte, error) {
	h.maybe("ResponseBody")
	return h.nativeHost.ResponseBody(start, size)
}

func (h *panicking) ReplaceResponseBody(n int, with []byte) error {
	h.maybe("ReplaceResponseBody")
	return h.nativeHost.ReplaceResponseBody(n, with)
}

func (h *panicking) AppendResponseBody(b []byte) error {
	h.maybe("AppendResponseBody")
	return h.nativeHost.AppendResponseBody(b)
}

// A panic in any callback leaves the response as it is, is counted, and costs
// the next response nothing.
func TestPanic(t *testing.T) {
	page := "<p>text</p><script>a()</script>"
	for _, call := range []string{"RequestHeaders", "Random", "SetResponseHeaders", "ResponseBody", "ReplaceResponseBody"} {
		h := &panicking{nativeHost: newNativeHost(setup{env: environment})}
		f, err := filter.New(h, []byte(config))
		if err != nil {
			t.Fatal(err)
		}
		r := running{newStream: func() (*wasmtest.Stream, error) { return newNativeStream(h.nativeHost, f), nil }}
		h.call = call
		a := send(t, r, exchange{path: "/", body: page, chunk: 9, trailers: true})
		if a.body != page {
			t.Errorf("%s: body %q", call, a.body)
		}
		if log := strings.Join(h.logged, "\n"); h.counters["edgecsp_errors"] != 1 || !strings.Contains(log, "panic in") {
			t.Errorf("%s: counted %d, logged %q", call, h.counters["edgecsp_errors"], log)
		}
		h.call = ""
		if a := send(t, r, exchange{path: "/", body: page}); !strings.Contains(a.body, "<script nonce=") {
			t.Errorf("%s: the filter does not recover", call)
		}
	}
}

// Streams that end anywhere leave nothing behind.
func TestAbortedStreams(t *testing.T) {
	both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
		p := mustStart(t, start)
		steps := []func(s *wasmtest.Stream) error{
			func(*wasmtest.Stream) error { return nil },
			func(s *wasmtest.Stream) error {
				_, err := s.Request(wasmtest.Header{{":method", "GET"}, {":path", "/"}, {":authority", "a"}, {"sec-fetch-dest", "document"}}, true)
				return err
			},
			func(s *wasmtest.Stream) error {
				_, err := s.Response(wasmtest.Header{{":status", "200"}, {"content-type", "text/html"}}, false)
				return err
			},
			func(s *wasmtest.Stream) error { _, err := s.Body([]byte("<p><scr"), false); return err },
			func(s *wasmtest.Stream) error { _, err := s.Body([]byte("ipt a='"), false); return err },
		}
		for last := range steps {
			s, err := p.newStream()
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range steps[:last+1] {
				if err := step(s); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Done(); err != nil {
				t.Fatal(err)
			}
			a := send(t, p, exchange{path: "/", body: "<script>a()</script>", chunk: 1})
			if want := `<script nonce="` + nonceOf(t, a.reportOnly()[0]) + `">a()</script>`; a.body != want {
				t.Errorf("after a stream that ended at step %d: %s", last, a.body)
			}
		}
	})
}

// Empty and absurd values are passed on and cost nobody anything.
func TestAbsurdValues(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
		p := mustStart(t, start)
		for name, x := range map[string]exchange{
			"no headers":        {path: ""},
			"empty values":      {path: "/", request: wasmtest.Header{{":method", ""}, {":authority", ""}, {"accept", ""}, {"sec-fetch-dest", ""}, {"cookie", ""}}},
			"long path":         {path: "/" + long},
			"long header":       {path: "/", request: wasmtest.Header{{"accept", long}, {"x-csp-nonce", long}}},
			"long policy":       {path: "/", response: wasmtest.Header{{"content-security-policy", "script-src " + long}}},
			"policy of commas":  {path: "/", response: wasmtest.Header{{"content-security-policy", strings.Repeat(",", 100_000)}}},
			"many nonces":       {path: "/", response: wasmtest.Header{{"content-security-policy", "script-src" + strings.Repeat(" 'nonce-QUJDREVGR0hJSktMTU5PUA'", 20_000)}}},
			"bytes, not UTF-8":  {path: "/\xff\xfe", response: wasmtest.Header{{"content-security-policy-report-only", "script-src \xff\x00"}, {"cache-control", "\xff,,=,"}}},
			"empty status":      {path: "/", response: wasmtest.Header{{":status", ""}}},
			"many headers":      {path: "/", response: manyHeaders(5000)},
			"endpoints of junk": {path: "/", request: wasmtest.Header{{"x-forwarded-proto", "https"}}, response: wasmtest.Header{{"reporting-endpoints", strings.Repeat(`a="\`, 50_000)}}},
		} {
			body := "<p>x</p>"
			x.body = body
			if a := send(t, p, x); a.body != body {
				t.Errorf("%s: body %.40q", name, a.body)
			}
		}
		big := strings.Repeat("<p>text</p>", 1<<20)
		if a := send(t, p, exchange{path: "/", body: big}); a.body != big {
			t.Error("a body of 11 MB in one chunk has changed")
		}
		if got := p.metric("edgecsp_errors"); got != 0 {
			t.Errorf("%d errors:\n%s", got, strings.Join(*p.logged, "\n"))
		}
	})
}

func manyHeaders(n int) (h wasmtest.Header) {
	for i := range n {
		h = append(h, [2]string{fmt.Sprintf("x-%d", i), "v"})
	}
	return h
}

var nonceAnywhere = regexp.MustCompile(` nonce="[^"]*"`)

// TestSoak sends pages through the .wasm until -soak bytes went out (`make
// soak` sends 2 GiB). After the first quarter its memory grows no more.
func TestSoak(t *testing.T) {
	page, err := os.ReadFile("../core/rewrite/testdata/pages/cloudflare.com.html")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	vm, err := compiled.NewVM(ctx, wasmtest.Options{Env: environment})
	if err != nil {
		t.Fatal(err)
	}
	p, err := vm.StartPlugin(ctx, []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	r := running{newStream: p.NewStream}
	bare := nonceAnywhere.ReplaceAllString(string(page), "")
	var sent int64
	var settled uint64
	for n := 0; sent < *soak; n++ {
		a := send(t, r, exchange{path: []string{"/", "/old", "/app"}[n%3], body: string(page), chunk: 16 << 10, trailers: n%2 == 0})
		if nonceAnywhere.ReplaceAllString(a.body, "") != bare {
			t.Fatalf("page %d: %d bytes came out of %d, and not only nonces have changed", n, len(a.body), len(page))
		}
		if sent += int64(len(a.body)); settled == 0 && sent > *soak/4 {
			settled = vm.MemorySize()
		}
	}
	t.Logf("%d MiB sent; memory %d KiB after a quarter, %d KiB at the end", sent>>20, settled>>10, vm.MemorySize()>>10)
	if end := vm.MemorySize(); end > settled+settled/8 {
		t.Errorf("memory grew from %d to %d bytes", settled, end)
	}
}

// The Proxy puts the real filter in front of a handler, for a real client.
func TestProxy(t *testing.T) {
	ctx := context.Background()
	vm, err := compiled.NewVM(ctx, wasmtest.Options{Env: environment})
	if err != nil {
		t.Fatal(err)
	}
	plugin, err := vm.StartPlugin(ctx, []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	site := http.NewServeMux()
	site.HandleFunc("/app", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<!doctype html><script nonce=%q>mine</script>", r.Header.Get("X-Csp-Nonce"))
	})
	site.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for _, part := range []string{"<!doctype html><scr", "ipt>a()</script>"} {
			_, _ = io.WriteString(w, part)
			w.(http.Flusher).Flush()
		}
	})
	server := httptest.NewServer(wasmtest.NewProxy(plugin.NewStream, site))
	defer server.Close()
	for path, header := range map[string]string{"/": "Content-Security-Policy-Report-Only", "/app": "Content-Security-Policy"} {
		for range 3 {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Accept", "text/html")
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			n := nonceOf(t, response.Header.Get(header))
			if !bytes.Contains(body, []byte(`<script nonce="`+n+`">`)) {
				t.Errorf("%s: nonce %s, body %s", path, n, body)
			}
		}
	}
}
