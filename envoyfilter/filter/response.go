package filter

import (
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/rewrite"
	"github.com/edgecsp/edgecsp/core/session"
)

const (
	cspHeader        = "content-security-policy"
	reportOnlyHeader = "content-security-policy-report-only"
	endpointsHeader  = "reporting-endpoints"
)

// The names of the reporting endpoints of enforced and of report-only
// policies. Never "default": that one also gets what has nothing to do with
// policies (field.md 3.3.2).
const (
	enforceGroup    = "edgecsp"
	reportOnlyGroup = "edgecsp-report-only"
)

// minUpstreamNonce is how many characters an application's own nonce has at
// least to be taken over: 128 bits in base64.
const minUpstreamNonce = 22

// ResponseHeaders gives an HTML answer its policies and decides whether its
// body is rewritten. end says that there is no body.
func (s *Stream) ResponseHeaders(end bool) {
	defer s.guard("response headers")
	host := s.plugin.host
	if s.route == nil || !isHTML(host.ResponseHeader("content-type")) {
		return
	}
	h, err := host.ResponseHeaders()
	if err != nil {
		s.fault("reading the response's headers", err)
		return
	}
	answer := readResponse(h)
	if answer.status == "304" { // its policy would meet the stored body (facts.md)
		return
	}
	p := s.plan(answer, end || s.request.method == "HEAD")
	if err := host.SetResponseHeaders(s.headers(h, p)); err != nil {
		s.fault("setting the response's headers", err)
		return
	}
	s.plugin.counts.pages(1)
	if p.rewrite != nil {
		s.looked, s.rewriting = true, true
		s.body.Reset(p.rewrite, rewrite.Page{
			Nonce:          s.nonce,
			UpstreamNonces: answer.nonces,
			URL:            s.request.scheme + "://" + s.request.host + s.request.path,
			Charset:        answer.charset,
			Document:       s.request.document,
		})
	}
}

// isHTML reports whether a content type's essence is text/html.
func isHTML(contentType string) bool {
	essence, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.Trim(essence, " \t"), "text/html")
}

// charset returns the charset parameter of a content type, the first as
// browsers take it (MIME Sniffing 4.4), "" if there is none.
func charset(contentType string) string {
	_, parameters, _ := strings.Cut(contentType, ";")
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if strings.EqualFold(strings.TrimSpace(name), "charset") {
			return strings.Trim(value, " \t\"")
		}
	}
	return ""
}

// response is what of the upstream's headers decides about the page.
type response struct {
	status, charset string
	whole           bool     // the body can be rewritten: neither encoded, nor partial, nor no-transform
	guarded         bool     // the application enforces a nonce or hash policy of its own
	nonces          []string // the nonces of the application's own policies
}

func readResponse(h Header) response {
	r := response{whole: true}
	for _, kv := range h {
		switch kv[0] {
		case ":status":
			r.status = kv[1]
			r.whole = r.whole && kv[1] != "206"
		case "content-type":
			r.charset = charset(kv[1])
		case "content-encoding":
			r.whole = r.whole && (kv[1] == "" || strings.EqualFold(kv[1], "identity"))
		case "cache-control":
			r.whole = r.whole && !hasToken(kv[1], "no-transform")
		case cspHeader:
			r.policy(kv[1], true)
		case reportOnlyHeader:
			r.policy(kv[1], false)
		}
	}
	return r
}

// policy notes the nonces of an upstream's policy, and whether it is a
// protection that our nonce on every tag would break.
func (r *response) policy(text string, enforced bool) {
	list, _ := csp.ParseList(text)
	for _, p := range list {
		for _, d := range p.Directives {
			for _, src := range d.Sources {
				switch src.Kind() {
				case csp.KindNonce:
					r.nonces = append(r.nonces, src.Nonce())
					r.guarded = r.guarded || enforced
				case csp.KindHash:
					r.guarded = r.guarded || enforced
				}
			}
		}
	}
}

func hasToken(list, token string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(item), token) {
			return true
		}
	}
	return false
}

