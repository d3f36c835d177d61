package filter

import (
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/edgeconfig"
	"github.com/edgecsp/edgecsp/core/rewrite"
	"github.com/edgecsp/edgecsp/core/session"
)

// The names of the reporting endpoints of enforced and of report-only
// policies. Never "default": that one also gets what has nothing to do with
// policies (field.md 3.3.2).
const (
	enforceGroup    = "edgecsp"
	reportOnlyGroup = "edgecsp-report-only"
)

// headers returns the response's headers as the client gets them.
func (s *Stream) headers(h Header, a *response, p plan) Header {
	w := headerWriter{s: s, a: a, p: p, out: make(Header, 0, len(h)+8)}
	for _, kv := range h {
		if !w.drops(kv) {
			w.out = append(w.out, kv)
		}
	}
	w.caching()
	if !p.fragment {
		w.policies()
	}
	return w.out
}

type headerWriter struct {
	s         *Stream
	a         *response
	p         plan
	out       Header
	control   []string // what is left of Cache-Control
	endpoints []string // members of Reporting-Endpoints
}

// drops reports whether an upstream's header does not go on as it is.
func (w *headerWriter) drops(kv [2]string) bool {
	switch kv[0] {
	case "content-length", "last-modified", "accept-ranges", "digest", "content-digest", "repr-digest", "content-md5":
		return w.p.altered
	case "etag":
		return w.p.altered && !strings.HasPrefix(kv[1], "W/")
	case "cache-control":
		if !w.uncached() {
			return false
		}
		w.control = append(w.control, keptControl(kv[1])...)
		return true
	case "surrogate-control", "cdn-cache-control":
		return w.uncached()
	case cspHeader:
		return w.p.yield || w.p.merge || w.p.replace && w.p.enforce && len(w.s.route.Enforce) > 0
	case reportOnlyHeader:
		return w.p.yield || w.p.merge || w.p.replace && len(w.s.route.ReportOnly) > 0
	case "x-frame-options":
		return w.s.route.frameOptions != "" && w.p.enforce && !w.p.yield && !w.p.fragment
	}
	return false
}

// uncached: an answer to this visitor alone, which no shared cache may keep.
func (w *headerWriter) uncached() bool { return w.p.nonce != "" || w.p.fragment }

// keptControl takes from a Cache-Control what would let a shared cache keep
// the page.
func keptControl(value string) (kept []string) {
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		name, _, _ := strings.Cut(strings.ToLower(item), "=")
		switch name {
		case "", "public", "s-maxage", "private", "proxy-revalidate", "no-store":
		default:
			kept = append(kept, item)
		}
	}
	return kept
}

func (w *headerWriter) caching() {
	switch {
	case !w.uncached():
		return
	case w.p.fragment, w.s.route.Cacheable == edgeconfig.NoStore, w.a.noStore, w.unstamped():
		w.control = []string{"no-store"}
	default:
		w.control = append(w.control, "private")
	}
	w.add("cache-control", strings.Join(w.control, ", "))
}

// unstamped: a page that was not asked for as one, so that the application
// could not stamp it. Shown later from the browser's cache it would be dead: a
// fetch, or an image element, would break the page that is visited next.
func (w *headerWriter) unstamped() bool {
	return w.s.route.Trust == rewrite.Upstream && !w.s.told
}

func (w *headerWriter) add(name, value string) { w.out = append(w.out, [2]string{name, value}) }

// policies appends the policy headers and where their reports go.
func (w *headerWriter) policies() {
	r := w.s.route
	switch {
	case w.p.yield:
		w.write(w.given(w.a.enforced), true)
		w.write(w.given(w.a.reported), false)
	case w.p.merge:
		w.write(w.merged(w.a.enforced, r.enforce), true)
		w.write(w.merged(w.a.reported, r.reportOnly), false)
	default:
		w.write(w.form(r.enforce), w.p.enforce)
		if w.p.report {
			w.write(w.form(r.reportOnly), false)
		}
	}
	if w.p.noScript {
		w.add(cspHeader, "script-src 'none'")
	}
	if r.frameOptions != "" && w.p.enforce && !w.p.yield {
		w.add("x-frame-options", r.frameOptions)
	}
	w.reporting()
}

func (w *headerWriter) form(p policies) []*csp.Template {
	if w.p.hashed {
		return p.hashed
	}
	return p.nonced
}

// given are an application's policies as they are, with room for reporting.
func (w *headerWriter) given(l csp.List) (out []*csp.Template) {
	for _, p := range l {
		if t, err := csp.NewTemplate(p, csp.Placement{}); err == nil { // an empty policy has nothing to say
			out = append(out, t)
		}
	}
	return out
}

// merged are an application's policies, widened by the sources of the route's;
// where the application has none of this disposition, the route's.
func (w *headerWriter) merged(l csp.List, ours policies) (out []*csp.Template) {
	if len(l) == 0 {
		return w.form(ours)
	}
	if len(ours.list) == 0 {
		return w.given(l)
	}
	for _, p := range l {
		for _, d := range ours.list[0].Directives {
			if wider, err := p.Allow(d.Name, d.Sources...); err == nil {
				p = wider
			}
		}
		if t, err := csp.NewTemplate(p, w.s.route.Placement()); err == nil {
			out = append(out, t)
		}
	}
	return out
}

// write appends one header a policy.
func (w *headerWriter) write(templates []*csp.Template, enforced bool) {
	if len(templates) == 0 {
		return
	}
	name, group := reportOnlyHeader, reportOnlyGroup
	if enforced {
		name, group = cspHeader, enforceGroup
	}
	v := csp.Values{Nonce: w.p.nonce, ExtraNonce: w.p.extra}
	if w.p.report {
		v.ReportURI = w.s.plugin.reportURL(w.s.claims(enforced, !w.p.personal(w.a)))
		if w.s.request.https { // on http it would only silence report-uri (facts.md)
			v.ReportTo = group
			w.endpoints = appendOnce(w.endpoints, group+`="`+v.ReportURI+`"`)
		}
	}
	for _, t := range templates {
		w.add(name, string(t.Append(nil, v)))
	}
}

// reporting joins our endpoints to the application's. A header in which one
// member is malformed is dropped whole by browsers (Reporting API 3.2), ours
// with it, so that a malformed one of the application's gives way.
func (w *headerWriter) reporting() {
	if len(w.endpoints) == 0 {
		return
	}
	if len(w.a.endpoints) > 0 && !validDictionary(strings.Join(w.a.endpoints, ", ")) {
		w.s.plugin.log(Warn, "an application's Reporting-Endpoints is malformed", "browsers would drop it whole; it is left out")
		w.remove(endpointsHeader)
	}
	w.add(endpointsHeader, strings.Join(w.endpoints, ", "))
}

func (w *headerWriter) remove(name string) {
	kept := w.out[:0]
	for _, kv := range w.out {
		if kv[0] != name {
			kept = append(kept, kv)
		}
	}
	w.out = kept
}

// claims are the token's. Where caches share the answer, or without
// randomness, there is no page view to speak of, only a page class.
func (s *Stream) claims(enforced, class bool) session.Claims {
	c := session.Claims{Enforced: enforced, Issued: s.plugin.host.Now(), PolicyVersion: s.route.version}
	if class || !s.draw() {
		c.Kind = session.PageClass
		return c
	}
	c.Session = s.session
	return c
}
