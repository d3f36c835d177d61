package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const cachedScript = `window.ran = "yes"`

// cacheRoutes are those of pages that the browser keeps.
var cacheRoutes = `[
	{"match": {"prefix": "/cache/upstream/"}, "trust": "upstream", "fragments": ["HX-Request"], "enforce": "script-src 'strict-dynamic'"},
	{"match": {"prefix": "/cache/inventory/"}, "trust": "inventory", "fragments": ["HX-Request"], "enforce": "script-src 'strict-dynamic'",
	 "approved": ["` + hashSource(cachedScript) + `", "/cache/own.js"]},
	{"match": {"prefix": "/cache/all/"}, "trust": "all", "insecure_trust_all": true, "fragments": ["HX-Request"], "enforce": "script-src 'strict-dynamic'"},
	{"match": {"prefix": "/cache/own.js"}, "trust": "upstream", "enforce": "script-src 'self'"}
]`

var cacheModes = []string{"upstream", "inventory", "all"}

// A cachedApp lets its pages be kept in several ways, by the last part of
// their path, and answers 304 whenever it is asked a condition.
type cachedApp struct {
	mu       sync.Mutex
	requests []*http.Request
}

func (a *cachedApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.requests = append(a.requests, r.Clone(r.Context()))
	a.mu.Unlock()
	h := w.Header()
	kind := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	switch kind {
	case "maxage", "fragment":
		h.Set("Cache-Control", "max-age=600")
	case "etag", "own.js":
		h.Set("Cache-Control", "no-cache")
		h.Set("Etag", `"1"`)
	case "weak":
		h.Set("Cache-Control", "max-age=0")
		h.Set("Etag", `W/"1"`)
	case "modified":
		h.Set("Cache-Control", "no-cache")
		h.Set("Last-Modified", "Sat, 01 Nov 2025 00:00:00 GMT")
	}
	if r.Header.Get("If-None-Match")+r.Header.Get("If-Modified-Since") != "" {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if kind == "own.js" {
		h.Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `window.own = "yes"`)
		return
	}
	asHTML(w)
	attribute := ""
	if nonce := r.Header.Get("X-Csp-Nonce"); nonce != "" {
		attribute = ` nonce="` + nonce + `"`
	}
	evil := `<script>window.evil = "yes"</script>`
	if strings.HasPrefix(r.URL.Path, "/cache/all/") {
		evil = "" // it would be stamped
	}
	fmt.Fprintf(w, `<!doctype html><title>%s</title><script%[2]s>%[3]s</script><script%[2]s src="/cache/own.js"></script><p>%[1]s</p>%[4]s`,
		kind, attribute, cachedScript, evil)
}

// of returns the requests for a path.
func (a *cachedApp) of(path string) []*http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(a.requests), func(r *http.Request) bool { return r.URL.Path != path })
}

// ranOnlyOwn fails the test unless the page's scripts ran and the injected one
// did not.
func ranOnlyOwn(b *tab, what string) {
	b.t.Helper()
	if ran := js[string](b, `[window.ran, window.own, window.evil].join()`); ran != "yes,yes," {
		b.t.Errorf("%s: the marks are %q, want those of the page's own scripts alone; the console says %q", what, ran, b.complaints())
	}
}

// travel goes through the history, "back" or "forward", to a page.
func (b *tab) travel(step, path string) {
	b.t.Helper()
	js[bool](b, `(setTimeout(() => history.`+step+`()), true)`)
	b.arrive(path)
}

// lock waits until the page has a lock. The browser throws a page away that it
// has frozen with that lock.
func (b *tab) lock() {
	b.t.Helper()
	js[bool](b, `(window.locked = false, navigator.locks.request("any", () => (window.locked = true, new Promise(() => {}))), true)`)
	b.until(`window.locked`)
}

