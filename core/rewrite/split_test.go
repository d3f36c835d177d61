package rewrite

import (
	"regexp"
	"strings"
	"testing"
)

var both = Options{Trust: All, Scripts: true, Styles: true}

// whole rewrites a document in one chunk.
func whole(o *Options, p Page, in string) (string, Counts) {
	return chunked(o, p, in, len(in))
}

// chunked rewrites a document in chunks of n bytes, and checks what Scan, Held and AppendEdited promise on the way.
func chunked(o *Options, p Page, in string, n int) (string, Counts) {
	var cuts []int
	for i := n; i < len(in); i += n {
		cuts = append(cuts, i)
	}
	return cutAt(o, p, in, cuts...)
}

func cutAt(o *Options, p Page, in string, cuts ...int) (string, Counts) {
	var s Stream
	s.Reset(o, p)
	var out []byte
	from := 0
	for _, c := range append(cuts, len(in)) {
		chunk := []byte(in[from:c])
		given := in[from-s.Held() : c]
		from = c
		out = append(out, step(&s, given, chunk)...)
		for i := range chunk {
			chunk[i] = 'X' // the stream must not keep it
		}
	}
	held := in[len(in)-s.Held():]
	end := s.Close(nil)
	if !strings.HasPrefix(string(end), held) {
		panic("Close does not give what was held")
	}
	return string(append(out, end...)), s.Counts()
}

// step scans one chunk; given is what was held before and the chunk.
func step(s *Stream, given string, chunk []byte) []byte {
	changed := s.Scan(chunk)
	out := s.Append(nil)
	kept := given[:len(given)-s.Held()]
	if !changed && string(out) != kept {
		panic("unchanged output differs: " + string(out))
	}
	if changed == s.Unchanged() {
		panic("Scan and Unchanged disagree")
	}
	if part, n := s.AppendEdited(nil); string(part)+kept[n:] != string(out) {
		panic("AppendEdited differs: " + string(part))
	}
	return out
}

// everySplit checks that a document comes out the same however it is split in two or into single bytes.
func everySplit(t *testing.T, o *Options, p Page, in string) (string, Counts) {
	t.Helper()
	want, counts := whole(o, p, in)
	check := func(what string, n int, got string, c Counts) {
		if got != want || c != counts {
			t.Errorf("%s %d of %q:\n got %q %+v\nwant %q %+v", what, n, in, got, c, want, counts)
		}
	}
	for i := 0; i <= len(in); i++ {
		got, c := cutAt(o, p, in, i)
		check("cut at", i, got, c)
	}
	for _, n := range []int{1, 2, 3, 5, 7} {
		got, c := chunked(o, p, in, n)
		check("chunks of", n, got, c)
	}
	return want, counts
}

