package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/edgecsp/edgecsp/e2e/demo"
	"github.com/edgecsp/edgecsp/e2e/stack"
)

const (
	enforced = "Content-Security-Policy"
	reported = "Content-Security-Policy-Report-Only"

	// onTheDashboard is how long a violation may take to be seen there.
	onTheDashboard = 2 * time.Second
)

// nonceIn finds a nonce source in a policy.
var nonceIn = regexp.MustCompile(`'nonce-([A-Za-z0-9_+/=-]{22,})'`)

// tagNonces is a JavaScript expression: the nonces of all tags of the page
// that can carry one, as scripts see them.
const tagNonces = `[...document.querySelectorAll("script, style, link[rel~=stylesheet]")].map(tag => tag.nonce)`

// nonceOf returns the one nonce of a page's policy and fails the test if there
// is none, or if a tag does not carry it.
func nonceOf(b *tab, response *network.Response, policyHeader string) string {
	b.t.Helper()
	policy := header(response, policyHeader)
	found := nonceIn.FindStringSubmatch(policy)
	if found == nil {
		b.t.Fatalf("%s: no nonce in %s: %q", response.URL, policyHeader, policy)
	}
	for _, other := range nonceIn.FindAllStringSubmatch(policy, -1) {
		if other[1] != found[1] {
			b.t.Errorf("%s: two nonces in %q", response.URL, policy)
		}
	}
	nonces := js[[]string](b, tagNonces)
	if len(nonces) < 2 || slices.ContainsFunc(nonces, func(n string) bool { return n != found[1] }) {
		b.t.Errorf("%s: the tags carry %q, the policy %q", response.URL, nonces, found[1])
	}
	return found[1]
}

func TestPagesCarryPolicyAndNonce(t *testing.T) {
	s := startStack(t, nil)
	b := newTab(t)
	seen := make(map[string]bool)
	for _, page := range []struct{ path, policyHeader string }{
		{"/", reported},
		{"/", reported},
		{"/tea/jade-needle", reported},
		{"/cart", reported},
		{"/nowhere", reported},
		{"/search", enforced},
		{"/search?q=jasmine", enforced},
		{"/%73earch?q=jasmine", enforced}, // the same page to the application
	} {
		response := b.open(s.SiteURL() + page.path)
		nonce := nonceOf(b, response, page.policyHeader)
		if seen[nonce] {
			t.Errorf("%s: nonce %q was seen before", page.path, nonce)
		}
		seen[nonce] = true
		complaints := b.complaints()
		if page.path == "/" { // one of them, the intended one
			complaints = slices.DeleteFunc(complaints, func(c string) bool { return strings.Contains(c, "inline event handler") })
		}
		if page.path == "/nowhere" { // Chromium tells of the status
			complaints = slices.DeleteFunc(complaints, func(c string) bool { return strings.Contains(c, "404") })
		}
		if len(complaints) > 0 {
			t.Errorf("%s: the console says %q", page.path, complaints)
		}
	}
}

// The pages are to work as they do without the filter.
func TestShopWorksThroughEnvoy(t *testing.T) {
	s := startStack(t, nil)
	b := newTab(t)
	b.open(s.SiteURL() + "/")
	if text := js[string](b, `document.getElementById("dispatch").textContent`); !strings.HasPrefix(text, "Order ") {
		t.Errorf("the home page's inline script did not run: %q", text)
	}
	if image := js[string](b, `getComputedStyle(document.querySelector(".hero")).backgroundImage`); !strings.Contains(image, "gradient") {
		t.Errorf("the home page's inline style does not count: background is %q", image)
	}
	b.open(s.SiteURL() + "/tea/jade-needle")
	b.until(`document.querySelector("[data-stock]").textContent.includes("tins")`)
	js[bool](b, `quantity.value = 3, quantity.dispatchEvent(new Event("input"))`)
	if price := js[string](b, `document.getElementById("price").textContent`); price != "£42.60" {
		t.Errorf("three tins cost %q", price)
	}
	b.do(chromedp.Click(".buy button"), chromedp.WaitVisible("table.cart"))
	if total := js[string](b, `document.querySelector("tfoot").innerText`); !strings.Contains(total, "£42.60") {
		t.Errorf("the cart says %q", total)
	}
	b.do(chromedp.Click("a.button"), chromedp.WaitVisible("form.checkout"))
	if hint := js[string](b, `document.getElementById("hint").textContent`); !strings.HasPrefix(hint, "It will be with you") {
		t.Errorf("the checkout's inline script did not run: %q", hint)
	}
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the console says %q", complaints)
	}
}

