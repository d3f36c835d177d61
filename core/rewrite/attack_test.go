package rewrite

import (
	"strconv"
	"strings"
	"testing"
)

// padding is n attributes.
func padding(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a" + strconv.Itoa(i))
	}
	return b.String()
}

// A base, or what decides whether one is HTML, must not hide behind more attributes than are read.
func TestHiddenAttributes(t *testing.T) {
	o := Options{Trust: Inventory, Scripts: true, Approved: mustApprove("/a.js", "/base/")}
	for _, c := range []struct {
		in     string
		counts Counts
	}{
		{`<base` + padding(MaxAttrs-1) + ` href=/base/><script src=../a.js></script>`, Counts{Stamped: 1}},
		{`<base` + padding(MaxAttrs) + ` href=/base/><script src=/a.js></script>`, Counts{Bases: 1, Unapproved: 1}},
		{`<base href=/base/` + padding(MaxAttrs) + `><script src=/a.js></script>`, Counts{Bases: 1, Unapproved: 1}},
		{`<svg><font` + padding(MaxAttrs-1) + ` size=1><base href=//evil.example/></svg><script src=/a.js></script>`, Counts{Bases: 1, Unapproved: 1}},
		{`<svg><font` + padding(MaxAttrs) + ` size=1><base href=//evil.example/></svg><script src=/a.js></script>`, Counts{GaveUp: Unsure}},
		{`<math><annotation-xml` + padding(MaxAttrs) + ` encoding=text/html><base href=//evil.example/></math><script src=/a.js></script>`, Counts{GaveUp: Unsure}},
	} {
		if _, n := everySplit(t, &o, Page{Nonce: "m", URL: "https://shop.example/"}, c.in); n != c.counts {
			t.Errorf("%.40q: %+v, want %+v", c.in, n, c.counts)
		}
	}
}

// What a browser resolves late is approved only where a base that follows can't change it.
func TestLateBase(t *testing.T) {
	o := Options{Trust: Inventory, Scripts: true, Styles: true, Approved: mustApprove("/a.js", "https://shop.example/a.css", "https://cdn.example/b.js")}
	for _, c := range []struct{ in, want string }{
		{`<svg><script href=/a.js><foreignObject><base href=//evil.example/></foreignObject></script></svg>`,
			`<svg><script href=/a.js><foreignObject><base href=//evil.example/></foreignObject></script></svg>`},
		{`<svg><script xlink:href=/a.js></script></svg>`, `<svg><script xlink:href=/a.js></script></svg>`},
		{`<svg><script href="//cdn.example/b.js"></script></svg>`, `<svg><script href="//cdn.example/b.js"></script></svg>`},
		{`<svg><script href=/a.js /><script href=" https://cdn.example/b.js"></script></svg>`,
			`<svg><script + href=/a.js /><script + href=" https://cdn.example/b.js"></script></svg>`},
		{`<link rel=stylesheet href=/a.css><select></select><link rel=stylesheet href=/a.css><link rel=stylesheet href=https://shop.example/a.css><script src=/a.js></script>`,
			`<link + rel=stylesheet href=/a.css><select></select><link rel=stylesheet href=/a.css><link + rel=stylesheet href=https://shop.example/a.css><script + src=/a.js></script>`},
		{`<select><option><table><td></select><link rel=stylesheet href=/a.css>`, `<select><option><table><td></select><link rel=stylesheet href=/a.css>`},
	} {
		want := strings.ReplaceAll(c.want, "+", `nonce="m"`)
		if got, _ := everySplit(t, &o, Page{Nonce: "m", URL: "https://shop.example/"}, c.in); got != want {
			t.Errorf("%q:\n got %q\nwant %q", c.in, got, want)
		}
	}
}
