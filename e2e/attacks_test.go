package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The scripts of the pages that are attacked leave marks, and so do those of
// the attacks: "evil".
const (
	firstScript = `top.marks = ["first"]`
	lastScript  = `top.marks.push("last")`
	evilScript  = `top.marks.push('evil')`
)

// attackRoutes enforce policies that know no origin, only nonces. That of
// inventory has no base-uri: there the filter alone decides.
var attackRoutes = `[
	{"match": {"prefix": "/attack/upstream/"}, "trust": "upstream", "enforce": "script-src 'strict-dynamic'; base-uri 'none'"},
	{"match": {"prefix": "/attack/inventory/"}, "trust": "inventory", "enforce": "script-src 'strict-dynamic'",
	 "approved": ["/attack/inventory/own.js", "` + hashSource(firstScript) + `", "` + hashSource(lastScript) + `"]},
	{"match": {"prefix": "/attack/all/"}, "report_only": "script-src 'self'"},
	{"match": {"prefix": "/attack/all-enforced/"}, "trust": "all", "insecure_trust_all": true, "enforce": "script-src 'strict-dynamic'"},
	{"match": {"prefix": "/attack/all-merged/"}, "trust": "all", "insecure_trust_all": true, "upstream_policy": "merge", "enforce": "script-src 'strict-dynamic'"}
]`

func hashSource(code string) string {
	sum := sha256.Sum256([]byte(code))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// A victim is an application that puts into its pages what it is given, by the
// request (?q=) or before (POST).
type victim struct {
	ownNonce bool // it enforces a nonce policy of its own, except with ?open

	mu     sync.Mutex
	stored string
	served int
}

func (v *victim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case strings.HasSuffix(r.URL.Path, "/own.js"):
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprintf(w, "top.marks.push(%q)", map[bool]string{false: "own.js", true: "evil"}[r.URL.Query().Has("evil")])
	case r.Method == http.MethodPost:
		text, _ := io.ReadAll(r.Body)
		v.stored = string(text)
	case strings.HasSuffix(r.URL.Path, "/stored"):
		v.page(w, r, v.stored)
	default:
		v.page(w, r, r.FormValue("q"))
	}
}

func (v *victim) page(w http.ResponseWriter, r *http.Request, injected string) {
	attribute := ""
	if nonce := r.Header.Get("X-Csp-Nonce"); nonce != "" {
		attribute = ` nonce="` + nonce + `"`
	}
	if v.ownNonce && !r.URL.Query().Has("open") {
		v.served++
		nonce := fmt.Sprintf("dGhlIGFwcHMgb3duIG%06d", v.served)
		attribute = ` nonce="` + nonce + `"`
		w.Header().Set(enforced, "script-src 'nonce-"+nonce+"'; base-uri 'none'")
	}
	asHTML(w)
	fmt.Fprintf(w, `<!doctype html><title>A page</title>
<script%[1]s>%[2]s</script>
<h1>Comments</h1><div>%[3]s
<script%[1]s src="own.js"></script></div>
<script%[1]s>%[4]s</script>`, attribute, firstScript, injected, lastScript)
}

// attacks is markup that runs a script where nothing prevents it; EVIL stands
// for the attacker's origin, OLD for the nonce of an earlier response.
var attacks = []struct{ name, markup string }{
	{"inline", `<script>` + evilScript + `</script>`},
	{"upper case", `<ScRiPt/x>` + evilScript + `</sCrIpT >`},
	{"external", `<script src="EVIL/own.js?evil"></script>`},
	{"an approved file's other query", `<script src="own.js?evil"></script>`},
	{"empty nonce", `<script nonce>` + evilScript + `</script>`},
	{"guessed nonce", `<script nonce="AAAAAAAAAAAAAAAAAAAAAAAA">` + evilScript + `</script>`},
	{"an older response's nonce", `<script nonce="OLD">` + evilScript + `</script>`},
	{"duplicate attributes", `<script nonce="AAAAAAAAAAAAAAAAAAAAAAAA" nonce="OLD" x x>` + evilScript + `</script>`},
	{"dangling in a value", `<script src="EVIL/own.js?evil" a="`},
	{"dangling unquoted value", `<script src="EVIL/own.js?evil" a=`},
	{"dangling attributes", `<script src="EVIL/own.js?evil" `},
	{"svg", `<svg><script>` + evilScript + `</script></svg>`},
	{"svg href", `<svg><script href="EVIL/own.js?evil" /></svg>`},
	{"srcdoc", `<iframe srcdoc="<script>` + evilScript + `</script>"></iframe>`},
	{"frame of a javascript URL", `<iframe src="javascript:` + evilScript + `"></iframe>`},
	{"handler", `<img src=x onerror="` + evilScript + `">`},
	{"noscript", `<noscript><p title="</noscript><script>` + evilScript + `</script>"></noscript>`},
	{"approved code in another's clothes", `<script>` + firstScript + `;` + evilScript + `</script>`},
}