func TestViolationShowsOnTheDashboard(t *testing.T) {
	s := startStack(t, nil)
	_, page := get(t, s.SiteURL()+"/")
	above, _, _ := strings.Cut(page, `id="hide"`)
	line := 1 + strings.Count(above, "\n")
	d := logIn(t, s)
	b := newTab(t)
	start := time.Now()
	b.open(s.SiteURL() + "/")
	b.do(chromedp.Click("#hide"), chromedp.WaitNotVisible(".notice")) // the policy only reports
	row := d.row(start, onTheDashboard,
		"script-src-attr", // directive
		"inline",          // blocked URL
		s.SiteURL()+"/\n", // page
		fmt.Sprintf("%s/:%d:", s.SiteURL(), line), // source line
		"this.parentElement.hidden =",             // sample
	)
	if day := time.Now().UTC().Format("2006-01-02"); !strings.Contains(row, day) {
		t.Errorf("the row does not say the day, %s: %q", day, row)
	}
}

func TestReflectedScript(t *testing.T) {
	s := startStack(t, nil)
	attack := "/search?q=" + url.QueryEscape(demo.Attack)
	b := newTab(t)

	b.open(s.AppURL() + attack)
	if class := js[string](b, `document.documentElement.className`); class != "hacked" {
		t.Errorf("without the filter the reflected script did not run: this shows nothing")
	}

	d := logIn(t, s)
	start := time.Now()
	response := b.open(s.SiteURL() + attack)
	if class := js[string](b, `document.documentElement.className`); class != "" {
		t.Error("the reflected script ran behind the filter")
	}
	if focus := js[string](b, `document.activeElement.name`); focus != "q" {
		t.Error("the page's own inline script did not run")
	}
	policy := header(response, enforced)
	if !nonceIn.MatchString(policy) || header(response, reported) != "" {
		t.Errorf("the search page's policy is %q, and to report only %q", policy, header(response, reported))
	}
	d.row(start, onTheDashboard, "script-src-elem", "inline", "blocked", s.SiteURL()+"/search", "document.documentElement.className='hack")
}

// A script that brings a nonce of its own, or guesses, gets no further.
func TestReflectedScriptWithNonce(t *testing.T) {
	s := startStack(t, nil)
	b := newTab(t)
	for _, attack := range []string{
		`<script nonce>document.documentElement.className='hacked'</script>`,
		`<script nonce="abcdefghijklmnopqrstuvwx">document.documentElement.className='hacked'</script>`,
		`<img src=x onerror="document.documentElement.className='hacked'">`,
		`<script src="data:text/javascript,document.documentElement.className='hacked'"></script>`,
		`<svg><script>document.documentElement.className='hacked'</script></svg>`,
		`<iframe srcdoc="<script>parent.document.documentElement.className='hacked'</script>"></iframe>`,
	} {
		query := "/search?q=" + url.QueryEscape(attack)
		for _, c := range []struct{ base, want string }{{s.AppURL(), "hacked"}, {s.SiteURL(), ""}} {
			b.open(c.base + query)
			// An image's error and a frame come after the page's load event.
			time.Sleep(200 * time.Millisecond)
			if class := js[string](b, `document.documentElement.className`); class != c.want {
				t.Errorf("%s: class is %q, want %q: %s", c.base, class, c.want, attack)
			}
		}
	}
}

func TestOldPagesRunWhatIsApproved(t *testing.T) {
	const injected = `<script>document.title = "hacked"</script>`
	shop := demo.New()
	s := startStack(t, func(o *stack.Options) {
		o.App = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !r.URL.Query().Has("tampered") {
				shop.ServeHTTP(w, r)
				return
			}
			page := httptest.NewRecorder()
			shop.ServeHTTP(page, r)
			w.Header().Set("Content-Type", page.Header().Get("Content-Type"))
			_, _ = io.WriteString(w, page.Body.String()+injected)
		})
	})
	b := newTab(t)
	response := b.open(s.SiteURL() + "/old/")
	nonceOf(b, response, enforced)
	if sum := js[string](b, `document.getElementById("sum").textContent`); sum != "One of each: £9.85" {
		t.Errorf("/old/: the scripts did not run: %q", sum)
	}
	if border := js[string](b, `getComputedStyle(document.querySelector("h1")).borderBottomStyle`); border != "double" {
		t.Errorf("/old/: the inline style does not count: border is %q", border)
	}
	b.open(s.SiteURL() + "/old/delivery.html")
	if text := js[string](b, `document.getElementById("town").textContent`); text != "by bicycle, £1.50" {
		t.Errorf("/old/delivery.html: the scripts did not run: %q", text)
	}
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("/old/delivery.html: the console says %q", complaints)
	}

	d := logIn(t, s)
	for _, c := range []struct{ base, want string }{{s.AppURL(), "hacked"}, {s.SiteURL(), "Rowan & Rook: delivery"}} {
		start := time.Now()
		b.open(c.base + "/old/delivery.html?tampered")
		if title := js[string](b, `document.title`); title != c.want {
			t.Errorf("%s: with an injected script the title is %q, want %q", c.base, title, c.want)
		}
		if c.base == s.SiteURL() {
			d.row(start, onTheDashboard, "script-src-elem", "inline", "/old/delivery.html", `document.title = "hacked"`)
		}
	}
}
