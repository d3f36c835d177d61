package e2e

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/core/rewrite"
)

//go:embed testdata/rewrite/driver.html
var rewriteDriver string

const rewriteNonce = "bm9uY2Ugb2YgdGhlIHRlc3Q"

// rewritePolicy lets run what carries the nonce and nothing else.
const rewritePolicy = "script-src 'nonce-" + rewriteNonce + "'; style-src 'nonce-" + rewriteNonce + "'"

// A rewritePage is one answer of the site.
type rewritePage struct {
	body, policy string
}

// rewriteSite serves pages by their number.
type rewriteSite struct{ pages []rewritePage }

func (s *rewriteSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/page/"))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	switch {
	case r.URL.Path == "/driver":
		fmt.Fprint(w, rewriteDriver)
	case err != nil || n >= len(s.pages):
		http.Error(w, "no such page", http.StatusNotFound)
	default:
		if p := s.pages[n].policy; p != "" {
			w.Header().Set("Content-Security-Policy", p)
		}
		fmt.Fprint(w, s.pages[n].body)
	}
}

func (s *rewriteSite) add(body, policy string) {
	s.pages = append(s.pages, rewritePage{body, policy})
}

// visitAll loads all pages, and returns what ran in each.
func (s *rewriteSite) visitAll(t *testing.T) [][]string {
	t.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	b := newTab(t)
	b.open(server.URL + "/driver")
	var all [][]string
	for from := 0; from < len(s.pages); from += 100 {
		type visit struct {
			URL    string   `json:"url"`
			Styles []string `json:"styles"`
		}
		var visits []visit
		for i := from; i < min(from+100, len(s.pages)); i++ {
			styles := []string{}
			for _, m := range styleMark.FindAllStringSubmatch(s.pages[i].body, -1) {
				styles = append(styles, m[1])
			}
			visits = append(visits, visit{"/page/" + strconv.Itoa(i), styles})
		}
		list, err := json.Marshal(visits)
		if err != nil {
			t.Fatal(err)
		}
		js[bool](b, "window.results = null, visitAll("+string(list)+").then(all => window.results = all), true")
		b.until("window.results !== null")
		all = append(all, js[[][]string](b, "window.results")...)
	}
	return all
}

var styleMark = regexp.MustCompile(`--s(\d+):`)

// rewritePieces make up the generated pages. # becomes a number of its own in each.
var rewritePieces = []string{
	"<script>parent.ran(#)</script>", "<script>parent.ran(#)</script>", "<style>:root{--s#:1}</style>", "<style>:root{--s#:1}</style>",
	"<svg>", "</svg>", "<svg/>", "<math>", "</math>", "<g>", "</g>", "<path/></path>", "<foreignObject>", "</foreignObject>", "<desc>", "</desc>",
	"<mi>", "</mi>", "<mglyph>", "<annotation-xml>", `<annotation-xml encoding="text/html">`, "</annotation-xml>", "<font>", "<font size=1>", "</font>",
	"<title>", "</title>", "<textarea>", "</textarea>", "<xmp>", "</xmp>", "<noscript>", "</noscript>", "<noframes>", "</noframes>", "<iframe>", "</iframe>",
	"<template>", "</template>", "<select>", "</select>", "<option>", "<input>", "<table>", "</table>", "<tr>", "<td>", "</td>", "<col>", "<caption>",
	"<p>", "</p>", "<br>", "</br>", "<div>", "</div>", "<b>", "</b>", "<a>", "</a>", "<li>", "<h1>", "</h1>", "<button>", "</button>", "<form>", "</form>",
	"<![CDATA[", "]]>", "<!--", "-->", "--!>", "<!-->", "<?x>", "</ x>", "<!x>", "<p a='", `<p a="`, "<p a=", ">", "'", `"`, "/>", "<", "x",
	"<script>\"<!--<script>\"</script>", "<script>\"<!--\"</script>", "<script/>", "</script>", "<style>", "</style>", "<body>", "</body>", "<head>", "</head>", "<html>",
	"<SCRIPT a b=c>parent.ran(#)</SCRIPT >", "<script a a>parent.ran(#)</script>", "<script a='<style'>parent.ran(#)</script>", "<script nonce=x>parent.ran(#)</script>",
	"<svg><script>parent.ran(#)</script></svg>", "<svg><style>:root{--s#:1}</style></svg>",
}

