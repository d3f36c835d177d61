package e2e

import (
	"crypto/tls"
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/core/csp"
)

//go:embed testdata/cspmatch/driver.js
var matchDriver string

// matchStep is one thing that a page does.
type matchStep struct {
	Activity  string `json:"activity"`
	URL       string `json:"url"`
	Nonce     string `json:"nonce"`
	Integrity string `json:"integrity"`
	Content   string `json:"content"`
	// Markup: it stands in the page's markup, the parser puts it there.
	Markup bool `json:"markup"`
	// target is where URL redirects to, "" if it does not.
	target string
}

// matchCase is a page with its policies and what is tried there.
type matchCase struct {
	ID       int         `json:"id"`
	Steps    []matchStep `json:"steps"`
	policies []string
}

type matchResult struct {
	Blocked   bool   `json:"blocked"`
	Directive string `json:"directive"`
	Error     string `json:"error"`
}

// matchSite serves the cases' pages, and anything that they ask for.
type matchSite struct {
	cases []matchCase
	// here is the port of the site, other that of another one that answers too.
	here, other string
}

func (m *matchSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	switch {
	case r.URL.Path == "/driver":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<!DOCTYPE html><title>driver</title><body><script>%s</script>", matchDriver)
	case strings.HasPrefix(r.URL.Path, "/case/"):
		m.page(w, strings.TrimPrefix(r.URL.Path, "/case/"))
	case r.URL.Path == "/redirect":
		http.Redirect(w, r, r.FormValue("to"), http.StatusFound)
	case strings.HasSuffix(r.URL.Path, ".js"):
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, matchScript)
	case strings.HasSuffix(r.URL.Path, ".gif"):
		w.Header().Set("Content-Type", "image/gif")
		fmt.Fprint(w, "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
	case strings.HasSuffix(r.URL.Path, ".css"):
		w.Header().Set("Content-Type", "text/css")
	default:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!DOCTYPE html><title>resource</title>")
	}
}

// matchScript is what every script says.
const matchScript = "self.ran = 1; self.postMessage && !self.document && postMessage(1)"

func (m *matchSite) page(w http.ResponseWriter, id string) {
	i, err := strconv.Atoi(id)
	if err != nil || i >= len(m.cases) {
		http.Error(w, "no such case", http.StatusNotFound)
		return
	}
	for _, p := range m.cases[i].policies {
		w.Header().Add("Content-Security-Policy", p)
	}
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, "<!DOCTYPE html><title>case</title><body>")
	for _, s := range m.cases[i].Steps {
		if !s.Markup {
			continue
		}
		attributes := ""
		for _, a := range [...][2]string{{"src", s.URL}, {"nonce", s.Nonce}, {"integrity", s.Integrity}} {
			if a[1] != "" {
				attributes += fmt.Sprintf(` %s="%s"`, a[0], html.EscapeString(a[1]))
			}
		}
		if s.Integrity != "" {
			attributes += " crossorigin"
		}
		fmt.Fprintf(w, "<script%s>%s</script>", attributes, s.Content)
	}
}

func (m *matchSite) add(policy string, steps ...matchStep) {
	m.addAll([]string{policy}, steps...)
}

func (m *matchSite) addAll(policies []string, steps ...matchStep) {
	expand := strings.NewReplacer("HERE", m.here, "OTHER", m.other)
	c := matchCase{ID: len(m.cases)}
	for _, p := range policies {
		c.policies = append(c.policies, expand.Replace(p))
	}
	for _, s := range steps {
		s.URL, s.target = expand.Replace(s.URL), expand.Replace(s.target)
		if s.target != "" {
			s.URL += "?to=" + url.QueryEscape(s.target)
		}
		c.Steps = append(c.Steps, s)
	}
	m.cases = append(m.cases, c)
}

// TestMatcherAgreesWithChromium tries some thousands of things on pages with all
// kinds of policies, and compares what Chromium does with what core/csp predicts.
// Manifests are left out: Chromium loads none for a framed page.
func TestMatcherAgreesWithChromium(t *testing.T) {
	site := &matchSite{}
	here, other := httptest.NewServer(site), httptest.NewServer(site)
	t.Cleanup(here.Close)
	t.Cleanup(other.Close)
	site.here, site.other = portOf(here), portOf(other)
	site.urlCases()
	site.redirectCases()
	site.directiveCases()
	site.inlineCases()
	site.scriptCases()
	site.listCases()
	site.randomCases(t)
	site.compare(t, "http://a.localhost:"+site.here+"/driver")
}

// TestMatcherAgreesWithChromiumOverTLS: what depends on the page's scheme.
func TestMatcherAgreesWithChromiumOverTLS(t *testing.T) {
	site := &matchSite{}
	here, other := httptest.NewUnstartedServer(site), httptest.NewServer(site)
	pair, err := tls.LoadX509KeyPair(authority.localhost, authority.keyFor)
	if err != nil {
		t.Fatal(err)
	}
	here.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	here.Config.ErrorLog = log.New(t.Output(), "", 0) // plain http comes there too, on purpose
	here.StartTLS()
	t.Cleanup(here.Close)
	t.Cleanup(other.Close)
	site.here, site.other = portOf(here), portOf(other)
	site.secureCases()
	site.compare(t, "https://localhost:"+site.here+"/driver")
}

