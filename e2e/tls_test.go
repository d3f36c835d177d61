package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/edgecsp/edgecsp/e2e/demo"
	"github.com/edgecsp/edgecsp/e2e/stack"
)

// reportingDelay is how long Chromium may take to send what it gathers for the
// Reporting API, even with a short delay.
const reportingDelay = 20 * time.Second

// Over https reports go by the Reporting API: browsers offer it there only.
func TestReportingAPIOverTLS(t *testing.T) {
	var collector *recorder
	s := startStack(t, func(o *stack.Options) {
		o.TLS = true
		o.Edit = func(c *stack.Config) { c.SetTLS(authority.localhost, authority.keyFor) }
		collector = tapCollector(t, o)
	})
	d := logIn(t, s)
	b := newTab(t)
	response := b.open(s.SiteURL() + "/")
	policy, endpoints := header(response, reported), header(response, "Reporting-Endpoints")
	if !strings.Contains(policy, "report-to ") {
		t.Errorf("the policy names no endpoint: %q", policy)
	}
	if !strings.Contains(endpoints, `="/csp/report/csp/`) && !strings.Contains(endpoints, `="`+s.SiteURL()+`/csp/report/csp/`) {
		t.Errorf("Reporting-Endpoints is %q", endpoints)
	}
	start := time.Now()
	b.do(chromedp.Click("#hide"), chromedp.WaitNotVisible(".notice"))
	d.row(start, reportingDelay, "script-src-attr", "inline", s.SiteURL()+"/", "this.parentElement.hidden =")
	kinds := func(kind string) int {
		return len(collector.of(func(r *http.Request) bool {
			return r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), kind)
		}))
	}
	if kinds("application/reports+json") == 0 || kinds("application/csp-report") != 0 {
		t.Errorf("the collector got %d posts of the Reporting API and %d of the older kind, want some and none",
			kinds("application/reports+json"), kinds("application/csp-report"))
	}
}

// On plain http report-to would silence report-uri and deliver nothing itself.
func TestPlainHTTPHasReportURIOnly(t *testing.T) {
	var collector *recorder
	s := startStack(t, func(o *stack.Options) { collector = tapCollector(t, o) })
	d := logIn(t, s)
	b := newTab(t)
	start := time.Now()
	for _, page := range []struct{ path, policyHeader string }{{"/", reported}, {"/search?q=" + demo.Attack, enforced}} {
		response := b.open(s.SiteURL() + page.path)
		policy := header(response, page.policyHeader)
		if strings.Contains(policy, "report-to") || !strings.Contains(policy, "report-uri /csp/report/csp/") {
			t.Errorf("%s: the policy is %q", page.path, policy)
		}
		if endpoints := header(response, "Reporting-Endpoints"); endpoints != "" {
			t.Errorf("%s: Reporting-Endpoints is %q", page.path, endpoints)
		}
	}
	d.row(start, onTheDashboard, "script-src-elem", "inline", s.SiteURL()+"/search")
	posts := collector.of(func(r *http.Request) bool { return r.Method == http.MethodPost })
	for _, post := range posts {
		if kind := post.Header.Get("Content-Type"); kind != "application/csp-report" {
			t.Errorf("the collector got a post of %q", kind)
		}
	}
}
