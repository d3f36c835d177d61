package csp

import "testing"

func TestAllow(t *testing.T) {
	for _, tc := range []struct{ policy, name, source, want string }{
		{"img-src 'none'", "img-src", "a.example", "img-src a.example"},
		{"img-src 'self'", "img-src", "a.example", "img-src 'self' a.example"},
		{"img-src a.example", "img-src", "a.example", "img-src a.example"},
		{"default-src 'self' 'unsafe-inline'; font-src *", "img-src", "a.example", "default-src 'self' 'unsafe-inline'; img-src 'self' a.example; font-src *"},
		{"default-src 'none'", "img-src", "a.example", "default-src 'none'; img-src a.example"},
		{"default-src 'self' 'unsafe-eval'", "script-src", "a.example", "default-src 'self' 'unsafe-eval'; script-src 'self' 'unsafe-eval' a.example"},
		{"script-src 'self' 'unsafe-eval'", "script-src-elem", "a.example", "script-src 'self' 'unsafe-eval'; script-src-elem 'self' 'unsafe-eval' a.example"},
		{"child-src 'self'", "frame-src", "a.example", "child-src 'self'; frame-src 'self' a.example"},
		{"script-src 'self' 'strict-dynamic'", "worker-src", "a.example", "script-src 'self' 'strict-dynamic'; worker-src 'self' 'strict-dynamic' a.example"},
		{"script-src 'self'", "img-src", "a.example", "script-src 'self'"},
		{"default-src 'self'", "form-action", "a.example", "default-src 'self'"},
		{"frame-ancestors 'none'", "frame-ancestors", "a.example", "frame-ancestors a.example"},
		{"script-src 'self'", "script-src", "'none'", "script-src 'self'"},
		{"script-src 'self'", "script-src", "'nonce-abc'", "script-src 'self' 'nonce-abc'"},
	} {
		p := mustParse(t, tc.policy)
		s, err := ParseSource(tc.source)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Allow(tc.name, s)
		if err != nil || got.String() != tc.want {
			t.Errorf("%s, %s %s: %s, %v", tc.policy, tc.name, tc.source, got, err)
		}
		if p.String() != tc.policy {
			t.Errorf("the policy was changed to %s", p)
		}
	}
	for _, tc := range []struct{ policy, name, source string }{
		{"script-src 'unsafe-inline'", "script-src", "'nonce-abc'"},
		{"style-src 'unsafe-inline'", "style-src", "'sha256-abc'"},
		{"default-src 'unsafe-inline'", "script-src", "'strict-dynamic'"},
		{"script-src 'self'", "script-src", "'strict-dynamic'"},
		{"script-src 'self'", "sandbox", "'self'"},
		{"script-src 'self'", "no-such", "'self'"},
	} {
		s, _ := ParseSource(tc.source)
		if got, err := mustParse(t, tc.policy).Allow(tc.name, s); err == nil {
			t.Errorf("%s, %s %s gave %s", tc.policy, tc.name, tc.source, got)
		}
	}
}

func TestIdentity(t *testing.T) {
	same := []string{
		"script-src 'self' https://A.example/X 'nonce-abc'; img-src *; report-uri /r/1; report-to a",
		"IMG-SRC *; script-src HTTPS://a.example/X 'SELF' 'nonce-xyz' 'self'; report-uri /r/2",
	}
	other := []string{"img-src *; script-src 'self' https://a.example/x", "img-src *; script-src 'self'", "img-src *"}
	id := mustIdentity(same[0])
	if len(id) != 32 || mustIdentity(same[1]) != id {
		t.Errorf("%s and %s", id, mustIdentity(same[1]))
	}
	for _, o := range other {
		if mustIdentity(o) == id {
			t.Errorf("%s has the same identity", o)
		}
	}
	a, _ := ParseList("img-src a, font-src b")
	b, _ := ParseList("font-src b, img-src a, font-src b")
	if a.Identity() != b.Identity() {
		t.Error("a list's identity depends on the order")
	}
}

func mustIdentity(text string) string {
	p, _ := Parse(text)
	return p.Identity()
}

func TestIntersect(t *testing.T) {
	a, _ := ParseList("img-src a, font-src b")
	b, _ := ParseList("font-src b, script-src c")
	if got := Intersect(a, b).String(); got != "img-src a, font-src b, script-src c" {
		t.Error(got)
	}
}
