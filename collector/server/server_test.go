package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/collector/ingest"
	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
	"github.com/edgecsp/edgecsp/core/session"
)

const (
	secret = "a secret of some length"
	body   = `{"csp-report":{"document-uri":"https://shop.example/","blocked-uri":"inline","violated-directive":"script-src"}}`
)

func config(db string, log io.Writer) Config {
	return Config{
		Public: "127.0.0.1:0", Private: "127.0.0.1:0", Base: "/csp", Database: db, Connections: 100,
		Settings: Settings{
			Sites: []ingest.Site{{Name: "shop", Secrets: [][]byte{[]byte(secret)}}}, Limits: limits(), Keep: Keep{Samples: 24 * time.Hour, Counts: 365 * 24 * time.Hour},
		},
		Log: slog.New(slog.NewTextHandler(log, nil)), Out: io.Discard, Now: time.Now,
	}
}

// limits are the default ones without rates, which tests would run into.
func limits() ingest.Limits {
	l := ingest.DefaultLimits()
	l.Network, l.Site = ingest.Rate{}, ingest.Rate{}
	return l
}

func token(t *testing.T) string {
	t.Helper()
	m, err := session.NewMinter("shop", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return string(m.Append(nil, session.Claims{Issued: time.Now()}))
}

// start runs a server; stop stops it and returns Run's error.
func start(t *testing.T, cfg Config) (s *Server, stop func() error) {
	t.Helper()
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { stop() })
	return s, stop
}

func public(s *Server) string  { return "http://" + s.PublicAddr().String() }
func private(s *Server) string { return "http://" + s.PrivateAddr().String() }

