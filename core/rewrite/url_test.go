package rewrite

import (
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	var base location
	if !base.resolve(nil, []byte("https://Shop.example/a/b/c?q")) {
		t.Fatal("no base")
	}
	const at = "https://shop.example"
	for _, c := range []struct{ ref, want string }{
		{"https://x.example", "https://x.example/"},
		{" HTTPS://X.Example:443/a#b ", "https://x.example/a"},
		{"http://x.example:80?q", "http://x.example/?q"},
		{"http://x.example:443/", "http://x.example:443/"},
		{"https://x.example:/", "https://x.example/"},
		{"//x.example/a", "https://x.example/a"},
		{"/x", at + "/x"},
		{"x", at + "/a/b/x"},
		{"./x", at + "/a/b/x"},
		{"../x?y=../z", at + "/a/x?y=../z"},
		{"../../../x", at + "/x"},
		{"..", at + "/a/"},
		{".", at + "/a/b/"},
		{"%2E%2e/x", at + "/a/x"},
		{".%2e", at + "/a/"},
		{"...", at + "/a/b/..."},
		{"x//y/", at + "/a/b/x//y/"},
		{"?x", at + "/a/b/c?x"},
		{"", at + "/a/b/c?q"},
		{"#x", at + "/a/b/c?q"},
		{"a b\"?a b'c\"|", at + "/a/b/a%20b%22?a%20b%27c%22|"},
		{"a:b", ""},
		{"./a:b", at + "/a/b/a:b"},
		{":a", at + "/a/b/:a"},
		{"javascript:a", ""},
		{"data:text/javascript,a", ""},
		{"https:x", ""},
		{"https:/x.example", ""},
		{"https:///x.example", ""},
		{"https://user@x.example/", ""},
		{"https://x%2eexample/", ""},
		{"https://[::1]/", ""},
		{"https://b\u00fccher.example/", ""},
		{"https://127.0.0.1/", "https://127.0.0.1/"},
		{"https://127.1/", ""},
		{"https://0x7f.0.0.1/", ""},
		{"https://127.0.0.0x1/", ""},
		{"https://256.0.0.1/", ""},
		{"https://127.0.0.01/", ""},
		{"https://x.example:65536/", ""},
		{"https://x.example:65535/", "https://x.example:65535/"},
		{"https://x.example:0443/", ""},
		{"https:\\\\x.example", ""},
		{"/a\\b", ""},
		{"/a\tb", ""},
		{"/\u00e9", ""},
		{"/a^b", ""},
		{"/" + strings.Repeat("x", MaxURL-1), at + "/" + strings.Repeat("x", MaxURL-1)},
		{"/" + strings.Repeat("x", MaxURL), ""},
	} {
		var l location
		ok := l.resolve(&base, []byte(c.ref))
		if got := string(l.text); got != c.want || ok != (c.want != "") {
			t.Errorf("%q: %q %v, want %q", c.ref, got, ok, c.want)
		}
	}
	var l location
	if l.resolve(nil, []byte("/x")) || l.resolve(&location{}, []byte("x")) {
		t.Error("a relative URL without a base resolves")
	}
}

func TestApprovals(t *testing.T) {
	a := mustApprove("https://cdn.example/a.js?v=1", "/own.js?v=2", "https://CDN.example:443/lib/", "*.wild.example", "https://port.example:8443",
		"http://plain.example", "any.example:*", "https://dir.example/js/", "exact.example/x.js", "'self'")
	var page location
	page.resolve(nil, []byte("https://shop.example/"))
	for _, c := range []struct {
		url         string
		exact, host bool
	}{
		{"https://cdn.example/a.js?v=1", true, false},
		{"https://cdn.example/a.js?v=2", false, false},
		{"https://cdn.example/a.js", false, false},
		{"http://cdn.example/a.js?v=1", false, false},
		{"https://shop.example/own.js?v=2", true, true},
		{"https://other.example/own.js?v=2", false, false},
		{"http://shop.example/own.js?v=2", false, false},
		{"https://cdn.example/lib/", true, true},
		{"https://cdn.example/lib/x.js", false, true},
		{"https://cdn.example/library.js", false, false},
		{"https://a.wild.example/x", false, true},
		{"https://a.b.wild.example/x", false, true},
		{"https://wild.example/x", false, false},
		{"https://awild.example/x", false, false},
		{"http://a.wild.example/x", false, false},
		{"https://port.example:8443/x", false, true},
		{"https://port.example/x", false, false},
		{"http://plain.example/x", false, true},
		{"https://plain.example/x", false, true},
		{"https://any.example:99/x", false, true},
		{"https://dir.example/js/a/b.js?c", false, true},
		{"https://dir.example/js", false, false},
		{"https://exact.example/x.js?y", false, true},
		{"https://exact.example/x.jsx", false, false},
		{"https://shop.example/any", false, true},
	} {
		var l location
		if !l.resolve(nil, []byte(c.url)) {
			t.Fatal(c.url)
		}
		if exact, host := a.exact(&l, &page), a.host(&l, &page); exact != c.exact || host != c.host {
			t.Errorf("%s: exact %v, host %v", c.url, exact, host)
		}
	}
}

