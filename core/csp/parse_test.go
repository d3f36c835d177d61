package csp

import (
	"errors"
	"strings"
	"testing"
)

// TestParse follows CSP3 2.2.1; want is what a browser keeps.
func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name, text, want string
		rules            string // of the findings, with offsets
	}{
		{"step 3: split at semicolons", "img-src 'self';;  ; font-src *;", "img-src 'self'; font-src *", ""},
		{"step 3.1: white space", "\t img-src\n'self'\f\r*  ", "img-src 'self' *", ""},
		{"step 3.2: not ASCII", "img-src \u00e9.example; font-src *", "font-src *", "bad-character@8"},
		{"control character", "img-src a\x01b; font-src *", "font-src *", "bad-character@9"},
		{"step 3.4: names in lower case", "ImG-SrC 'SELF'", "img-src 'SELF'", ""},
		{"step 3.5: duplicates", "img-src a; IMG-SRC b; x-y 1; x-y 2", "img-src a; x-y 1", "directive-duplicate@11 directive-unknown@22 directive-duplicate@29"},
		{"no value", "upgrade-insecure-requests; img-src", "upgrade-insecure-requests; img-src", ""},
		{"value ignored", "upgrade-insecure-requests 1", "upgrade-insecure-requests 1", "value-ignored@26"},
		{"unknown", "imgsrc 'self'", "imgsrc 'self'", "directive-unknown@0"},
		{"bad name", "img-src: 'self'", "img-src: 'self'", "directive-name@0"},
		{"obsolete", "plugin-types a/b; block-all-mixed-content", "plugin-types a/b; block-all-mixed-content", "directive-obsolete@0 directive-obsolete@18"},
		{"comma", "img-src a, font-src b", "img-src a", "comma@9"},
		{"unquoted", "script-src self sha256-abc", "script-src self sha256-abc", "keyword-unquoted@11 keyword-unquoted@16"},
		{"missing semicolon", "img-src a script-src b", "img-src a script-src b", "semicolon-missing@10"},
		{"invalid sources", "script-src \"self\" 'slef' ://x a*b http://", "script-src \"self\" 'slef' ://x a*b http://",
			"source-invalid@11 source-invalid@18 source-invalid@25 source-invalid@30 source-invalid@34"},
		{"none with others", "script-src 'none' a; style-src 'none' 'report-sample'", "script-src 'none' a; style-src 'none' 'report-sample'", "none-with-others@11"},
		{"query", "img-src a/b?c a/b#c", "img-src a/b?c a/b#c", "path-query@8 path-query@14"},
		{"hash length", "script-src 'sha256-abc'", "script-src 'sha256-abc'", "hash-invalid@11"},
		{"hash in hex", "script-src 'sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'", "", "hash-invalid@11"},
		{"ancestors", "frame-ancestors 'self' 'unsafe-inline'", "", "source-invalid@23"},
		{"sandbox", "sandbox allow-scripts allow-nothing", "", "value-invalid@22"},
		{"report-to", "report-to a b", "", "value-ignored@12"},
		{"report-to upper case", "report-to A", "", "value-invalid@10"},
		{"report-uri empty", "report-uri", "", "value-missing@0"},
		{"trusted types", "require-trusted-types-for script; trusted-types a 'none' b!", "", "value-invalid@26 none-with-others@50 value-invalid@57"},
		{"webrtc", "webrtc 'allow' 'block'", "", "value-invalid@0"},
		{"inline-speculation-rules", "script-src 'inline-speculation-rules'; style-src 'inline-speculation-rules'", "", "keyword-misplaced@49"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, fs := Parse(tc.text)
			if tc.want == "" {
				tc.want = tc.text
			}
			if got := p.String(); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if got := ruleString(fs); got != tc.rules {
				t.Errorf("findings %s, want %s", got, tc.rules)
			}
			q, _ := Parse(p.String())
			if !q.Equal(p) {
				t.Errorf("parse(serialize(p)) is %s", q)
			}
		})
	}
}

