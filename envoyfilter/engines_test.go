package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/envoyfilter/filter"
	"github.com/edgecsp/edgecsp/wasmtest"
)

// Each test of this package runs twice: on the filter as native code and on
// the .wasm that this file builds from the same source.

var compiled *wasmtest.Module

func TestMain(m *testing.M) {
	code, err := withModule(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withModule(run func() int) (code int, err error) {
	dir, err := os.MkdirTemp("", "edgecsp-filter-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "edgecsp.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", file, ".")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("building the filter: %w\n%s", err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		return 1, err
	}
	ctx := context.Background()
	if compiled, err = wasmtest.Compile(ctx, wasm); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, compiled.Close(ctx)) }()
	return run(), nil
}

// setup is what a plugin starts with.
type setup struct {
	config string
	env    map[string]string
	rand   io.Reader
	name   string           // the plugin's
	shared *wasmtest.Shared // with other plugins; nil: with none
}

// running is a started filter, native or not.
type running struct {
	newStream func() (*wasmtest.Stream, error)
	metric    func(name string) uint64
	counters  func() string // those that are not zero, a line each
	logged    *[]string
}

var errRefused = wasmtest.ErrRefused

// engines are the ways to run the filter.
var engines = map[string]func(testing.TB, setup) (running, error){"native": startNative, "wasm": startWasm}

// both runs a test on every engine.
func both(t *testing.T, run func(t *testing.T, start func(testing.TB, setup) (running, error))) {
	t.Helper()
	for name, start := range engines {
		t.Run(name, func(t *testing.T) { run(t, start) })
	}
}