// plan is what a page gets.
type plan struct {
	enforce bool             // enforced policies are enforced, not only reported on
	nonce   string           // in the policies, "" none
	rewrite *rewrite.Options // nil: the body stays as it is
	extra   string           // the application's own nonce, taken over
}

// plan decides. Where tags would have to be stamped and cannot be, enforcing
// would break the page: its policies only report then.
func (s *Stream) plan(a response, noBody bool) plan {
	p := plan{enforce: true}
	if len(a.nonces) == 1 && len(a.nonces[0]) >= minUpstreamNonce {
		p.extra = a.nonces[0]
	}
	stamping := s.route.stamping
	if stamping == nil {
		return p
	}
	if a.guarded && stamping.Trust == rewrite.All {
		return p // the application's own protection stands
	}
	if !s.draw() || !a.whole && !s.route.upstream {
		s.plugin.counts.unrewritten(1)
		p.enforce = false
		return p
	}
	p.nonce = s.nonce
	if a.whole && !noBody {
		p.rewrite = stamping
	}
	return p
}

// headers returns the response's headers as the page gets them.
func (s *Stream) headers(h Header, p plan) Header {
	out := make(Header, 0, len(h)+len(s.route.enforce)+len(s.route.reportOnly)+2)
	private := false
	for _, kv := range h {
		switch {
		case p.rewrite != nil && outdated(kv):
			continue
		case p.nonce != "" && kv[0] == "cache-control":
			kv[1] = privately(kv[1], !private)
			private = true
			if kv[1] == "" {
				continue
			}
		}
		out = append(out, kv)
	}
	if p.nonce != "" && !private {
		out = append(out, [2]string{"cache-control", "private"})
	}
	return s.policies(out, p)
}

// outdated reports whether a header speaks of the body as it was.
func outdated(kv [2]string) bool {
	switch kv[0] {
	case "content-length", "last-modified", "accept-ranges", "digest", "content-digest", "repr-digest", "content-md5":
		return true
	case "etag":
		return !strings.HasPrefix(kv[1], "W/")
	}
	return false
}

// privately takes from a Cache-Control what would let a shared cache keep the
// page, and says that none may, if it is the first such header.
func privately(value string, first bool) string {
	kept := make([]string, 0, 4)
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		name, _, _ := strings.Cut(strings.ToLower(item), "=")
		switch name {
		case "", "public", "s-maxage", "private", "proxy-revalidate":
		default:
			kept = append(kept, item)
		}
	}
	if first {
		kept = append(kept, "private")
	}
	return strings.Join(kept, ", ")
}

// policies appends the policy headers and where their reports go.
func (s *Stream) policies(out Header, p plan) Header {
	endpoints := map[string]string{}
	write := func(templates []*csp.Template, enforced bool) {
		if len(templates) == 0 {
			return
		}
		name, group := reportOnlyHeader, reportOnlyGroup
		if enforced {
			name, group = cspHeader, enforceGroup
		}
		v := csp.Values{Nonce: p.nonce, ExtraNonce: p.extra, ReportURI: s.plugin.reportURL(s.claims(enforced))}
		if s.request.https { // on http it would only silence report-uri (facts.md)
			v.ReportTo = group
			endpoints[group] = v.ReportURI
		}
		for _, t := range templates {
			out = append(out, [2]string{name, string(t.Append(nil, v))})
		}
	}
	write(s.route.enforce, p.enforce)
	write(s.route.reportOnly, false)
	for _, group := range []string{enforceGroup, reportOnlyGroup} {
		if url := endpoints[group]; url != "" {
			out = append(out, [2]string{endpointsHeader, group + `="` + url + `"`})
		}
	}
	return out
}

// claims are the token's. Without randomness there is no page view to speak
// of, only a page class.
func (s *Stream) claims(enforced bool) session.Claims {
	c := session.Claims{Enforced: enforced, Issued: s.plugin.host.Now(), PolicyVersion: s.route.version}
	if !s.draw() {
		c.Kind = session.PageClass
		return c
	}
	c.Session = s.session
	return c
}