// marks opens a page and tells what ran in it. Where evil is awaited it waits
// for that.
func marks(b *tab, page string, awaitEvil bool) []string {
	b.t.Helper()
	b.open(page)
	if awaitEvil {
		b.until(`(top.marks || []).includes("evil")`)
	} else {
		time.Sleep(50 * time.Millisecond) // for an image's error, after the load event
	}
	return js[[]string](b, `top.marks || []`)
}

func withoutEvil(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(mark string) bool { return mark == "evil" })
}

// attacked puts the attack into the site and returns the path of the page.
func (e *edge) attacked(base, how, markup string) string {
	if how == "reflected" {
		return base + how + "?q=" + url.QueryEscape(markup)
	}
	if response, _ := send(e.t, http.MethodPost, e.AppURL()+base+how, markup); response.StatusCode != http.StatusOK {
		e.t.Fatalf("storing the attack: status %d", response.StatusCode)
	}
	return base + how
}

// prepared puts the attacker's origin and an old nonce into an attack.
func prepared(markup, evil, old string) string {
	return strings.NewReplacer("EVIL", evil, "OLD", old).Replace(markup)
}

// What runs behind the filter is what runs without it, save for the attack.
func testAttacks(e *edge) {
	v := &victim{}
	evil := httptest.NewServer(v)
	defer evil.Close()
	e.serve(v)
	b := newTab(e.t)
	for _, base := range []string{"/attack/upstream/", "/attack/inventory/"} {
		response, _ := e.ask(e.http1, http.MethodGet, e.plain+base+"reflected")
		old := policyNonce(response.Header)
		for i, attack := range attacks {
			how := []string{"reflected", "stored"}[i%2]
			if attack.name == "inline" || attack.name == "an older response's nonce" {
				how = "stored"
				expectOnlyOwn(e, b, e.attacked(base, "reflected", prepared(attack.markup, evil.URL, old)), attack.name)
			}
			expectOnlyOwn(e, b, e.attacked(base, how, prepared(attack.markup, evil.URL, old)), attack.name)
		}
	}
}

func expectOnlyOwn(e *edge, b *tab, page, name string) {
	e.t.Helper()
	free := marks(b, e.AppURL()+page, true)
	got := marks(b, e.plain+page, false)
	if want := withoutEvil(free); !slices.Equal(got, want) || !slices.Contains(got, "first") || slices.Contains(got, "evil") {
		e.t.Errorf("%s at %s: %q ran, want %q; without the filter %q", name, page, got, want, free)
	}
}

// A base element moves relative scripts to the attacker's site. Under
// inventory they are no longer what was approved; under upstream base-uri
// takes care of it.
func testBaseInjection(e *edge) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, evilScript)
	}))
	defer elsewhere.Close()
	e.serve(&victim{})
	b := newTab(e.t)
	for _, c := range []struct {
		base string
		want []string
	}{
		{"/attack/upstream/", []string{"first", "own.js", "last"}},
		{"/attack/inventory/", []string{"first"}}, // not even what is inline, after such a base
	} {
		page := e.attacked(c.base, "reflected", `<base href="`+elsewhere.URL+c.base+`">`)
		if free := marks(b, e.AppURL()+page, true); !slices.Equal(free, []string{"first", "evil", "last"}) {
			e.t.Errorf("%s: without the filter %q ran: this shows nothing", page, free)
		}
		if got := marks(b, e.plain+page, false); !slices.Equal(got, c.want) {
			e.t.Errorf("%s: %q ran, want %q", page, got, c.want)
		}
	}
}

