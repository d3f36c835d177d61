package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/collector/metrics"
	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
	"github.com/edgecsp/edgecsp/core/report"
	"github.com/edgecsp/edgecsp/core/session"
)

const (
	maxBody     = 1 << 20
	maxInFlight = 128 << 20
)

var (
	now    = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	secret = []byte("a secret of some length")
)

const legacy = `{"csp-report":{"document-uri":"https://shop.example/p?q=SECRETQUERY","blocked-uri":"inline","violated-directive":"script-src"}}`

type bench struct {
	http.Handler
	store *sqlstore.Store
	path  string
	log   *bytes.Buffer
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{path: filepath.Join(t.TempDir(), "x.db"), log: new(bytes.Buffer)}
	var err error
	if b.store, err = sqlstore.Open(t.Context(), b.path, sqlstore.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.store.Close() })
	b.Handler = b.handler(t, b.store)
	return b
}

func (b *bench) handler(t *testing.T, reports Store, changes ...func(*Config)) http.Handler {
	t.Helper()
	c := Config{
		Base: "/csp", Sites: []Site{{Name: "shop", Secrets: [][]byte{secret}}}, TrustedHops: 1, KeepNetworks: true, Limits: DefaultLimits(),
		Store: reports, Metrics: metrics.New(), Now: func() time.Time { return now },
		Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, change := range changes {
		change(&c)
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func mint(t *testing.T, c session.Claims) string {
	t.Helper()
	m, err := session.NewMinter("shop", secret)
	if err != nil {
		t.Fatal(err)
	}
	return string(m.Append(nil, c))
}

func genuine(t *testing.T) string { return mint(t, session.Claims{Issued: now}) }

func (b *bench) post(token, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/csp/report/csp/"+token, strings.NewReader(body))
	r.Header.Set("User-Agent", "Browser/1")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func (b *bench) list(t *testing.T, v store.View) []store.Record {
	t.Helper()
	page, err := b.store.List(t.Context(), store.Query{Site: "shop", View: v, Limit: store.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	return page.Records
}

// TestLanes: what a token says decides the lane, and a forged one looks the
// same from outside.
func TestLanes(t *testing.T) {
	claims := session.Claims{Issued: now, PolicyVersion: 7, Session: session.ID{1, 2, 3}, Enforced: true}
	old, class := claims, claims
	old.Issued = now.Add(-session.MaxAge - time.Second)
	class.Kind, class.Enforced = session.PageClass, false
	good := mint(t, claims)
	for name, test := range map[string]struct {
		token       string
		lane        store.Lane
		session     string
		version     uint32
		disposition report.Disposition
	}{
		"genuine":   {good, store.Genuine, claims.Session.String(), 7, report.Enforce},
		"class":     {mint(t, class), store.Genuine, "", 7, report.ReportOnly},
		"expired":   {mint(t, old), store.Expired, claims.Session.String(), 7, report.Enforce},
		"damaged":   {good[:len(good)-2] + "AA", store.Forged, "", 0, report.Unstated},
		"any word":  {"x", store.Forged, "", 0, report.Unstated},
		"long word": {strings.Repeat("x", 5000), store.Forged, "", 0, report.Unstated},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			w := b.post(test.token, legacy)
			if w.Code != 204 || w.Body.Len() != 0 {
				t.Errorf("%d %q, want an empty 204", w.Code, w.Body)
			}
			trusted, forged := b.list(t, store.Violations), b.list(t, store.Unverified)
			if len(trusted)+len(forged) != 1 || (len(forged) == 1) != (test.lane == store.Forged) {
				t.Fatalf("%d trusted, %d unverified", len(trusted), len(forged))
			}
			got := append(trusted, forged...)[0]
			if got.Lane != test.lane || got.Session != test.session || got.PolicyVersion != test.version || got.Report.Disposition != test.disposition {
				t.Errorf("%+v", got)
			}
			if got.Report.UserAgent != "Browser/1" || !got.Received.Equal(now) {
				t.Errorf("user agent %q, received %s", got.Report.UserAgent, got.Received)
			}
		})
	}
}

// TestNothingSecretIsKept looks for what must go into the database's files,
// the log, and the answer.
func TestNothingSecretIsKept(t *testing.T) {
	b := newBench(t)
	token := genuine(t)
	r := httptest.NewRequest("POST", "/csp/report/csp/"+token+"?SECRETPARAM=1", strings.NewReader(`{"csp-report":{
		"document-uri":"https://user:SECRETPASS@shop.example/p?q=SECRETQUERY#SECRETFRAGMENT","blocked-uri":"https://a/?SECRETQUERY",
		"violated-directive":"script-src","referrer":"https://r/?SECRETQUERY","source-file":"https://s/?SECRETQUERY",
		"original-policy":"script-src 'self'; report-uri /csp/report/csp/`+token+`"}}`))
	r.Header.Set("Cookie", "id=SECRETCOOKIE")
	r.Header.Set("Authorization", "Bearer SECRETBEARER")
	r.Header.Set("X-Forwarded-For", "198.51.100.7")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	if w.Code != 204 || len(b.list(t, store.Violations)) != 1 {
		t.Fatalf("%d", w.Code)
	}
	files, _ := filepath.Glob(b.path + "*")
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"SECRET", token, "198.51.100.7"} {
			if bytes.Contains(content, []byte(s)) {
				t.Errorf("%s in %s", s, filepath.Base(f))
			}
		}
	}
	for _, s := range []string{"SECRET", token, "shop.example", "Browser", "198.51"} {
		if strings.Contains(b.log.String(), s) {
			t.Errorf("%s in the log: %s", s, b.log)
		}
	}
}

func TestBodies(t *testing.T) {
	token := genuine(t)
	pad := func(n int) string { return legacy + strings.Repeat(" ", n-len(legacy)) }
	for name, test := range map[string]struct {
		body   string
		status int
		kept   int
	}{
		"legacy":     {legacy, 204, 1},
		"batch":      {`[{"type":"csp-violation","body":{"blockedURL":"eval"}},7,{"type":"csp-violation","body":{"blockedURL":"inline"}}]`, 204, 2},
		"empty":      {"", 204, 0},
		"nonsense":   {"<script>alert(1)</script>", 204, 0},
		"size under": {pad(maxBody - 1), 204, 1},
		"size at":    {pad(maxBody), 204, 1},
		"size over":  {pad(maxBody + 1), 413, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			r := httptest.NewRequest("POST", "/csp/report/csp/"+token, strings.NewReader(test.body))
			r.ContentLength = -1 // chunked
			w := httptest.NewRecorder()
			b.ServeHTTP(w, r)
			if code := b.post(token, test.body).Code; w.Code != code {
				t.Errorf("chunked %d, otherwise %d", w.Code, code)
			}
			if w.Code != test.status || w.Body.Len() != 0 {
				t.Errorf("%d %q, want an empty %d", w.Code, w.Body, test.status)
			}
			if n := len(b.list(t, store.Violations)); n != 2*test.kept {
				t.Errorf("%d kept of two requests, want %d of each", n, test.kept)
			}
		})
	}
}

func TestMethodsAndPaths(t *testing.T) {
	b := newBench(t)
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/csp/report/csp/x", 405}, {"HEAD", "/csp/report/csp/x", 405}, {"PUT", "/csp/report/csp/x", 405}, {"DELETE", "/csp/report/csp/x", 405},
		{"POST", "/", 404}, {"POST", "/csp", 404}, {"POST", "/csp/", 404}, {"POST", "/csp/report/csp/", 404}, {"POST", "/csp/report/csp/x/y", 404},
		{"POST", "/csp//report/csp/x", 404}, {"POST", "/csp/./report/csp/x", 404}, {"POST", "/csp/admin/../report/csp/x", 404}, {"POST", "/report/csp/x", 404},
	} {
		r := httptest.NewRequest(test.method, "http://host"+test.path, strings.NewReader(legacy))
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		if w.Code != test.status || w.Header().Get("Location") != "" {
			t.Errorf("%s %s: %d to %q, want %d", test.method, test.path, w.Code, w.Header().Get("Location"), test.status)
		}
		if allow := w.Header().Get("Allow"); test.status == 405 && allow != "OPTIONS, POST" {
			t.Errorf("%s %s: Allow %q", test.method, test.path, allow)
		}
	}
	if n := len(b.list(t, store.Unverified)); n != 0 {
		t.Errorf("%d reports kept", n)
	}
}