func ruleString(fs []Finding) string {
	var out []string
	for _, f := range fs {
		out = append(out, f.Rule+"@"+itoa(f.Offset))
	}
	return strings.Join(out, " ")
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func TestParseList(t *testing.T) {
	l, fs := ParseList(" img-src a , ,font-src b;x-y,")
	if len(l) != 2 || l.String() != "img-src a, font-src b; x-y" {
		t.Errorf("got %s", l)
	}
	if len(fs) != 1 || fs[0].Offset != 25 || fs[0].Policy != 1 {
		t.Errorf("findings %+v", fs)
	}
	if _, fs := ParseList("img-src a, \u00e9, b c"); len(fs) != 2 || fs[0].Policy != 1 || fs[1].Policy != 1 {
		t.Errorf("findings %+v", fs)
	}
	if again, _ := ParseList(l.String()); !again.Equal(l) {
		t.Errorf("parse(serialize(l)) is %s", again)
	}
}

// TestParseSourceParts is the grammar of CSP3 2.3.1.
func TestParseSourceParts(t *testing.T) {
	for _, tc := range []struct {
		text                     string
		kind                     Kind
		scheme, host, port, path string
	}{
		{"https:", KindScheme, "https", "", "", ""},
		{"custom-scheme:", KindScheme, "custom-scheme", "", "", ""},
		{"a+b.c:", KindScheme, "a+b.c", "", "", ""},
		{"1a:", KindUnknown, "", "", "", ""},
		{":", KindUnknown, "", "", "", ""},
		{"*", KindHost, "", "*", "", ""},
		{"*:*", KindHost, "", "*", "*", ""},
		{"https://*", KindHost, "https", "*", "", ""},
		{"*.example.com", KindHost, "", "*.example.com", "", ""},
		{"*.", KindUnknown, "", "", "", ""},
		{"*example.com", KindUnknown, "", "", "", ""},
		{"a.*.com", KindUnknown, "", "", "", ""},
		{"example.com.", KindHost, "", "example.com.", "", ""},
		{"a..b", KindUnknown, "", "", "", ""},
		{".a", KindUnknown, "", "", "", ""},
		{"a_b.com", KindUnknown, "", "", "", ""},
		{"example.com:8080", KindHost, "", "example.com", "8080", ""},
		{"example.com:", KindScheme, "example.com", "", "", ""},
		{"example.com:/a", KindUnknown, "", "", "", ""},
		{"example.com:8a", KindUnknown, "", "", "", ""},
		{"example.com:000000080", KindHost, "", "example.com", "000000080", ""},
		{"example.com:0000000080", KindUnknown, "", "", "", ""},
		{"https://*.example.com:12/path/to/file.js", KindHost, "https", "*.example.com", "12", "/path/to/file.js"},
		{"example.com/a?b#c", KindHost, "", "example.com", "", "/a"},
		{"example.com/", KindHost, "", "example.com", "", "/"},
		{"/path", KindUnknown, "", "", "", ""},
		{"//example.com", KindUnknown, "", "", "", ""},
		{"https:/a", KindUnknown, "", "", "", ""},
		{"https://", KindUnknown, "", "", "", ""},
		{"https:///a", KindUnknown, "", "", "", ""},
		{"[::1]", KindUnknown, "", "", "", ""},
		{"127.0.0.1:80", KindHost, "", "127.0.0.1", "80", ""},
		{"'SELF'", KindKeyword, "", "", "", ""},
		{"'nonce-aZ+/-_=='", KindNonce, "", "", "", ""},
		{"'nonce-a==='", KindUnknown, "", "", "", ""},
		{"'nonce-'", KindUnknown, "", "", "", ""},
		{"'nonce-a", KindUnknown, "", "", "", ""},
		{"'sha256-abc='", KindHash, "", "", "", ""},
		{"'SHA-512-abc'", KindHash, "", "", "", ""},
		{"'sha1-abc'", KindUnknown, "", "", "", ""},
		{"'sha256-'", KindUnknown, "", "", "", ""},
		{"'sha256-", KindUnknown, "", "", "", ""},
		{"'", KindUnknown, "", "", "", ""},
		{"''", KindUnknown, "", "", "", ""},
	} {
		s := parseSource(tc.text, 0)
		if s.Kind() != tc.kind || s.Host() != tc.host || s.Port() != tc.port || s.Path() != tc.path ||
			tc.kind != KindUnknown && s.Scheme() != tc.scheme {
			t.Errorf("%s: %v, scheme %q, host %q, port %q, path %q", tc.text, s.Kind(), s.Scheme(), s.Host(), s.Port(), s.Path())
		}
	}
	if n := parseSource("'nonce-aZ=='", 0).Nonce(); n != "aZ==" {
		t.Errorf("nonce %q", n)
	}
	if a, v := parseSource("'sha-384-a_b='", 0).Hash(); a != SHA384 || v != "a_b=" {
		t.Errorf("hash %v %q", a, v)
	}
}

func TestParseStrict(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "offset 0: the policy is empty",
		" ; ":                           "offset 0: the policy is empty",
		"default-src 'self'\n":          "offset 18: a line break; write the policy in one line",
		"default-src 'self', img-src a": "offset 18: \",\": a comma starts another policy",
		"script-scr 'self'":             "offset 0: script-scr: no such directive; browsers ignore it; did you mean script-src?",
		"script 'self'":                 "did you mean script-src?",
		"img-src a; img-src b":          "offset 11: img-src: the directive is there twice",
		"script-src self":               "offset 11: script-src: \"self\": without quotes this is the name of a host; write 'self'",
		"script-src \"self\"":           "write 'self'",
		"script-src 'https://a.b'":      "hosts stand without quotes",
		"script-src 'none' https:":      "browsers ignore 'none' next to other sources",
		"plugin-types a/b":              "write object-src 'none'",
		"img-src h\u00e9.example":       "offset 9: img-src: a non-ASCII character",
		"img-src /local":                "write a host",
	} {
		_, err := ParseStrict(text)
		var pe *ParseError
		if !errors.As(err, &pe) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %s", text, err, want)
		}
	}
}

