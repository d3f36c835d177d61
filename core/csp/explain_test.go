package csp

import "testing"

// TestSandbox: what an enforced sandbox keeps a page from is blocked, whatever
// the other directives say (HTML 7.1.5).
func TestSandbox(t *testing.T) {
	for _, tc := range []struct {
		policy   string
		activity Activity
		want     bool
	}{
		{"sandbox", InlineScript, false},
		{"sandbox", ScriptAttr, false},
		{"sandbox", Script, false},
		{"sandbox", Eval, false},
		{"sandbox allow-forms", InlineScript, false},
		{"sandbox Allow-Scripts", InlineScript, true},
		{"sandbox allow-scripts; script-src 'none'", InlineScript, false},
		{"sandbox", FormAction, false},
		{"sandbox allow-forms", FormAction, true},
		{"sandbox", InlineStyle, true},
		{"sandbox", Image, true},
	} {
		p, _ := Parse(tc.policy)
		r := Request{Activity: tc.activity, URL: URL{Scheme: "https", Host: "a.example", Path: "/"}}
		if e := (Policies{Enforce: List{p}}).Explain(&r); e.Allowed != tc.want {
			t.Errorf("%s, %s: allowed is %v", tc.policy, tc.activity, e.Allowed)
		}
		if e := (Policies{ReportOnly: List{p}}).Explain(&r); !e.Allowed {
			t.Errorf("%s, %s: a policy that only reports blocks", tc.policy, tc.activity)
		}
	}
	p, _ := Parse("sandbox; img-src *")
	e := Policies{Enforce: List{p}}.Explain(&Request{Activity: InlineScript})
	if d, _ := e.Deciding(); d.Directive != "sandbox" || d.Reason != BySandbox || d.Sentence() == "" {
		t.Errorf("%+v", d)
	}
}

// TestOrigin is the URL standard's notion of an origin, 4.7.
func TestOrigin(t *testing.T) {
	for _, tc := range []struct {
		url  string
		want Origin
	}{
		{"https://a.example:8443/x", Origin{Scheme: "https", Host: "a.example", Port: 8443}},
		{"blob:https://a.example/0b6c", Origin{Scheme: "https", Host: "a.example"}},
		{"blob:blob:https://a.example/0b6c", Origin{}},
		{"blob:file:///x", Origin{}},
		{"blob:null/0b6c", Origin{}},
		{"data:text/html,x", Origin{}},
		{"about:blank", Origin{}},
		{"app://a.example/x", Origin{}},
		{"file:///x", Origin{Scheme: "file"}},
	} {
		u, err := ParseURL(tc.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Origin(); got != tc.want {
			t.Errorf("%s: %+v", tc.url, got)
		}
	}
}

func TestParseSeverity(t *testing.T) {
	for s := Info; s <= High; s++ {
		if got, ok := ParseSeverity(s.String()); !ok || got != s {
			t.Errorf("%s: %v", s, got)
		}
	}
	if _, ok := ParseSeverity("never"); ok {
		t.Error("a severity was made up")
	}
}

// TestHints: what was renamed or is written wrongly gets a word of its own.
func TestHints(t *testing.T) {
	for _, tc := range []struct{ policy, fix string }{
		{"script-src 'unsafe-hashed-attributes'", "write 'unsafe-hashes', as it is called since 2018"},
		{"script-src 'unsafe-redirect'", "take it out; redirects need no keyword"},
		{"img-src https://[::1]", "write a host name; no source expression can name an IPv6 address"},
		{"img-src //a.example", "write the host without //, or https:// before it"},
		{"sandbox 'allow-scripts'", "write it without quotes"},
	} {
		_, found := Parse(tc.policy)
		if len(found) != 1 || found[0].Fix != tc.fix {
			t.Errorf("%s: %+v", tc.policy, found)
		}
	}
}