// generatePages returns seeded pages, and some that were hard before.
func generatePages(seed uint64, n int) []string {
	r := rand.New(rand.NewPCG(seed, 0))
	pages := []string{
		"<svg></p><style><script>parent.ran(#)</script></style>",
		"<div><svg></div><style><script>parent.ran(#)</script></style>",
		"<svg><desc><template><style><script>parent.ran(#)</script></style></template></desc><script>parent.ran(#)</script></svg>",
		"<math><mi><template></mi><style>:root{--s#:1}</style></template></mi><script>parent.ran(#)</script></math>",
		"<select><template><style></template><script>parent.ran(#)</script></select><style>:root{--s#:1}</style>",
		"<select><svg><path/></svg><option></select><script>parent.ran(#)</script>",
		"<template><col><style><script>parent.ran(#)</script></style></template>",
		"<frameset><noframes><script>parent.ran(#)</script></noframes></frameset>",
	}
	for len(pages) < n {
		var b strings.Builder
		for range 3 + r.IntN(14) {
			b.WriteString(rewritePieces[r.IntN(len(rewritePieces))])
		}
		pages = append(pages, b.String()+[]string{"", "<script>parent.ran(#)</script>", "<style>:root{--s#:1}</style><script>parent.ran(#)</script>"}[r.IntN(3)])
	}
	for i := range pages {
		for k := 1; strings.Contains(pages[i], "#"); k++ {
			pages[i] = strings.Replace(pages[i], "#", strconv.Itoa(k), 1)
		}
		pages[i] = "<!DOCTYPE html>" + pages[i]
	}
	return pages
}

// approvedCode approves every inline block with an odd number.
func approvedCode(t *testing.T) *rewrite.Approvals {
	t.Helper()
	g := rewrite.NewLedger()
	var page strings.Builder
	for k := 1; k < 60; k += 2 {
		fmt.Fprintf(&page, "<script>parent.ran(%d)</script><style>:root{--s%d:1}</style>", k, k)
	}
	rewriteWhole(&rewrite.Options{}, rewrite.Page{Inventory: g}, page.String())
	var list []string
	for _, e := range g.Entries() {
		list = append(list, e.Hash)
	}
	a, err := rewrite.NewApprovals(list)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func rewriteWhole(o *rewrite.Options, p rewrite.Page, in string) (string, rewrite.Counts) {
	var s rewrite.Stream
	s.Reset(o, p)
	return string(s.Close(s.Write(nil, []byte(in)))), s.Counts()
}

func odd(mark string) bool {
	n, err := strconv.Atoi(strings.TrimPrefix(mark, "s"))
	return err == nil && n%2 == 1
}

// TestRewriterAgreesWithChromium lets Chromium run generated pages as they are, and rewritten in each trust mode under a policy that admits the nonce
// alone. What runs must be what the mode allows of what ran before: all of it where the rewriter did not give up, and never more.
func TestRewriterAgreesWithChromium(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	pages := generatePages(seed, 150)
	all := &rewrite.Options{Trust: rewrite.All, Scripts: true, Styles: true}
	some := &rewrite.Options{Trust: rewrite.Inventory, Scripts: true, Styles: true, Approved: approvedCode(t)}
	none := &rewrite.Options{Trust: rewrite.Upstream, Scripts: true, Styles: true}
	modes := []*rewrite.Options{all, some, none}
	site := &rewriteSite{}
	var counts []rewrite.Counts
	for _, page := range pages {
		site.add(page, "")
		for _, o := range modes {
			out, c := rewriteWhole(o, rewrite.Page{Nonce: rewriteNonce, Charset: "utf-8"}, page)
			site.add(out, rewritePolicy)
			counts = append(counts, c)
		}
	}
	ran := site.visitAll(t)
	total, gaveUp := 0, 0
	for i, page := range pages {
		before := ran[i*4]
		total += len(before)
		for m, o := range modes {
			got, c := ran[i*4+1+m], counts[i*3+m]
			want := allowed(o.Trust, before)
			if c.GaveUp != rewrite.Going {
				gaveUp++
			}
			sure := c.GaveUp == rewrite.Going && c.Suspect == 0
			if extra := without(got, want); len(extra) > 0 || sure && len(got) != len(want) {
				t.Errorf("trust %d of %q:\nran %q, want %q (%+v)\n%s", o.Trust, page, got, want, c, site.pages[i*4+1+m].body)
			}
		}
	}
	t.Logf("%d pages, %d blocks ran; gave up on %d of %d", len(pages), total, gaveUp, len(counts))
	if total < len(pages)/2 {
		t.Error("hardly anything ran; the test sees nothing")
	}
}

func allowed(trust rewrite.Trust, before []string) []string {
	switch trust {
	case rewrite.All:
		return before
	case rewrite.Inventory:
		return slices.DeleteFunc(slices.Clone(before), func(s string) bool { return !odd(s) })
	}
	return nil
}

func without(list, less []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(less, s) })
}