// arrive waits until a page is there. While one page takes another's place
// there is nothing to ask.
func (b *tab) arrive(path string) {
	b.t.Helper()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(b.ctx, time.Second)
		there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.readyState == "complete" && location.pathname == "`+path+`"`))
		cancel()
		if err == nil && there {
			return
		}
		if time.Since(start) > patience {
			b.t.Fatalf("%s does not come: %v", path, err)
		}
	}
}

// However a browser keeps a page, the policy that it goes by is the one of the
// body that it shows.
func testBrowserCache(e *edge) {
	b := newTab(e.t)
	for _, mode := range cacheModes {
		for _, kind := range []string{"maxage", "etag", "weak", "modified", "plain"} {
			e.t.Run(mode+"/"+kind, func(t *testing.T) {
				b.t = t
				e.with(t).cached(b, "/cache/"+mode+"/", kind)
			})
		}
	}
}

func (e *edge) cached(b *tab, base, kind string) {
	app := &cachedApp{}
	e.serve(app)
	path, other := base+kind, base+"other"
	b.open(e.plain + path)
	ranOnlyOwn(b, "visited")
	b.open(e.plain + other)
	b.open(e.plain + path)
	ranOnlyOwn(b, "visited again")
	asked := len(app.of(path))
	if (kind == "maxage") != (asked == 1) {
		e.t.Errorf("visited twice it was asked for %d times; the cache is not what this test believes", asked)
	}
	b.open(e.plain + other)
	b.travel("back", path)
	ranOnlyOwn(b, "gone back to")
	js[bool](b, `window.before = true`)
	b.lock()
	b.travel("forward", other)
	b.lock() // and so the page that it comes from has to be loaded again
	b.travel("back", path)
	if js[bool](b, `window.before === true`) {
		e.t.Error("the page was frozen, not loaded again")
	}
	ranOnlyOwn(b, "gone back to, from the cache")
	if n := len(app.of(path)); n != asked {
		e.t.Errorf("for going back it was asked for %d times more", n-asked)
	}
	for _, what := range []string{"loaded anew", "loaded anew again"} {
		b.do(chromedp.Reload())
		ranOnlyOwn(b, what)
	}
	if n := len(app.of(path)); n != asked+2 {
		e.t.Errorf("for two reloads it was asked for %d times", n-asked)
	}
	for _, r := range app.of(path) {
		if r.Header.Get("If-None-Match")+r.Header.Get("If-Modified-Since") != "" {
			e.t.Errorf("the application was asked whether it changed: %v", r.Header)
		}
	}
	if !slices.ContainsFunc(app.of("/cache/own.js"), func(r *http.Request) bool { return r.Header.Get("If-None-Match") != "" }) {
		e.t.Error("the page's script was never asked for with its ETag")
	}
}

// What <link rel=prefetch> gets, Chromium shows as the page when it goes
// there: it has to have the page's policy, though it was not asked for as one.
func testPrefetch(e *edge) {
	app := &cachedApp{}
	e.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/before" {
			asHTML(w)
			fmt.Fprintf(w, `<!doctype html><title>before</title><link rel=prefetch href=%q>`, r.FormValue("href"))
			return
		}
		app.ServeHTTP(w, r)
	}))
	for _, mode := range cacheModes {
		path := "/cache/" + mode + "/maxage"
		b := newTab(e.t)
		b.open(e.plain + "/before?href=" + path)
		b.until(`performance.getEntriesByType("resource").some(entry => entry.responseEnd > 0)`)
		response := b.open(e.plain + path)
		requests := app.of(path)
		if len(requests) != 1 || requests[0].Header.Get("Sec-Fetch-Dest") != "empty" {
			e.t.Fatalf("%s was asked for %d times; the prefetched answer was not used, and this test sees nothing", path, len(requests))
		}
		if policy := header(response, enforced); !nonceIn.MatchString(policy) {
			e.t.Errorf("%s, prefetched: the policy is %q", path, policy)
		}
		ranOnlyOwn(b, path+" prefetched")
	}
}

// A fragment has no policy; so it must never be shown as a page.
func testFragment(e *edge) {
	app := &cachedApp{}
	e.serve(app)
	for _, mode := range cacheModes[:2] {
		path := "/cache/" + mode + "/fragment"
		// Without the filter what was fetched is shown as the page.
		for _, site := range []struct {
			base     string
			requests int
		}{{e.AppURL(), 1}, {e.plain, 2}} {
			before := len(app.of(path))
			b := newTab(e.t)
			b.open(site.base + "/cache/" + mode + "/plain")
			js[string](b, `(window.got = null, fetch("`+path+`", {headers: {"HX-Request": "true"}}).then(async r => {
				await r.text(); window.got = r.headers.get("Cache-Control") + "|" + r.headers.get("Content-Security-Policy") }), "")`)
			b.until(`window.got !== null`)
			fetched := js[string](b, `window.got`)
			response := b.open(site.base + path)
			if n := len(app.of(path)) - before; n != site.requests {
				e.t.Errorf("%s%s: fetched and then visited, it was asked for %d times, want %d", site.base, path, n, site.requests)
			}
			if site.base == e.AppURL() {
				continue
			}
			if fetched != "no-store|null" {
				e.t.Errorf("%s: the fragment has cache-control and policy %q", path, fetched)
			}
			if policy := header(response, enforced); !nonceIn.MatchString(policy) {
				e.t.Errorf("%s: after the fragment the page's policy is %q", path, policy)
			}
			ranOnlyOwn(b, path+" after it was fetched as a fragment")
		}
	}
}

// What was first asked for by a script, or as an image, does not break the
// page that is visited next: neither its policy nor its nonces are missing.
func testFetchedFirst(e *edge) {
	for _, mode := range cacheModes {
		for _, as := range []string{
			`fetch(path).then(r => r.text()).then(() => window.got = true)`,
			`Object.assign(new Image, {src: path, onerror: () => window.got = true})`,
		} {
			app := &cachedApp{}
			e.serve(app)
			b := newTab(e.t)
			path := "/cache/" + mode + "/maxage"
			b.open(e.plain + "/cache/" + mode + "/other")
			js[bool](b, `(window.got = false, window.path = "`+path+`", `+as+`, true)`)
			b.until(`window.got`)
			response := b.open(e.plain + path)
			if policy := header(response, enforced); !nonceIn.MatchString(policy) {
				e.t.Errorf("%s: the policy is %q", path, policy)
			}
			ranOnlyOwn(b, path+" after "+as)
			if asked := len(app.of(path)); mode == "upstream" && asked != 2 {
				e.t.Errorf("%s after %s: asked for %d times; no application stamped it the first time", path, as, asked)
			}
		}
	}
}
