package ingest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

func (b *bench) send(path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "http://shop.example"+path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func batch(n int) string {
	one := `{"type":"csp-violation","body":{"blockedURL":"inline"}}`
	return "[" + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + "]"
}

// TestNetworkRate: each network has its own, counted in reports, and gets it
// back with time.
func TestNetworkRate(t *testing.T) {
	b := newBench(t)
	clock := now
	b.Handler = b.handler(t, b.store, func(c *Config) {
		c.Limits.Network = Rate{PerSecond: 1, Burst: 100}
		c.Now = func() time.Time { return clock }
	})
	path := "/csp/report/csp/" + genuine(t)
	for _, test := range []struct {
		from   string
		n      int
		after  time.Duration
		status int
	}{
		{"198.51.100.1", 99, 0, 204}, {"198.51.7.7", 1, 0, 204}, {"198.51.100.1", 1, 0, 429}, {"198.52.0.1", 100, 0, 204}, {"198.52.0.1", 1, 0, 429},
		{"198.51.100.1", 1, time.Second, 204}, {"198.51.100.1", 2, time.Second, 429}, {"198.51.100.1", 50, 51 * time.Second, 204},
		{"2001:db8:1::1", 100, 0, 204}, {"2001:db8:ffff::2", 1, 0, 429}, {"2001:db9::1", 1, 0, 204},
	} {
		clock = clock.Add(test.after)
		w := b.send(path, batch(test.n), "X-Forwarded-For", test.from)
		if w.Code != test.status || w.Body.Len() != 0 || (w.Header().Get("Retry-After") == "60") != (test.status == 429) {
			t.Errorf("%+v: %d, retry after %q", test, w.Code, w.Header().Get("Retry-After"))
		}
	}
}

func TestSiteRate(t *testing.T) {
	b := newBench(t)
	b.Handler = b.handler(t, b.store, func(c *Config) {
		c.Limits.Site = Rate{PerSecond: 1, Burst: 100}
		c.Sites = append(c.Sites, Site{Name: "blog", Secrets: c.Sites[0].Secrets, Keys: []string{"K"}})
	})
	path := "/csp/report/csp/" + genuine(t)
	for i, want := range []int{204, 204, 429} {
		if w := b.send(path, batch(50), "X-Forwarded-For", fmt.Sprintf("10.%d.0.1", i)); w.Code != want {
			t.Errorf("request %d: %d, want %d", i, w.Code, want)
		}
	}
	if w := b.send("/csp/report?key=K", batch(1)); w.Code != 204 {
		t.Errorf("the other site: %d", w.Code)
	}
}

// TestBucketsBounded: however many networks there are, memory is bounded, and
// those that are idle make room.
func TestBucketsBounded(t *testing.T) {
	const limit = 50
	b := newBuckets(Rate{PerSecond: 1, Burst: 2}, limit)
	for i := range 10 * limit {
		b.take(fmt.Sprint(i), 1, now)
	}
	if len(b.named) != limit {
		t.Errorf("%d buckets, want %d", len(b.named), limit)
	}
	if b.take("new", 1, now) {
		t.Error("what shares the last bucket is not limited")
	}
	later := now.Add(time.Hour)
	if !b.take("new", 2, later) || b.take("new", 1, later) || b.named["new"] == nil {
		t.Error("no bucket of its own once others are idle")
	}
}

func TestClientAddr(t *testing.T) {
	for _, test := range []struct {
		remote    string
		forwarded []string
		hops      int
		want      string
	}{
		{"203.0.113.9:1234", nil, 0, "203.0.113.9"},
		{"203.0.113.9:1234", []string{"198.51.100.7"}, 0, "203.0.113.9"},
		{"203.0.113.9:1234", nil, 1, "203.0.113.9"},
		{"203.0.113.9:1234", []string{"198.51.100.7"}, 1, "198.51.100.7"},
		{"203.0.113.9:1234", []string{"1.1.1.1, 2.2.2.2,198.51.100.7"}, 1, "198.51.100.7"},
		{"203.0.113.9:1234", []string{"1.1.1.1", "198.51.100.7, 10.0.0.1"}, 2, "198.51.100.7"},
		{"203.0.113.9:1234", []string{"198.51.100.7"}, 2, "203.0.113.9"},
		{"203.0.113.9:1234", []string{"1.1.1.1, nonsense"}, 1, "203.0.113.9"},
		{"203.0.113.9:1234", []string{"198.51.100.7:55"}, 1, "198.51.100.7"},
		{"203.0.113.9:1234", []string{"[2001:db8::1]:55"}, 1, "2001:db8::1"},
		{"203.0.113.9:1234", []string{"[2001:db8::1]"}, 1, "2001:db8::1"},
		{"[fe80::1%eth0]:1234", nil, 0, "fe80::1"},
		{"203.0.113.9:1234", []string{"::ffff:198.51.100.7"}, 1, "198.51.100.7"},
		{"@", nil, 0, "invalid IP"},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.RemoteAddr = test.remote
		r.Header["X-Forwarded-For"] = test.forwarded
		if got := clientAddr(r, test.hops).String(); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// TestNetworks: what is kept of an address is its network, or nothing.
func TestNetworks(t *testing.T) {
	for from, want := range map[string]string{"198.51.100.7": "198.51.0.0/16", "2001:db8:1:2::3": "2001:db8::/32"} {
		for _, keep := range []bool{true, false} {
			b := newBench(t)
			b.Handler = b.handler(t, b.store, func(c *Config) { c.KeepNetworks = keep })
			b.send("/csp/report/csp/"+genuine(t), legacy, "X-Forwarded-For", from)
			if !keep {
				want = ""
			}
			if got := b.list(t, store.Violations)[0].Network; got != want {
				t.Errorf("%s: %q, want %q", from, got, want)
			}
		}
	}
}

// TestReach: reports of one client count as one client.
func TestReach(t *testing.T) {
	b := newBench(t)
	path := "/csp/report/csp/" + genuine(t)
	for _, c := range []struct{ from, agent string }{
		{"198.51.100.7", "A"}, {"198.51.100.7", "A"}, {"198.51.100.7", "B"}, {"198.51.100.8", "A"}, {"203.0.113.9", "A"},
	} {
		b.send(path, legacy, "X-Forwarded-For", c.from, "User-Agent", c.agent)
	}
	page, err := b.store.Groups(t.Context(), store.GroupQuery{Site: "shop", Limit: 9})
	if err != nil || len(page.Groups) != 1 || page.Groups[0].Count != 5 || page.Groups[0].Clients != 4 || page.Groups[0].Networks != 2 {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestSites: the token decides, then the key, then the host; what is no site's
// is not kept.
func TestSites(t *testing.T) {
	b := newBench(t)
	b.Handler = b.handler(t, b.store, func(c *Config) {
		c.Sites[0].Hosts = []string{"shop.example"}
		c.Sites = append(c.Sites, Site{Name: "blog", Secrets: [][]byte{[]byte("another secret of some length")}, Hosts: []string{"Blog.example"}, Keys: []string{"K1", "K2"}})
	})
	for _, test := range []struct {
		host, path string
		site       string
		lane       store.Lane
	}{
		{"elsewhere.example", "/csp/report/csp/" + genuine(t), "shop", store.Genuine},
		{"shop.example", "/csp/report?key=K1", "blog", store.Keyed},
		{"shop.example", "/csp/report?key=K2", "blog", store.Keyed},
		{"blog.example:8443", "/csp/report?key=K3", "blog", store.Forged},
		{"SHOP.example", "/csp/report", "shop", store.Forged},
		{"blog.example", "/csp/report/csp/forged", "blog", store.Forged},
		{"elsewhere.example", "/csp/report/csp/forged", "", ""},
	} {
		r := httptest.NewRequest("POST", "http://"+test.host+test.path, strings.NewReader(legacy))
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		if w.Code != 204 {
			t.Errorf("%+v: %d", test, w.Code)
		}
		var got []store.Group
		for _, site := range []string{"shop", "blog"} {
			for _, view := range []store.View{store.Violations, store.Unverified} {
				p, err := b.store.Groups(t.Context(), store.GroupQuery{Site: site, View: view, Limit: 99})
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, p.Groups...)
			}
		}
		found := false
		for _, g := range got {
			found = found || g.Site == test.site && g.Lane == test.lane
		}
		if !found && test.site != "" {
			t.Errorf("%+v: not kept; there are %+v", test, got)
		}
		if test.site == "" && len(got) != 4 { // genuine, keyed and forged, twice
			t.Errorf("%+v: %d groups", test, len(got))
		}
	}
}

// TestAnnounced: reports of a session that another collector announced have a
// lane of their own.
func TestAnnounced(t *testing.T) {
	const id = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
	b := newBench(t)
	form := func(secret string) []string { return []string{"Content-Type", "application/x-www-form-urlencoded"} }
	if w := b.send("/csp/master/session/"+id, "secret=x", form("")...); w.Code != 404 {
		t.Errorf("without a secret of ours: %d", w.Code)
	}
	b.Handler = b.handler(t, b.store, func(c *Config) { c.Sites[0].AnnounceSecret = []byte("announce") })
	for _, test := range []struct {
		id, form string
		status   int
	}{
		{id, "secret=wrong", 403}, {id, "", 403}, {"x", "secret=announce", 400}, {id, "secret=announce&user_agent=Browser%2F2&anonymized_ip=198.51.100.7", 204},
		{id, "secret=" + strings.Repeat("x", maxAnnouncement), 403},
	} {
		if w := b.send("/csp/master/session/"+test.id, test.form, form("")...); w.Code != test.status || w.Body.Len() != 0 {
			t.Errorf("%s %.30s: %d %q, want %d", test.id, test.form, w.Code, w.Body, test.status)
		}
	}
	a, err := b.store.Announced(t.Context(), id, now)
	if err != nil || a.Site != "shop" || a.Network != "198.51.0.0/16" || a.UserAgent != "Browser/2" {
		t.Errorf("%+v, %v", a, err)
	}
	b.send("/csp/report/csp/"+id, legacy)
	b.send("/csp/report/csp/"+strings.Replace(id, "3", "4", 1), legacy)
	if got := b.list(t, store.Violations); len(got) != 1 || got[0].Lane != store.Announced || got[0].Session != id {
		t.Errorf("%+v", got)
	}
	if got := b.list(t, store.Unverified); len(got) != 1 || got[0].Session != "" {
		t.Errorf("%+v", got)
	}
}

// TestOrigins: where sites name origins, others are not allowed in.
func TestOrigins(t *testing.T) {
	b := newBench(t)
	b.Handler = b.handler(t, b.store, func(c *Config) { c.Sites[0].Origins = []string{"https://shop.example", "https://www.shop.example"} })
	for origin, want := range map[string]string{
		"https://shop.example": "https://shop.example", "https://www.shop.example": "https://www.shop.example",
		"https://evil.example": "", "null": "", "": "",
	} {
		for _, method := range []string{http.MethodOptions, http.MethodPost} {
			r := httptest.NewRequest(method, "/csp/report/csp/x", strings.NewReader(legacy))
			r.Header.Set("Origin", origin)
			w := httptest.NewRecorder()
			b.ServeHTTP(w, r)
			if got := w.Header().Get("Access-Control-Allow-Origin"); w.Code != 204 || got != want || w.Header().Get("Vary") != "Origin" {
				t.Errorf("%s from %q: %d, allowed %q", method, origin, w.Code, got)
			}
		}
	}
}

// TestEntriesLimit: limits on a body can be set.
func TestEntriesLimit(t *testing.T) {
	b := newBench(t)
	b.Handler = b.handler(t, b.store, func(c *Config) { c.Limits.Body.Entries = 3; c.Limits.Body.Bytes = 1000 })
	b.send("/csp/report/csp/"+genuine(t), batch(4))
	if n := len(b.list(t, store.Violations)); n != 3 {
		t.Errorf("%d kept, want 3", n)
	}
	if w := b.send("/csp/report/csp/"+genuine(t), batch(100)); w.Code != 413 {
		t.Errorf("%d, want 413", w.Code)
	}
}