// TestInventoryAgreesWithChromium lets Chromium run code by the hashes that the ledger gives, and compares the samples that it reports.
func TestInventoryAgreesWithChromium(t *testing.T) {
	site := &rewriteSite{}
	cases := []struct{ page, directive string }{
		{"<script>parent.ran(1)</script>", "script-src"},
		{"<script>\r\n parent.ran(1)\r// \u00e9\u4e16\U0001F600 and a comment that is long enough to be cut</script>", "script-src"},
		{"<script>\tparent.ran(1) // \x00</script>", "script-src"},
		{"<style>:root{--s1:1}\r\n</style>", "style-src"},
		{`<img src="data:," onerror="parent.ran(&quot;1&quot;) &amp;&amp; 'a rather long handler that is cut'">`, "script-src 'unsafe-hashes'"},
		{`<html style="--s1:1;color:red;background:url(data:,&quot;a&quot;)">`, "style-src 'unsafe-hashes'"},
		{`<svg><script>parent.ran(1)</script></svg>`, "script-src"},
		{`<iframe src="javascript:parent.parent.ran(1)"></iframe>`, "script-src 'unsafe-hashes'"},
	}
	const listen = `<script nonce=h>addEventListener("securitypolicyviolation", e => parent.violated(e.sample))</script>`
	var entries []rewrite.Entry
	for _, c := range cases {
		g := rewrite.NewLedger()
		rewriteWhole(&rewrite.Options{}, rewrite.Page{Inventory: g, Charset: "utf-8"}, c.page)
		e := g.Entries()
		if len(e) != 1 || e[0].Hash == "" {
			t.Fatalf("%q: %+v", c.page, e)
		}
		entries = append(entries, e[0])
		site.add(c.page, c.directive+" '"+e[0].Hash+"'")
		site.add("<!DOCTYPE html>"+listen+c.page, "script-src 'nonce-h' 'report-sample'; style-src 'report-sample'")
	}
	ran := site.visitAll(t)
	for i, c := range cases {
		if got := ran[2*i]; len(got) != 1 || strings.TrimPrefix(got[0], "s") != "1" {
			t.Errorf("%q does not run by its hash %s: %q", c.page, entries[i].Hash, got)
		}
		if want := "sample " + entries[i].Sample; !slices.Contains(ran[2*i+1], want) {
			t.Errorf("%q: samples %q, want %q", c.page, ran[2*i+1], want)
		}
	}
}

// TestURLsAgreeWithChromium compares how references are resolved. Those that the rewriter does not try are noted as they are written.
func TestURLsAgreeWithChromium(t *testing.T) {
	const page = "https://shop.example/a/b/c?q"
	refs := []string{
		"https://x.example", " HTTPS://X.Example:443/a#b ", "http://x.example:80?q", "//x.example/a", "/x", "x", "./x", "../x?y=../z", "../../../x", "..", ".",
		"%2E%2e/x", ".%2e", "...", "x//y/", "?x", "", "#x", "a b\"?a b'c\"|", "a:b", "./a:b", ":a", "https:x", "https:/x.example", "https:///x.example",
		"https://user@x.example/", "https://x%2eexample/", "https://[::1]/", "https://127.1/", "https://0x7f.0.0.1/", "https://1.2.3.4.5/", "https://127.0.0.01/",
		"https://x.example:065/", "https:\\\\x.example", "/a\\b", "/a\tb", "/\u00e9?\u00e9", "/a^b`{}|<>?`{}|<>^", "/%zz/%41", "/a;b=c,d!$&'()*+~@:", "https://x_y.example.", "x?y?z#a#b",
	}
	b := newTab(t)
	b.open("about:blank")
	compared := 0
	for _, ref := range refs {
		g := rewrite.NewLedger()
		in := `<script src="` + strings.NewReplacer("&", "&amp;", `"`, "&quot;").Replace(ref) + `"></script>`
		rewriteWhole(&rewrite.Options{}, rewrite.Page{URL: page, Inventory: g}, in)
		got := g.Entries()[0].Text
		quoted, err := json.Marshal([]string{ref, page})
		if err != nil {
			t.Fatal(err)
		}
		want, _, _ := strings.Cut(js[string](b, `(([ref, page]) => { try { return new URL(ref, page).href } catch { return "" } })(`+string(quoted)+`)`), "#")
		if got == ref {
			continue
		}
		if compared++; got != want {
			t.Errorf("%q: %q, Chromium has %q", ref, got, want)
		}
	}
	if compared < 20 {
		t.Errorf("only %d were compared", compared)
	}
}