// TestPreflight is the Reporting API's for an endpoint of another origin.
func TestPreflight(t *testing.T) {
	b := newBench(t)
	r := httptest.NewRequest("OPTIONS", "/csp/report/csp/x", nil)
	r.Header.Set("Origin", "https://shop.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "content-type")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "Content-Type",
		"Access-Control-Max-Age": "86400", "Access-Control-Allow-Credentials": "",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if got := b.post("x", legacy).Header().Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("the report's answer allows %q", got)
	}
}

func TestConcurrent(t *testing.T) {
	b := newBench(t)
	srv := httptest.NewServer(b)
	defer srv.Close()
	token := genuine(t)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			resp, err := http.Post(srv.URL+"/csp/report/csp/"+token, "application/csp-report", strings.NewReader(legacy))
			if err != nil {
				t.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != 204 {
				t.Error(resp.Status)
			}
		})
	}
	wg.Wait()
	page, err := b.store.Groups(t.Context(), store.GroupQuery{Site: "shop", Limit: 9})
	if err != nil || len(page.Groups) != 1 || page.Groups[0].Count != 200 {
		t.Errorf("%+v, %v; want a group of 200", page.Groups, err)
	}
}

// TestInFlight: bodies under way are bounded together, and their room is given
// back.
func TestInFlight(t *testing.T) {
	b := newBench(t)
	token := genuine(t)
	slow := func(size int64) (finish func()) {
		r, w := io.Pipe()
		req := httptest.NewRequest("POST", "/csp/report/csp/"+token, r)
		req.ContentLength = size // -1 is chunked
		done := make(chan struct{})
		go func() { b.ServeHTTP(httptest.NewRecorder(), req); close(done) }()
		io.WriteString(w, " ") // returns once it is being read, and so counted
		return func() { w.Close(); <-done }
	}
	var finish []func()
	for i := range maxInFlight/maxBody - 1 {
		finish = append(finish, slow([]int64{maxBody, -1}[i%2]))
	}
	finish = append(finish, slow(maxBody-int64(len(legacy))))
	if w := b.post(token, legacy); w.Code != 204 {
		t.Errorf("at the limit: %d", w.Code)
	}
	if w := b.post(token, legacy+" "); w.Code != 503 || w.Header().Get("Retry-After") != "30" {
		t.Errorf("over the limit: %d", w.Code)
	}
	for _, f := range finish {
		f()
	}
	if w := b.post(token, legacy+" "); w.Code != 204 {
		t.Errorf("with room again: %d", w.Code)
	}
}

type failing struct {
	Store
	err error
}

func (f failing) Add(context.Context, []store.Record) error { return f.err }

// TestStoreFails: what is not stored is not acknowledged.
func TestStoreFails(t *testing.T) {
	for _, err := range []error{store.ErrBusy, store.ErrClosed, errors.New("disk I/O error")} {
		b := newBench(t)
		b.Handler = b.handler(t, failing{err: err})
		w := b.post(genuine(t), legacy)
		if w.Code != 503 || w.Header().Get("Retry-After") != "30" || w.Body.Len() != 0 {
			t.Errorf("%v: %d %q, retry after %q", err, w.Code, w.Body, w.Header().Get("Retry-After"))
		}
	}
}

// TestCutShort: a body that ends early is not taken for a whole one.
func TestCutShort(t *testing.T) {
	b := newBench(t)
	r := httptest.NewRequest("POST", "/csp/report/csp/"+genuine(t), io.MultiReader(strings.NewReader(legacy), broken{}))
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	if w.Code != 400 || len(b.list(t, store.Violations)) != 0 {
		t.Errorf("%d, %d kept", w.Code, len(b.list(t, store.Violations)))
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
