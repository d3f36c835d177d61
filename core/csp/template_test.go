package csp

import (
	"strings"
	"testing"
)

func mustParse(t testing.TB, text string) Policy {
	t.Helper()
	p, err := ParseStrict(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

func TestTemplate(t *testing.T) {
	both := Placement{ScriptNonce: true, StyleNonce: true}
	keep := Placement{ScriptNonce: true, StyleNonce: true, KeepUnsafeInline: true}
	for _, tc := range []struct {
		name, policy  string
		pl            Placement
		v             Values
		want          string
		script, style bool
	}{
		{"script-src decides", "default-src 'self'; script-src 'self'", Placement{ScriptNonce: true}, Values{Nonce: "abc"},
			"default-src 'self'; script-src 'self' 'nonce-abc'", true, false},
		{"script-src-elem decides", "script-src 'self'; script-src-elem https:", Placement{ScriptNonce: true}, Values{Nonce: "abc"},
			"script-src 'self'; script-src-elem https: 'nonce-abc'", true, false},
		{"default-src for both", "default-src 'self'", both, Values{Nonce: "abc"}, "default-src 'self' 'nonce-abc'", true, true},
		{"default-src for scripts only", "default-src 'self'; img-src *", Placement{ScriptNonce: true}, Values{Nonce: "abc"},
			"default-src 'self'; script-src 'self' 'nonce-abc'; img-src *", true, false},
		{"default-src for styles only", "default-src 'self' 'unsafe-inline'", Placement{StyleNonce: true}, Values{Nonce: "abc"},
			"default-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline' 'nonce-abc'", false, true},
		{"default-src, styles elsewhere", "default-src 'self'; style-src 'self'", Placement{ScriptNonce: true}, Values{Nonce: "abc"},
			"default-src 'self' 'nonce-abc'; style-src 'self'", true, false},
		{"default-src still decides style attributes", "default-src 'unsafe-inline'; style-src-elem 'self'", both, Values{Nonce: "abc"},
			"default-src 'unsafe-inline'; script-src 'unsafe-inline' 'nonce-abc'; style-src-elem 'self' 'nonce-abc'", true, true},
		{"none stays", "script-src 'none'; style-src 'self'", both, Values{Nonce: "abc"}, "script-src 'none'; style-src 'self' 'nonce-abc'", false, true},
		{"empty stays", "script-src; style-src 'report-sample'", both, Values{Nonce: "abc"}, "script-src; style-src 'report-sample'", false, false},
		{"nothing restricts", "img-src 'self'", both, Values{Nonce: "abc"}, "img-src 'self'", false, false},
		{"unsafe-inline silenced", "script-src 'unsafe-inline'", both, Values{Nonce: "abc"}, "script-src 'unsafe-inline' 'nonce-abc'", true, false},
		{"unsafe-inline kept", "script-src 'unsafe-inline'; style-src 'unsafe-inline' 'strict-dynamic'", keep, Values{Nonce: "abc"},
			"script-src 'unsafe-inline'; style-src 'unsafe-inline' 'strict-dynamic'", false, false},
		{"unsafe-inline already silenced", "script-src 'unsafe-inline' 'strict-dynamic'", keep, Values{Nonce: "abc"},
			"script-src 'unsafe-inline' 'strict-dynamic' 'nonce-abc'", true, false},
		{"one default-src, silenced for scripts only", "default-src 'unsafe-inline' 'strict-dynamic'", keep, Values{Nonce: "abc"},
			"default-src 'unsafe-inline' 'strict-dynamic'; script-src 'unsafe-inline' 'strict-dynamic' 'nonce-abc'", true, false},
		{"two nonces", "script-src 'self'", both, Values{Nonce: "abc", ExtraNonce: "xyz"}, "script-src 'self' 'nonce-abc' 'nonce-xyz'", true, false},
		{"the same nonce twice", "script-src 'self'", both, Values{Nonce: "abc", ExtraNonce: "abc"}, "script-src 'self' 'nonce-abc'", true, false},
		{"no nonce", "script-src 'self'", both, Values{}, "script-src 'self'", true, false},
		{"bad nonces", "script-src 'self'", both, Values{Nonce: "a' *", ExtraNonce: "a;b"}, "script-src 'self'", true, false},
		{"reports", "img-src 'self'", Placement{}, Values{ReportURI: "/r?k=1", ReportTo: "edge"}, "img-src 'self'; report-uri /r?k=1; report-to edge", false, false},
		{"own reports", "img-src 'self'; report-uri /own; report-to mine; font-src *", Placement{}, Values{ReportURI: "/r", ReportTo: "edge"},
			"img-src 'self'; report-uri /own /r; report-to mine; font-src *", false, false},
		{"own report-uri", "img-src 'self'; report-uri /own", Placement{}, Values{ReportURI: "/r", ReportTo: "edge"}, "img-src 'self'; report-uri /own /r", false, false},
		{"bad reports", "img-src 'self'", Placement{}, Values{ReportURI: "/r; script-src *", ReportTo: "A,B"}, "img-src 'self'", false, false},
		{"connect-src", "connect-src https://a.example", Placement{ConnectSelf: "'self'"}, Values{}, "connect-src https://a.example 'self'", false, false},
		{"connect-src none", "connect-src 'none'", Placement{ConnectSelf: "'self'"}, Values{}, "connect-src 'self'", false, false},
		{"connect-src lets through", "connect-src 'self'", Placement{ConnectSelf: "'self'"}, Values{}, "connect-src 'self'", false, false},
		{"connect-src scheme lets through", "connect-src https:", Placement{ConnectSelf: "https://c.example/csp"}, Values{}, "connect-src https:", false, false},
		{"connect by default-src", "default-src 'self' 'unsafe-inline' https://a.example; font-src *", Placement{ConnectSelf: "https://c.example/csp"}, Values{},
			"default-src 'self' 'unsafe-inline' https://a.example; connect-src 'self' https://a.example https://c.example/csp; font-src *", false, false},
		{"connect by default-src none", "default-src 'none'", Placement{ConnectSelf: "'self'"}, Values{}, "default-src 'none'; connect-src 'self'", false, false},
		{"nothing hinders", "script-src 'none'", Placement{ConnectSelf: "'self'"}, Values{}, "script-src 'none'", false, false},
		{"samples", "default-src 'self'; script-src 'self'; style-src 'none'; img-src *", Placement{ScriptNonce: true, ReportSample: true}, Values{Nonce: "abc"},
			"default-src 'self'; script-src 'self' 'report-sample' 'nonce-abc'; style-src 'none'; img-src *", true, false},
		{"samples in default-src", "default-src 'self'", Placement{ReportSample: true}, Values{}, "default-src 'self' 'report-sample'", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, _ := Parse(tc.policy)
			before := p.String()
			tpl, err := NewTemplate(p, tc.pl)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(tpl.Append(nil, tc.v)); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if tpl.StampsScripts() != tc.script || tpl.StampsStyles() != tc.style {
				t.Errorf("stamps scripts %v, styles %v; want %v, %v", tpl.StampsScripts(), tpl.StampsStyles(), tc.script, tc.style)
			}
			if p.String() != before {
				t.Errorf("the policy was changed to %s", p)
			}
		})
	}
}

func TestTemplateErrors(t *testing.T) {
	if _, err := NewTemplate(Policy{}, Placement{}); err == nil {
		t.Error("an empty policy was taken")
	}
	for _, bad := range []string{"https://a b", "a;b", "a,b", "self\r\n", "'no-such'"} {
		if _, err := NewTemplate(mustParse(t, "default-src 'self'"), Placement{ConnectSelf: bad}); err == nil {
			t.Errorf("ConnectSelf %q was taken", bad)
		}
	}
}

func TestTemplateOwnReportTo(t *testing.T) {
	tpl, err := NewTemplate(mustParse(t, "img-src *; report-to mine"), Placement{})
	if err != nil || tpl.OwnReportTo() != "mine" {
		t.Errorf("got %q, %v", tpl.OwnReportTo(), err)
	}
}

func TestValues(t *testing.T) {
	for _, tc := range []struct {
		v  Values
		ok bool
	}{
		{Values{}, true},
		{Values{Nonce: "aZ09+/-_=="}, true},
		{Values{Nonce: "a==="}, false},
		{Values{Nonce: "=="}, false},
		{Values{Nonce: "a b"}, false},
		{Values{ExtraNonce: "a'b"}, false},
		{Values{Nonce: strings.Repeat("a", MaxNonce)}, true},
		{Values{Nonce: strings.Repeat("a", MaxNonce+1)}, false},
		{Values{ReportURI: "/r"}, true},
		{Values{ReportURI: "/r\u00e9"}, false},
		{Values{ReportURI: "/r\r\nX: y"}, false},
		{Values{ReportURI: strings.Repeat("a", MaxReportURI)}, true},
		{Values{ReportURI: strings.Repeat("a", MaxReportURI+1)}, false},
		{Values{ReportTo: "a-b.c_d*9"}, true},
		{Values{ReportTo: "Edge"}, false},
		{Values{ReportTo: "eDge"}, false},
		{Values{ReportTo: "9a"}, false},
		{Values{ReportTo: strings.Repeat("a", MaxReportTo)}, true},
		{Values{ReportTo: strings.Repeat("a", MaxReportTo+1)}, false},
	} {
		if err := tc.v.Validate(); (err == nil) != tc.ok {
			t.Errorf("%+v: %v", tc.v, err)
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	tpl, err := NewTemplate(mustParse(t, tenDirectives), Placement{ScriptNonce: true, StyleNonce: true, ReportSample: true, ConnectSelf: "'self'"})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 2048)
	v := Values{Nonce: "MDEyMzQ1Njc4OWFiY2RlZg", ReportURI: "/csp/report/csp/0123456789abcdef", ReportTo: "edgecsp"}
	if n := testing.AllocsPerRun(100, func() { dst = tpl.Append(dst[:0], v) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

const tenDirectives = "default-src 'none'; script-src 'self' https://cdn.example.com 'strict-dynamic'; style-src 'self' https://fonts.example.com; " +
	"img-src 'self' data: https://*.images.example.com; font-src 'self' https://fonts.example.com; connect-src 'self' https://api.example.com wss://live.example.com; " +
	"frame-src https://pay.example.com; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Parse(tenDirectives)
	}
}

func BenchmarkTemplateAppend(b *testing.B) {
	tpl, err := NewTemplate(mustParse(b, tenDirectives), Placement{ScriptNonce: true, StyleNonce: true, ReportSample: true})
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 2048)
	v := Values{Nonce: "MDEyMzQ1Njc4OWFiY2RlZg", ReportURI: "/csp/report/csp/0123456789abcdef0123456789abcdef", ReportTo: "edgecsp"}
	b.ReportAllocs()
	for b.Loop() {
		dst = tpl.Append(dst[:0], v)
	}
}