func startWasm(t testing.TB, s setup) (running, error) {
	t.Helper()
	ctx := context.Background()
	logged := &[]string{}
	vm, err := compiled.NewVM(ctx, wasmtest.Options{Env: s.env, Rand: s.rand, Shared: s.shared, Properties: map[string]string{"plugin_name": s.name}, Log: func(_ wasmtest.LogLevel, line string) {
		*logged = append(*logged, line)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := vm.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	p, err := vm.StartPlugin(ctx, []byte(s.config))
	if err != nil {
		return running{logged: logged}, err
	}
	metric := func(name string) uint64 { return vm.Metrics()[name] }
	counters := func() string { return nonZero(vm.Metrics()) }
	return running{p.NewStream, metric, counters, logged}, nil
}

func nonZero(counters map[string]uint64) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		if n := counters[name]; n != 0 {
			fmt.Fprintf(&b, "%s %d\n", strings.TrimPrefix(name, "edgecsp_"), n)
		}
	}
	return b.String()
}

func startNative(_ testing.TB, s setup) (running, error) {
	h := newNativeHost(s)
	metric := func(name string) uint64 { return h.counters[name] }
	f, err := filter.Start(h, []byte(s.config))
	if err != nil {
		h.logged = append(h.logged, err.Error())
		return running{logged: &h.logged}, errRefused
	}
	newStream := func() (*wasmtest.Stream, error) { return newNativeStream(h, f), nil }
	counters := func() string { return nonZero(h.counters) }
	return running{newStream, metric, counters, &h.logged}, nil
}

func newNativeHost(s setup) *nativeHost {
	h := &nativeHost{setup: s, counters: map[string]uint64{}, defined: map[string]bool{}}
	if s.rand == nil {
		h.setup.rand = rand.Reader
	}
	if s.shared == nil {
		h.setup.shared = &wasmtest.Shared{}
	}
	return h
}

func newNativeStream(h *nativeHost, f *filter.Plugin) *wasmtest.Stream {
	g := &nativeGuest{host: h, filter: f.NewStream()}
	g.stream = wasmtest.NewStream(g)
	return g.stream
}

// nativeGuest is a stream of the native filter, as the proxy sees it.
type nativeGuest struct {
	host   *nativeHost
	stream *wasmtest.Stream
	filter *filter.Stream
}

func (g *nativeGuest) enter() *filter.Stream {
	g.host.stream = g.stream
	return g.filter
}

func (g *nativeGuest) OnRequestHeaders(int, bool) (wasmtest.Action, error) {
	g.enter().RequestHeaders()
	return wasmtest.Continue, nil
}

func (g *nativeGuest) OnResponseHeaders(_ int, end bool) (wasmtest.Action, error) {
	g.enter().ResponseHeaders(end)
	return wasmtest.Continue, nil
}

func (g *nativeGuest) OnResponseBody(size int, end bool) (wasmtest.Action, error) {
	return wasmtest.Action(g.enter().ResponseBody(size, end)), nil
}

func (g *nativeGuest) OnResponseTrailers(int) (wasmtest.Action, error) {
	g.enter().ResponseTrailers()
	return wasmtest.Continue, nil
}

func (g *nativeGuest) OnDone() error { g.enter().Done(); return nil }

// nativeHost is the proxy as the native filter sees it.
type nativeHost struct {
	setup    setup
	stream   *wasmtest.Stream // whose callback runs
	counters map[string]uint64
	defined  map[string]bool
	logged   []string
}

func status(s wasmtest.Status) error {
	if s == wasmtest.OK {
		return nil
	}
	return fmt.Errorf("status %d", s)
}

func (h *nativeHost) headers(t wasmtest.MapType) (filter.Header, error) {
	m, st := h.stream.HeaderMap(t)
	return slices.Clone(filter.Header(m)), status(st)
}

func (h *nativeHost) RequestHeaders() (filter.Header, error) {
	return h.headers(wasmtest.RequestHeaders)
}

func (h *nativeHost) ResponseHeaders() (filter.Header, error) {
	return h.headers(wasmtest.ResponseHeaders)
}

func (h *nativeHost) SetRequestHeader(name, value string) error {
	return status(h.stream.SetHeader(wasmtest.RequestHeaders, name, value))
}

func (h *nativeHost) RemoveRequestHeader(name string) error {
	return status(h.stream.RemoveHeader(wasmtest.RequestHeaders, name))
}

func (h *nativeHost) ResponseHeader(name string) string {
	m, _ := h.stream.HeaderMap(wasmtest.ResponseHeaders)
	v, _ := m.Get(name)
	return v
}

func (h *nativeHost) SetResponseHeaders(header filter.Header) error {
	return status(h.stream.SetHeaderMap(wasmtest.ResponseHeaders, wasmtest.Header(header)))
}

func (h *nativeHost) ResponseBody(start, size int) ([]byte, error) {
	b, st := h.stream.ResponseBody(start, size)
	return slices.Clone(b), status(st)
}

func (h *nativeHost) ReplaceResponseBody(n int, with []byte) error {
	return status(h.stream.SetResponseBody(0, n, with))
}

func (h *nativeHost) AppendResponseBody(b []byte) error {
	return status(h.stream.SetResponseBody(1<<31-1, 0, b))
}

func (h *nativeHost) ClientAddress() string { return h.stream.Property("source.address") }

func (h *nativeHost) Random(p []byte) error {
	_, err := io.ReadFull(h.setup.rand, p)
	return err
}

func (h *nativeHost) Now() time.Time            { return time.Now() }
func (h *nativeHost) Getenv(name string) string { return h.setup.env[name] }

func (h *nativeHost) Identity() string { return h.setup.name }

func (h *nativeHost) Shared(key string) []byte {
	value, _, _ := h.setup.shared.Get(key)
	return value
}

func (h *nativeHost) SetShared(key string, value []byte) error {
	return status(h.setup.shared.Set(key, value, 0))
}

func (h *nativeHost) Log(_ filter.Level, message string) {
	h.logged = append(h.logged, "edgecsp: "+message)
}

func (h *nativeHost) Counter(name string) func(int) {
	h.defined[name] = true
	return func(n int) { h.counters[name] += uint64(n) }
}