func post(url string) (int, error) {
	resp, err := http.Post(url, "application/csp-report", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func count(t *testing.T, db string) int {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), db, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n, q := 0, store.GroupQuery{Site: "shop", Limit: store.MaxLimit}
	for {
		page, err := s.Groups(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page.Groups {
			n += int(g.Count)
		}
		if q.After = page.Next; q.After == (store.Cursor{}) {
			return n
		}
	}
}

// privatePaths are all of the design's, also those that come later.
var privatePaths = []string{
	"/csp/admin", "/csp/admin/", "/csp/admin/login", "/csp/admin/logout", "/csp/admin/style.css", "/csp/admin/others", "/csp/admin/unverified",
	"/csp/api/v1/", "/csp/api/v1/groups", "/csp/edge/v1/config", "/csp/edge/v1/observations", "/healthz", "/readyz", "/metrics", "/debug/pprof/",
}

// TestPrivatePathsOnPublicListener: on the protected origin any injected script
// could use an operator's cookie there.
func TestPrivatePathsOnPublicListener(t *testing.T) {
	s, _ := start(t, config(filepath.Join(t.TempDir(), "x.db"), t.Output()))
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range privatePaths {
		for _, form := range []string{path, "/" + path, strings.Replace(path, "/csp", "/csp/.", 1), strings.Replace(path, "a", "%61", 1), "/csp/report/csp/.." + path} {
			for _, method := range []string{"GET", "POST", "OPTIONS"} {
				req, err := http.NewRequest(method, public(s)+form, nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != 404 {
					t.Errorf("%s %s: %s, want 404", method, form, resp.Status)
				}
			}
		}
	}
	for _, path := range []string{"/csp/admin/login", "/csp/admin", "/"} { // the last two lead to the first
		resp, err := http.Get(private(s) + path)
		if err != nil || resp.StatusCode != 200 || resp.Request.URL.Path != "/csp/admin/login" {
			t.Errorf("%s on the private listener: %v, %v", path, resp, err)
		}
	}
	if code, err := post(private(s) + "/csp/report/csp/" + token(t)); code != 404 && code != 405 || err != nil {
		t.Errorf("a report on the private listener: %d, %v", code, err)
	}
}

func TestHealth(t *testing.T) {
	s, _ := start(t, config(filepath.Join(t.TempDir(), "x.db"), io.Discard))
	status := func(path string) int {
		resp, err := http.Get(private(s) + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if h, r := status("/healthz"), status("/readyz"); h != 200 || r != 200 {
		t.Errorf("healthz %d, readyz %d", h, r)
	}
	s.store.Close()
	if h, r := status("/healthz"), status("/readyz"); h != 200 || r != 503 {
		t.Errorf("without a database: healthz %d, readyz %d", h, r)
	}
}

// TestFirstLogin: the link is printed until somebody has logged in.
func TestFirstLogin(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	run := func() (string, string, func() error) {
		r, w := io.Pipe()
		cfg := config(db, t.Output())
		var out bytes.Buffer
		cfg.Out = io.MultiWriter(&out, w)
		line := make(chan string, 1)
		go func() { l, _ := bufio.NewReader(r).ReadString('\n'); line <- l }()
		s, stop := start(t, cfg)
		for range 100 { // until it answers, and so has printed what it prints
			if resp, err := http.Get(private(s) + "/healthz"); err == nil {
				resp.Body.Close()
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		w.Close()
		return <-line, private(s), stop
	}
	first, base, stop := run()
	_, link, ok := strings.Cut(first, base+"/csp/admin/login?token=")
	if !ok {
		t.Fatalf("printed %q", first)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	second, base, stop := run()
	if !strings.Contains(second, "/csp/admin/login?token=") || strings.Contains(second, link) {
		t.Errorf("at the second start: %q", second)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Post(base+"/csp/admin/login", "application/x-www-form-urlencoded", strings.NewReader("token="+strings.TrimSpace(link)))
	if err != nil || resp.StatusCode != 303 {
		t.Fatalf("the first link: %v, %v", resp, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if third, _, _ := run(); third != "" {
		t.Errorf("after a login: %q", third)
	}
}

// TestDrain: a request that is under way when the server stops is answered,
// and what was answered is stored; no new one is taken.
func TestDrain(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	s, stop := start(t, config(db, io.Discard))
	conn, err := net.Dial("tcp", s.PublicAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /csp/report/csp/%s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", token(t), len(body))
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err) // the handler is reading the body
	}
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	refused := false
	for range 500 {
		if _, err := net.Dial("tcp", s.PublicAddr().String()); err != nil {
			refused = true
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if !refused {
		t.Error("still takes connections")
	}
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	if _, err := in.ReadString('\n'); err != nil { // the end of the 100
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != 204 {
		t.Fatalf("%v, %v", resp, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d stored, want 1", n)
	}
}

func TestSettingErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for setting, change := range map[string]func(*Config){
		SettingPublic:   func(c *Config) { c.Public = taken.Addr().String() },
		SettingPrivate:  func(c *Config) { c.Private = taken.Addr().String() },
		SettingDatabase: func(c *Config) { c.Database = filepath.Join(t.TempDir(), "no", "x.db") },
	} {
		cfg := config(filepath.Join(t.TempDir(), "x.db"), io.Discard)
		change(&cfg)
		_, err := New(t.Context(), cfg)
		var se *SettingError
		if !errors.As(err, &se) || se.Setting != setting {
			t.Errorf("%s: %v", setting, err)
		}
	}
	cfg := config(filepath.Join(t.TempDir(), "x.db"), io.Discard)
	cfg.Settings.Sites[0].Secrets = nil
	if _, err := New(t.Context(), cfg); !errors.Is(err, session.ErrSecretLength) {
		t.Errorf("no secret: %v", err)
	}
}

// TestHeaderLimit: headers past the limit are refused.
func TestHeaderLimit(t *testing.T) {
	s, _ := start(t, config(filepath.Join(t.TempDir(), "x.db"), io.Discard))
	const slack = 4096 // net/http's own
	for size, want := range map[int]int{MaxHeaderBytes / 2: 404, MaxHeaderBytes + slack: 431} {
		req, err := http.NewRequest("GET", public(s)+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Long", strings.Repeat("x", size))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%d bytes: %s, want %d", size, resp.Status, want)
		}
	}
}
