package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// typeRoutes enforce on what is a page, and let nothing run on it.
const typeRoutes = `[{"match": {"prefix": "/types/"}, "trust": "inventory", "unrewritable": "header_only", "enforce": "script-src 'self'"}]`

// contentTypes are ways to say text/html, or nearly, or nothing: values of the
// header Content-Type, several headers where there are several.
var contentTypes = [][]string{
	{"text/html"}, {"TEXT/HTML"}, {" text/html ; charset=utf-8"}, {"text/html;"}, {"text/html;charset=\"a,b\""}, {},
	{"text/html(comment)"}, {"text/html comment"}, {"text/html,"}, {"text/html, bogus"}, {"text/html, */*"}, {"bogus, text/html"},
	{"text/plain, text/html"}, {"text/html, text/plain"}, {"text/html, text/html;charset=utf-8"}, {"text/html", "text/html; charset=utf-8"}, {"text/plain", "text/html"},
	{"bogus"}, {"*/*"}, {"unknown/unknown"}, {"application/unknown"}, {"text/"}, {"/html"}, {";charset=utf-8"},
	{"text/plain"}, {"application/octet-stream"}, {"application/json"}, {"text/html/x"}, {"text/htmlx"}, {"x/html"},
}

// typesApp answers with the same page under the types that it is asked for,
// and with pages that show such pages: /frames all, in the order of
// contentTypes, /image one that it takes for an image.
func typesApp(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/frames":
		asHTML(w)
		fmt.Fprint(w, `<!doctype html><title>frames</title><script>ran = []</script>`)
		for _, values := range contentTypes {
			fmt.Fprintf(w, `<iframe src="/types/page?%s"></iframe>`, url.Values{"type": values}.Encode())
		}
		return
	case "/image":
		asHTML(w)
		fmt.Fprintf(w, `<!doctype html><title>before</title><img src="/types/page?%s">`, r.URL.RawQuery)
		return
	}
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	fmt.Fprint(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: max-age=600\r\n")
	for _, value := range r.URL.Query()["type"] {
		fmt.Fprintf(connection, "Content-Type: %s\r\n", value)
	}
	fmt.Fprint(connection, "\r\n<!doctype html><html><title>no</title><script>document.title = 'ran'; parent.ran.push(location.search)</script>")
}

// shownAsPages are the queries of the pages whose scripts ran in frames.
func shownAsPages(b *tab, site string) []string {
	b.t.Helper()
	b.open(site + "/frames")
	time.Sleep(300 * time.Millisecond) // for downloads, which no event tells of
	return js[[]string](b, `ran`)
}

// Whatever a browser shows as a page has its policy.
func testContentTypes(e *edge) {
	e.serve(http.HandlerFunc(typesApp))
	b := newTab(e.t)
	pages := shownAsPages(b, e.AppURL())
	for _, query := range pages {
		if response, _ := e.ask(e.http1, http.MethodGet, e.plain+"/types/page"+query); response.Header.Get(enforced) == "" {
			e.t.Errorf("%s: Chromium shows a page, the filter gave it no policy", query)
		}
	}
	if ran := shownAsPages(b, e.plain); len(ran) > 0 {
		e.t.Errorf("behind the filter these ran: %q", ran)
	}
	if len(pages) < 15 || len(pages) == len(contentTypes) {
		e.t.Errorf("Chromium showed %d of %d as pages", len(pages), len(contentTypes))
	}
}

// A page of an unknown type that was first asked for as an image, which takes
// an attacker no script, is shown from the cache later.
func testPageFirstAskedForAsImage(e *edge) {
	app := &recorder{}
	e.serve(app.inFront(http.HandlerFunc(typesApp)))
	for i, values := range [][]string{{"text/html"}, {}, {"unknown/unknown"}} {
		query := url.Values{"type": values, "n": {fmt.Sprint(i)}}.Encode()
		b := newTab(e.t)
		b.open(e.plain + "/image?" + query)
		response := b.open(e.plain + "/types/page?" + query)
		if asked := app.of(func(r *http.Request) bool { return r.URL.Path == "/types/page" && r.URL.RawQuery == query }); len(asked) != 1 {
			e.t.Errorf("content-type %q: asked for %d times; the image was not kept, and this test sees nothing", values, len(asked))
		}
		if title := js[string](b, `document.title`); title != "no" || header(response, enforced) == "" {
			e.t.Errorf("content-type %q, first as an image: title %q, policy %q", values, title, header(response, enforced))
		}
	}
}