func portOf(s *httptest.Server) string { return s.URL[strings.LastIndexByte(s.URL, ':')+1:] }

// compare runs the cases from a driver's page.
func (m *matchSite) compare(t *testing.T, page string) {
	b := newTab(t)
	b.open(page)
	base, err := csp.ParseURL(page)
	if err != nil {
		t.Fatal(err)
	}
	results := runMatch(b, m.cases, 24, 40*time.Millisecond)
	count(t, m.cases, results)
	// On a busy machine a violation may be told too late: what differs is tried
	// again, on its own and with more time.
	if again := differing(t, base, m.cases, results); len(again) > 0 {
		t.Logf("%d pages are tried again", len(again))
		results = runMatch(b, again, 1, 500*time.Millisecond)
		for _, c := range again {
			for _, d := range differences(t, base, c, results[c.ID]) {
				t.Error(d)
			}
		}
	}
}

// matchPatience is how long all cases may take.
const matchPatience = 4 * time.Minute

// runMatch lets the driver run cases and gives the results by the cases' ids.
func runMatch(b *tab, cases []matchCase, workers int, settle time.Duration) map[int][]matchResult {
	b.t.Helper()
	text, err := json.Marshal(cases)
	if err != nil {
		b.t.Fatal(err)
	}
	js[bool](b, fmt.Sprintf("run(%s, %d, %d) && true", text, workers, settle.Milliseconds()))
	for start := time.Now(); !js[bool](b, "window.finished"); time.Sleep(100 * time.Millisecond) {
		if time.Since(start) > matchPatience {
			b.t.Fatalf("%d of %d pages are done", js[int](b, "Object.keys(window.results).length"), len(cases))
		}
	}
	return js[map[int][]matchResult](b, "window.results")
}

// count makes sure that the cases tell something: enough is blocked, and enough
// is not.
func count(t *testing.T, cases []matchCase, results map[int][]matchResult) {
	t.Helper()
	steps, blocked := 0, 0
	for _, c := range cases {
		for _, r := range results[c.ID] {
			steps++
			if r.Blocked {
				blocked++
			}
		}
	}
	t.Logf("%d pages, %d steps, of which Chromium blocked %d", len(cases), steps, blocked)
	if steps < 200 || blocked < steps/5 || blocked > steps*4/5 {
		t.Errorf("the cases do not tell much: %d steps, %d blocked", steps, blocked)
	}
}

func differing(t *testing.T, base csp.URL, cases []matchCase, results map[int][]matchResult) []matchCase {
	t.Helper()
	return slices.DeleteFunc(slices.Clone(cases), func(c matchCase) bool { return len(differences(t, base, c, results[c.ID])) == 0 })
}

// differences compares what Chromium did in a case with the prediction.
func differences(t *testing.T, base csp.URL, c matchCase, got []matchResult) []string {
	t.Helper()
	if len(got) != len(c.Steps) {
		return []string{fmt.Sprintf("%q: %d results for %d steps", c.policies, len(got), len(c.Steps))}
	}
	var out []string
	for i, s := range c.Steps {
		allowed, effective := predict(t, base, c.policies, s)
		what := fmt.Sprintf("%q: %s %s %s", c.policies, s.Activity, s.URL, s.Content)
		switch {
		case got[i].Error != "":
			out = append(out, what+": "+got[i].Error)
		case allowed == got[i].Blocked:
			out = append(out, fmt.Sprintf("%s: predicted allowed %v, Chromium allowed %v (%s)", what, allowed, !got[i].Blocked, got[i].Directive))
		case got[i].Directive != "" && got[i].Directive != effective:
			out = append(out, fmt.Sprintf("%s: the effective directive is %s, predicted %s", what, got[i].Directive, effective))
		}
	}
	return out
}

// predict asks core/csp, for the first address and the one redirected to.
func predict(t *testing.T, base csp.URL, policies []string, s matchStep) (allowed bool, effective string) {
	t.Helper()
	var ps csp.Policies
	for _, p := range policies {
		list, _ := csp.ParseList(p)
		ps.Enforce = append(ps.Enforce, list...)
	}
	r := csp.Request{
		Activity: csp.ActivityByName(s.Activity), Self: base.Origin(), Nonce: s.Nonce, Integrity: s.Integrity,
		Content: []byte(s.Content), ParserInserted: s.Markup,
		Document: s.Activity == "object" && !strings.HasSuffix(s.URL, ".gif"),
	}
	if r.Activity == csp.NoActivity {
		t.Fatalf("%q is no activity", s.Activity)
	}
	for i, u := range []string{s.URL, s.target} {
		if u != "" {
			var err error
			if r.URL, err = csp.ParseReference(base, u); err != nil {
				t.Fatal(err)
			}
		}
		if i == 0 || u != "" {
			r.Redirected = i > 0
			e := ps.Explain(&r)
			d, _ := e.Deciding()
			if effective = d.Effective; !e.Allowed {
				return false, effective
			}
		}
	}
	return true, effective
}
