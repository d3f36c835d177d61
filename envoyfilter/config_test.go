package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/wasmtest"
)

func TestBadConfigurationIsRefused(t *testing.T) {
	for name, s := range map[string]struct {
		setup setup
		want  string
	}{
		"empty":       {setup{config: "", env: environment}, "google.protobuf.StringValue"},
		"a Struct":    {setup{config: "\n\x10\n\x04site\x12\x08\x1a\x06a shop", env: environment}, "not JSON but protobuf"},
		"unknown key": {setup{config: strings.Replace(config, `"site"`, `"sight"`, 1), env: environment}, "sight: unknown key"},
		"no secret":   {setup{config: config}, "EDGECSP_SECRET is empty or not passed"},
		"weak secret": {setup{config: config, env: map[string]string{"EDGECSP_SECRET": "short"}}, "16 to 4096 bytes"},
	} {
		both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
			p, err := start(t, s.setup)
			if !errors.Is(err, errRefused) {
				t.Fatalf("%s: %v, want it refused", name, err)
			}
			if log := strings.Join(*p.logged, "\n"); !strings.Contains(log, s.want) {
				t.Errorf("%s: logged %q, want %q in it", name, log, s.want)
			}
		})
	}
}

// A bad update leaves the last good configuration of the same filter in force,
// also in another VM of the same proxy; never another filter's.
func TestLastGoodConfigurationStays(t *testing.T) {
	bad := strings.Replace(config, `"trust": "upstream", `, "", 1)
	both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
		shared := &wasmtest.Shared{}
		begin := func(name, config string) (running, error) {
			return start(t, setup{config: config, env: environment, name: name, shared: shared})
		}
		if _, err := begin("shop", bad); !errors.Is(err, errRefused) {
			t.Fatalf("a bad first configuration: %v, want it refused", err)
		}
		if _, err := begin("shop", config); err != nil {
			t.Fatal(err)
		}
		p, err := begin("shop", bad)
		if err != nil {
			t.Fatalf("a bad update: %v, want the last good one in force", err)
		}
		if log := strings.Join(*p.logged, "\n"); !strings.Contains(log, "routes[1].trust: is missing") || !strings.Contains(log, "the last good one stays in force") {
			t.Errorf("logged %q", log)
		}
		if p.metric("edgecsp_config_refused") != 1 {
			t.Error("the refusal is not counted")
		}
		if a := send(t, p, exchange{path: "/app", body: "x"}); len(a.csp()) != 1 {
			t.Errorf("policies %q, want the last good configuration's", a.csp())
		}
		for _, name := range []string{"blog", ""} {
			if _, err := begin(name, bad); !errors.Is(err, errRefused) {
				t.Errorf("filter %q takes over another's configuration: %v", name, err)
			}
		}
	})
}

// What an update changes does not reach streams under way.
func TestStreamsKeepTheirConfiguration(t *testing.T) {
	shared := &wasmtest.Shared{}
	p, err := startNative(t, setup{config: config, env: environment, name: "shop", shared: shared})
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.newStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Request(wasmtest.Header{{":method", "GET"}, {":path", "/plain"}, {":authority", "a"}, {"sec-fetch-dest", "document"}}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := startNative(t, setup{config: strings.ReplaceAll(config, "'none'", "'self'"), env: environment, name: "shop", shared: shared}); err != nil {
		t.Fatal(err)
	}
	h, err := s.Response(wasmtest.Header{{":status", "200"}, {"content-type", "text/html"}}, false)
	if err != nil {
		t.Fatal(err)
	}
	if policy, _ := h.Get("content-security-policy"); !strings.HasPrefix(policy, "script-src 'none'") {
		t.Errorf("the stream got %q", policy)
	}
}
