package admin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

func TestLoginFlow(t *testing.T) {
	b := newBench(t)
	token := b.token(t)
	for range 2 { // looking does not use the link up
		w := b.do("GET", "/csp/admin/login?token="+token, "", "")
		if w.Code != 200 || !strings.Contains(w.Body.String(), `value="`+token+`"`) || len(w.Result().Cookies()) != 0 {
			t.Fatalf("login page: %d %s", w.Code, w.Body)
		}
	}
	w := b.do("POST", "/csp/admin/login", "token="+token, "")
	if w.Code != 303 || w.Header().Get("Location") != "/csp/admin/" {
		t.Fatalf("login: %d to %q", w.Code, w.Header().Get("Location"))
	}
	c := w.Result().Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/csp/admin" || c.Secure || c.MaxAge != int(SessionLife.Seconds()) || len(c.Value) < 43 {
		t.Errorf("cookie %+v", c)
	}
	if w := b.do("GET", "/csp/admin/", "", c.Value); w.Code != 200 {
		t.Errorf("dashboard: %d", w.Code)
	}
	if w := b.do("POST", "/csp/admin/login", "token="+token, ""); w.Code != 403 || len(w.Result().Cookies()) != 0 || !strings.Contains(w.Body.String(), "login-link") {
		t.Errorf("the same token again: %d %s", w.Code, w.Body)
	}
	if w := b.do("POST", "/csp/admin/logout", "", c.Value); w.Code != 303 || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("logout: %d", w.Code)
	}
	if w := b.do("GET", "/csp/admin/", "", c.Value); w.Code != 303 {
		t.Errorf("after logout: %d", w.Code)
	}
}

func TestLifetimes(t *testing.T) {
	b := newBench(t)
	start := b.now
	for _, test := range []struct {
		after time.Duration
		want  int
	}{{TokenLife - time.Millisecond, 303}, {TokenLife, 403}, {TokenLife + time.Millisecond, 403}} {
		b.now = start
		token := b.token(t)
		b.now = start.Add(test.after)
		if w := b.do("POST", "/csp/admin/login", "token="+token, ""); w.Code != test.want {
			t.Errorf("token after %s: %d, want %d", test.after, w.Code, test.want)
		}
	}
	b.now = start
	cookie := b.login(t)
	for _, test := range []struct {
		after time.Duration
		want  int
	}{{SessionLife - time.Millisecond, 200}, {SessionLife, 303}} {
		b.now = start.Add(test.after)
		if w := b.do("GET", "/csp/admin/", "", cookie); w.Code != test.want {
			t.Errorf("session after %s: %d, want %d", test.after, w.Code, test.want)
		}
	}
}

func TestSecureCookie(t *testing.T) {
	b := newBench(t)
	w := b.do("POST", "/csp/admin/login", "token="+b.token(t), "", "X-Forwarded-Proto", "https")
	if w.Code != 303 || !w.Result().Cookies()[0].Secure {
		t.Errorf("behind TLS: %d, %+v", w.Code, w.Result().Cookies())
	}
	w = b.do("POST", "https://host/csp/admin/login", "token="+b.token(t), "")
	if w.Code != 303 || !w.Result().Cookies()[0].Secure {
		t.Errorf("over TLS: %d, %+v", w.Code, w.Result().Cookies())
	}
}

func TestWithoutLogin(t *testing.T) {
	b := newBench(t)
	b.add(t, store.Record{Report: report.Report{Blocked: "https://confidential.example/"}})
	for _, cookie := range []string{"", "x", strings.Repeat("A", 43)} {
		for _, tab := range tabs {
			w := b.do("GET", "/csp/admin"+tab.Href, "", cookie)
			if w.Code != 303 || w.Header().Get("Location") != "/csp/admin/login" || strings.Contains(w.Body.String(), "confidential") {
				t.Errorf("%s: %d to %q", tab.Href, w.Code, w.Header().Get("Location"))
			}
		}
		if w := b.do("POST", "/csp/admin/logout", "", cookie); w.Code != 303 {
			t.Errorf("logout: %d", w.Code)
		}
	}
	for _, body := range []string{"", "token=", "token=x", "token=" + strings.Repeat("x", maxForm)} {
		if w := b.do("POST", "/csp/admin/login", body, ""); w.Code != 403 || len(w.Result().Cookies()) != 0 {
			t.Errorf("login with %.20q: %d", body, w.Code)
		}
	}
}

// TestCrossOrigin: another page's requests change nothing, not even those of
// the protected site beside us on another port, which SameSite lets through.
func TestCrossOrigin(t *testing.T) {
	b := newBench(t)
	cookie := b.login(t)
	for _, h := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
		{"Origin", "http://example.com:8080"}, {"Sec-Fetch-Site", "same-site", "Origin", "http://example.com"},
	} {
		if w := b.do("POST", "/csp/admin/logout", "", cookie, h...); w.Code != 403 {
			t.Errorf("%v: logout %d, want 403", h, w.Code)
		}
		token := b.token(t)
		if w := b.do("POST", "/csp/admin/login", "token="+token, "", h...); w.Code != 403 || len(w.Result().Cookies()) != 0 {
			t.Errorf("%v: login %d, want 403", h, w.Code)
		}
		if w := b.do("POST", "/csp/admin/login", "token="+token, "", "Sec-Fetch-Site", "same-origin", "Origin", "http://example.com"); w.Code != 303 {
			t.Errorf("%v: the token was used up: %d", h, w.Code)
		}
	}
	if w := b.do("GET", "/csp/admin/", "", cookie); w.Code != 200 {
		t.Errorf("logged out by another page: %d", w.Code)
	}
}

func TestReachable(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:9402": "127.0.0.1:9402", "0.0.0.0:9402": "127.0.0.1:9402", "[::]:9402": "127.0.0.1:9402", ":9402": "127.0.0.1:9402",
		"[::1]:9402": "[::1]:9402", "csp.internal:80": "csp.internal:80", "odd": "odd",
	} {
		if got := reachable(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