func TestApprovalErrors(t *testing.T) {
	for _, e := range []string{
		"", "sha256-", "'sha256-YQ=='", "sha384-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=", "'nonce-abc'", "https:", "'unsafe-inline'", "*",
		"https://*", "ftp://x.example/a", "https://user@x.example/a", "/a\\b", "https://x.example:99999", "x.example/a?b", "localhost!",
	} {
		if _, err := NewApprovals([]string{e}); err == nil || !strings.HasPrefix(err.Error(), `approval "`+e+`": `) {
			t.Errorf("%q: %v", e, err)
		}
	}
}

// What is compared is the URL that loads, whatever references other attributes hold.
func TestOneAttributeIsNotAnother(t *testing.T) {
	o := Options{Trust: Inventory, Scripts: true, Styles: true, Approved: mustApprove("https://cdn.example/a.js")}
	const approved = "&#104;ttps://cdn.example/a.js"
	for _, in := range []string{
		`<script src="&#104;ttps://evil.example/x.js" nonce="` + approved + `"></script>`,
		`<script src="&#104;ttps://evil.example/x.js" type="` + approved + `"></script>`,
		`<link rel=stylesheet href="&#104;ttps://evil.example/x.js" as="` + approved + `" nonce="` + approved + `">`,
		`<svg><script href="&#104;ttps://evil.example/x.js" xlink:href="` + approved + `" nonce="` + approved + `"></script>`,
	} {
		for _, g := range []*Ledger{nil, NewLedger()} {
			got, _ := whole(&o, Page{Nonce: "m", Inventory: g}, in)
			if got != in || g != nil && g.Entries()[0].Text != "https://evil.example/x.js" {
				t.Errorf("%s became %s", in, got)
			}
		}
	}
}

func TestBase(t *testing.T) {
	o := Options{Trust: Inventory, Scripts: true, Approved: mustApprove("/app/", "/app/x.js", "https://cdn.example/", "https://cdn.example/x.js",
		"sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=")}
	for _, c := range []struct{ in, want string }{
		{`<base href="/app/"><script src=x.js></script>`, `<base href="/app/"><script + src=x.js></script>`},
		{`<script src="app/x.js"></script>`, `<script + src="app/x.js"></script>`},
		{`<base href="https://cdn.example"><script src=x.js></script>`, `<base href="https://cdn.example"><script + src=x.js></script>`},
		{`<base href="//evil.example/"><script src=x.js></script><script>a</script>`, `<base href="//evil.example/"><script src=x.js></script><script>a</script>`},
		{`<base href="/app/"><base href="//evil.example/"><script>a</script>`, `<base href="/app/"><base href="//evil.example/"><script>a</script>`},
		{`<base href="/app/"><base href="/app/"><script>a</script>`, `<base href="/app/"><base href="/app/"><script +>a</script>`},
		{`<base href="/app/"><base href="https://cdn.example/"><script>a</script>`, `<base href="/app/"><base href="https://cdn.example/"><script>a</script>`},
		{`<template><base href="/app/"></template><script src=x.js></script><script>a</script>`, `<template><base href="/app/"></template><script src=x.js></script><script +>a</script>`},
		{`<base target=x><script>a</script><base href=x><script>a</script>`, `<base target=x><script +>a</script><base href=x><script>a</script>`},
		{`<base href="/app&sol;"><script src="&#120;.js"></script>`, `<base href="/app&sol;"><script + src="&#120;.js"></script>`},
		{`<base href="/app&eacute;"><script>a</script>`, `<base href="/app&eacute;"><script>a</script>`},
		{`<svg><base href=x></svg><script>a</script>`, `<svg><base href=x></svg><script +>a</script>`},
		{`<select><base href="/app/"></select><script>a</script>`, `<select><base href="/app/"></select><script>a</script>`},
	} {
		want := strings.ReplaceAll(c.want, "+", `nonce="m"`)
		if got, _ := everySplit(t, &o, Page{Nonce: "m", URL: "https://shop.example/"}, c.in); got != want {
			t.Errorf("%q:\n got %q\nwant %q", c.in, got, want)
		}
	}
}