func TestFromDirectives(t *testing.T) {
	p, err := FromDirectives([]NameValue{{"Default-Src", "'self'  https:"}, {"upgrade-insecure-requests", ""}})
	if err != nil || p.String() != "default-src 'self' https:; upgrade-insecure-requests" {
		t.Errorf("got %s, %v", p, err)
	}
	if off := p.Directives[0].Sources[1].Offset(); off != 8 {
		t.Errorf("offset %d", off)
	}
	for _, tc := range []struct{ name, value, want string }{
		{"img-src", "https://a/;b", "offset 10: img-src: a semicolon ends the directive; write %3B inside a URL"},
		{"img-src", "https://a/,b", "offset 10: img-src: a comma starts another policy; write %2C inside a URL"},
		{"img-src", "a\r\nSet-Cookie: b", "offset 1: img-src: a line break"},
		{"img-src", "b\u00fccher.example", "offset 1: img-src: a non-ASCII character: browsers drop the whole directive; write host names in Punycode"},
		{"img-src", "a\x00", "offset 1: img-src: a control character"},
		{"img-src", "ok self", "offset 3: img-src: \"self\": without quotes"},
		{"img src", "", "not the name of a directive"},
		{"", "a", "not the name of a directive"},
		{"img-src;script-src", "a", "not the name of a directive"},
	} {
		if _, err := FromDirectives([]NameValue{{tc.name, tc.value}}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %q: %v; want %s", tc.name, tc.value, err, tc.want)
		}
	}
	if _, err := FromDirectives([]NameValue{{"img-src", "a"}, {"IMG-SRC", "b"}}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("duplicate: %v", err)
	}
	if _, err := FromDirectives(nil); err == nil {
		t.Error("an empty list was taken")
	}
}

func TestHandMadeNameCannotBreakOut(t *testing.T) {
	p := Policy{Directives: []Directive{{Name: "img-src *; script-src\r\nX:"}}}
	if got := p.String(); strings.ContainsAny(got, "; \r\n") {
		t.Errorf("got %q", got)
	}
}

func TestFindingsAreBounded(t *testing.T) {
	for _, n := range []int{MaxFindings - 1, MaxFindings, MaxFindings + 1} {
		_, fs := Parse("img-src " + strings.Repeat("'x ", n))
		want := min(n, MaxFindings)
		if len(fs) != want || (fs[want-1].Rule == "too-many") != (n >= MaxFindings) {
			t.Errorf("%d problems: %d findings, the last %s", n, len(fs), fs[len(fs)-1].Rule)
		}
	}
}