func TestStampAll(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"script", `<script>a</script>`, `<script +>a</script>`},
		{"upper case", `<SCRIPT SRC=a></SCRIPT >`, `<SCRIPT + SRC=a></SCRIPT >`},
		{"style", `<style>a</style>`, `<style +>a</style>`},
		{"slash", `<script/src=a></script>`, `<script +/src=a></script>`},
		{"in an attribute", `<a title="<script>" b='<script>' c=<script>d`, `<a title="<script>" b='<script>' c=<script>d`},
		{"in a comment", `<!-- <script> --><script></script>`, `<!-- <script> --><script +></script>`},
		{"abrupt comment", `<!--><script></script>--><!---><script></script>`, `<!--><script +></script>--><!---><script +></script>`},
		{"bang comment", `<!--a--!><script></script><!--!><script></script>-->`, `<!--a--!><script +></script><!--!><script></script>-->`},
		{"in textarea", `<textarea><script></script></textarea><script></script>`, `<textarea><script></script></textarea><script +></script>`},
		{"in title", `<title><script></title ><script></script>`, `<title><script></title ><script +></script>`},
		{"in a script's string", `<script>"<script>"</script><script></script>`, `<script +>"<script>"</script><script +></script>`},
		{"escaped", `<script><!--<script></script><script>--></script><script></script>`, `<script +><!--<script></script><script>--></script><script +></script>`},
		{"escaped at once", `<script><!--><script></script><script></script>`, `<script +><!--><script></script><script +></script>`},
		{"escaped, ended", `<script><!--</script><script></script>`, `<script +><!--</script><script +></script>`},
		{"end tag with attributes", `<script></script a=">"><script></script>`, `<script +></script a=">"><script +></script>`},
		{"noscript", `<noscript><script></script></noscript>`, `<noscript><script></script></noscript>`},
		{"plaintext", `<plaintext><script></script></plaintext><script>`, `<plaintext><script></script></plaintext><script>`},
		{"doctype", `<!doctype html PUBLIC "><script></script>`, `<!doctype html PUBLIC "><script +></script>`},
		{"bogus", `<?xml "?><script></script></ a="><script></script>`, `<?xml "?><script +></script></ a="><script +></script>`},
		{"cdata in html", `<![CDATA[><script></script>]]>`, `<![CDATA[><script +></script>]]>`},
		{"cdata in svg", `<svg><![CDATA[><script></script>]]></svg><script></script>`, `<svg><![CDATA[><script></script>]]></svg><script +></script>`},
		{"svg", `<svg><style><script>1</script></style></svg>`, `<svg><style +><script +>1</script></style></svg>`},
		{"svg script empty", `<svg><script href=a /></svg><script></script>`, `<svg><script + href=a /></svg><script +></script>`},
		{"svg title", `<svg><title><script></script></title></svg>`, `<svg><title><script +></script></title></svg>`},
		{"math", `<math><script></script><mi><script></script></mi></math>`, `<math><script></script><mi><script +></script></mi></math>`},
		{"nul", "<scr\x00ipt></script><script\x00></script>", "<scr\x00ipt></script><script\x00></script>"},
		{"replace", `<script nonce="old" src=a></script><script nonce></script><script a nonce = 'b'c></script>`, `<script * src=a></script><script *></script><script a *c></script>`},
		{"kept", `<script nonce="theirs"></script><script nonce=m></script>`, `<script nonce="theirs"></script><script nonce=m></script>`},
		{"duplicate", `<script a A></script><script nonce=a nonce=b>`, `<script a A></script><script nonce=a nonce=b>`},
		{"dangling", `<script src=//evil a="<script src=b></script>">`, `<script src=//evil a="<script src=b></script>">`},
		{"dangling, encoded", `<script a="&lt;scr&#105;pt"></script>`, `<script a="&lt;scr&#105;pt"></script>`},
		{"equals", `<a ="x><script></script>`, `<a ="x><script +></script>`},
		{"link", `<link rel="x Stylesheet"><link rel=preload as=script><link rel=preload as=image><link rel=modulepreload><link>`, `<link + rel="x Stylesheet"><link + rel=preload as=script><link rel=preload as=image><link + rel=modulepreload><link>`},
		{"unfinished", `<p><script src="`, `<p><script src="`},
		{"less than", `a< b<<script></script>< script`, `a< b<<script +></script>< script`},
		{"long name", "<" + strings.Repeat("s", 80) + `="><script></script>`, "<" + strings.Repeat("s", 80) + `="><script +></script>`},
		{"template", `<template><script></script></template>`, `<template><script +></script></template>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := strings.NewReplacer("+", `nonce="m"`, "*", `nonce="m"`).Replace(c.want)
			got, _ := everySplit(t, &both, Page{Nonce: "m", UpstreamNonces: []string{"theirs"}}, c.in)
			if got != want {
				t.Errorf("%q:\n got %q\nwant %q", c.in, got, want)
			}
		})
	}
}

var anyNonce = regexp.MustCompile(` nonce="[^"]*"`)

func TestSplitPages(t *testing.T) {
	for name, page := range pages(t) {
		want, counts := whole(&both, Page{Nonce: "abc"}, page)
		for _, n := range []int{13, 1000, 16 << 10} {
			if got, c := chunked(&both, Page{Nonce: "abc"}, page, n); got != want || c != counts {
				t.Errorf("%s in chunks of %d differs", name, n)
			}
		}
		if back := anyNonce.ReplaceAllString(want, ""); back != anyNonce.ReplaceAllString(page, "") {
			t.Errorf("%s: output less insertions is not the input", name)
		}
		if n := strings.Count(want, ` nonce="abc"`); n != counts.Stamped || counts.GaveUp != Going {
			t.Errorf("%s: %d nonces, %+v", name, n, counts)
		}
	}
}

