package admin

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
	"github.com/edgecsp/edgecsp/core/report"
)

type bench struct {
	*Admin
	store *sqlstore.Store
	now   time.Time
	sites int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b := &bench{store: s, sites: 1, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	b.Admin = New(Config{
		Base: "/csp", Sites: func() []string { return []string{"shop", "blog"}[:b.sites] }, Store: s, Now: func() time.Time { return b.now }, Rand: rand.Reader,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	return b
}

func (b *bench) do(method, target, body, cookie string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: cookie})
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func (b *bench) token(t *testing.T) string {
	t.Helper()
	link, err := b.LoginLink(t.Context(), "127.0.0.1:9402")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil || u.Host != "127.0.0.1:9402" || u.Path != "/csp/admin/login" {
		t.Fatalf("link %s, %v", link, err)
	}
	return u.Query().Get("token")
}

func (b *bench) login(t *testing.T) (cookie string) {
	t.Helper()
	w := b.do("POST", "/csp/admin/login", "token="+b.token(t), "")
	if w.Code != 303 || len(w.Result().Cookies()) != 1 {
		t.Fatalf("login: %d %s", w.Code, w.Body)
	}
	return w.Result().Cookies()[0].Value
}

func (b *bench) add(t *testing.T, records ...store.Record) {
	t.Helper()
	for i := range records {
		records[i].Site, records[i].Received = "shop", b.now
		if records[i].Lane == "" {
			records[i].Lane = store.Genuine
		}
		if records[i].Report.Kind == "" {
			records[i].Report.Kind = report.CSPViolation
		}
	}
	if err := b.store.Add(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) page(t *testing.T, target string) string {
	t.Helper()
	w := b.do("GET", target, "", b.login(t))
	if w.Code != 200 {
		t.Fatalf("%s: %d %s", target, w.Code, w.Body)
	}
	return w.Body.String()
}

func TestHeaders(t *testing.T) {
	b := newBench(t)
	cookie := b.login(t)
	for _, path := range []string{"/", "/others", "/unverified", "/login", "/style.css", "/none"} {
		w := b.do("GET", "/csp/admin"+path, "", cookie)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" && path != "/style.css" {
			t.Errorf("%s: Cache-Control is %q", path, got)
		}
	}
}