// An application with a nonce policy of its own is not worse off: "all" would
// stamp the attack, and does where there is no such policy.
func testOwnNonceAttacks(e *edge) {
	v := &victim{ownNonce: true}
	evil := httptest.NewServer(v)
	defer evil.Close()
	e.serve(v)
	b := newTab(e.t)
	for i, attack := range attacks {
		prepared := prepared(attack.markup, evil.URL, "dGhlIGFwcHMgb3duIG000001")
		want := withoutEvil(marks(b, e.AppURL()+e.attacked("/attack/all/", "reflected", prepared)+"&open", true))
		bases := []string{"/attack/all-merged/"} // there a stamp would count; elsewhere some attacks do
		if i%4 == 0 {
			bases = append(bases, "/attack/all/", "/attack/all-enforced/")
		}
		for _, base := range bases {
			page := e.attacked(base, "reflected", prepared)
			if got := marks(b, e.plain+page, false); !slices.Equal(got, want) || slices.Contains(got, "evil") {
				e.t.Errorf("%s at %s: %q ran, want %q", attack.name, page, got, want)
			}
		}
	}
	for _, base := range []string{"/attack/all/", "/attack/all-enforced/", "/attack/all-merged/"} {
		inline := e.attacked(base, "reflected", attacks[0].markup) + "&open"
		if got := marks(b, e.plain+inline, true); !slices.Contains(got, "evil") {
			e.t.Errorf("%s: without the application's policy %q ran: all did not stamp the attack, and this test sees nothing", base, got)
		}
		if nonces := js[[]string](b, `[...document.scripts].map(s => s.nonce)`); slices.Contains(nonces, "") {
			e.t.Errorf("%s: without the application's policy the scripts carry %q", base, nonces)
		}
	}
}

// What a client sends as x-csp-nonce never reaches an application, whatever it
// asks for and however often it says it.
func testClientsNonce(e *edge) {
	app := &recorder{}
	e.serve(app.inFront(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asHTML(w) })))
	const guess = "AAAAAAAAAAAAAAAAAAAAAAAA"
	eachProtocol(e, func(e *edge, c *http.Client, base string) {
		for _, path := range []string{"/attack/upstream/x", "/attack/inventory/x", "/x"} {
			for _, dest := range []string{"document", "empty", "script", "iframe"} {
				before := len(app.forPath(path))
				request, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, base+path, nil)
				if err != nil {
					e.t.Fatal(err)
				}
				request.Header = http.Header{"Sec-Fetch-Dest": {dest}, "X-Csp-Nonce": {guess, guess}, enforced: {"script-src 'nonce-" + guess + "'"}, reported: {guess}}
				response, err := c.Do(request)
				if err != nil {
					e.t.Fatal(err)
				}
				response.Body.Close()
				got := app.forPath(path)[before:]
				if len(got) != 1 {
					e.t.Fatalf("%s: %d requests arrived", path, len(got))
				}
				if all := fmt.Sprint(got[0].Header); strings.Contains(all, guess) {
					e.t.Errorf("%s as %s: the application got %s", path, dest, all)
				}
				if policy := fmt.Sprint(response.Header); strings.Contains(policy, guess) {
					e.t.Errorf("%s as %s: the client got %s", path, dest, policy)
				}
				wanted := strings.HasPrefix(path, "/attack/upstream") && (dest == "document" || dest == "iframe")
				if n := got[0].Header.Values("X-Csp-Nonce"); wanted != (len(n) == 1 && n[0] == policyNonce(response.Header)) {
					e.t.Errorf("%s as %s: the application got the nonces %q, the policy has %q", path, dest, n, policyNonce(response.Header))
				}
			}
		}
	})
}