func TestInventoryTrust(t *testing.T) {
	a, err := NewApprovals([]string{
		"'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='", // a
		"https://cdn.example/a.js?x=1",
	})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Trust: Inventory, Scripts: true, Styles: true, Approved: a}
	for _, c := range []struct{ in, want string }{
		{`<script>a</script><script>b</script>`, `<script +>a</script><script>b</script>`},
		{`<script>a </script>`, `<script>a </script>`},
		{`<style>a</style x>`, `<style +>a</style x>`},
		{`<script src="https://cdn.example/a.js?x=1">b</script>`, `<script + src="https://cdn.example/a.js?x=1">b</script>`},
		{`<script src="https://cdn.example/a.js">a</script>`, `<script src="https://cdn.example/a.js">a</script>`},
		{`<svg><script>a</script><script>a<b></script></svg>`, `<svg><script +>a</script><script>a<b></script></svg>`},
		{`<base href=//evil><script>a</script>`, `<base href=//evil><script>a</script>`},
		{`<script>a`, `<script>a`},
		{`<script src>a</script>`, `<script src>a</script>`},
	} {
		want := strings.ReplaceAll(c.want, "+", `nonce="m"`)
		if got, _ := everySplit(t, &o, Page{Nonce: "m"}, c.in); got != want {
			t.Errorf("%q:\n got %q\nwant %q", c.in, got, want)
		}
	}
}

func TestUpstreamTrust(t *testing.T) {
	o := Options{Trust: Upstream, Scripts: true, Styles: true}
	in := `<script nonce=m></script><script nonce=old></script><style></style><script a a></script>`
	got, c := everySplit(t, &o, Page{Nonce: "m"}, in)
	if want := (Counts{Kept: 1, Foreign: 1, Bare: 1, Suspect: 1}); got != in || c != want {
		t.Errorf("%q %+v", got, c)
	}
}

func TestPlace(t *testing.T) {
	head := Options{Trust: All, Scripts: true, Place: Head}
	end := Options{Place: BodyEnd}
	for _, c := range []struct {
		o        *Options
		in, want string
	}{
		{&head, `<!doctype html><title>a</title><script></script>`, `<!doctype html><title>a</title>!<script +></script>`},
		{&head, `<html><head> <!--a--><meta name=a><meta charset=utf-8><script></script>`, `<html><head> <!--a--><meta name=a><meta charset=utf-8>!<script +></script>`},
		{&head, `<html><head><meta http-equiv=Content-Security-Policy content=a><meta charset=utf-8>`, `<html><head>!<meta http-equiv=Content-Security-Policy content=a><meta charset=utf-8>`},
		{&head, `<head></head>`, `<head>!</head>`},
		{&head, `<body><p>`, `!<body><p>`},
		{&head, "\xef\xbb\xbf<!doctype html> text", "\xef\xbb\xbf<!doctype html> !text"},
		{&head, `<!doctype html><title>a</title>`, `<!doctype html><title>a</title>!`},
		{&head, `<div><script></script></div>`, `<div><script +></script></div>`},
		{&head, `text`, `text`},
		{&head, `<!doctype html><5`, `<!doctype html>!<5`},
		{&end, `<body><script>"</body>"</script><!--</body>--><a b="</body>"></body></html>`, `<body><script>"</body>"</script><!--</body>--><a b="</body>">!</body></html>`},
		{&end, `<!doctype html><p></html>`, `<!doctype html><p>!</html>`},
		{&end, `<!doctype html><p>`, `<!doctype html><p>!`},
		{&end, `<!doctype html><template></body></template>`, `<!doctype html><template></body></template>!`},
		{&end, `<!doctype html><!--`, `<!doctype html><!--`},
		{&end, `<p></p>`, `<p></p>`},
	} {
		want := strings.NewReplacer("+", `nonce="m"`, "!", "SNIPPET").Replace(strings.ReplaceAll(c.want, "<!", "\x01"))
		want = strings.ReplaceAll(want, "\x01", "<!")
		got, n := everySplit(t, c.o, Page{Nonce: "m", Snippet: []byte("SNIPPET")}, c.in)
		if got != want || n.Injected != strings.Contains(want, "SNIPPET") {
			t.Errorf("%q:\n got %q\nwant %q", c.in, got, want)
		}
	}
}
