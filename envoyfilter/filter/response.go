package filter

import (
	"iter"
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/rewrite"
)

const (
	cspHeader        = "content-security-policy"
	reportOnlyHeader = "content-security-policy-report-only"
	endpointsHeader  = "reporting-endpoints"
)

// ResponseHeaders gives an HTML answer its policies and decides whether its
// body is rewritten. end says that there is no body.
func (s *Stream) ResponseHeaders(end bool) {
	defer s.guard("response headers")
	host := s.plugin.host
	if s.route == nil {
		return
	}
	// Where a page was asked for, it most likely comes: all headers will be
	// needed. Elsewhere one header tells that none is.
	var k kind
	if !s.request.document {
		if k = kindOf(host.ResponseHeader("content-type")); !s.concerns(k, end) {
			return
		}
	}
	h, err := host.ResponseHeaders()
	if err != nil {
		s.fault("reading the response's headers", err)
		return
	}
	if s.request.document {
		if k = kindOf(joined(h, "content-type")); !s.concerns(k, end) {
			return
		}
	}
	a := readResponse(h)
	a.html, a.untyped, a.noBody = k == htmlKind, k == unknownKind, end || s.request.method == "HEAD"
	if a.status == "304" || a.untyped && !s.route.AllTypes && !a.answered() {
		return // a 304's policy would meet the stored body (facts.md)
	}
	p := s.plan(&a)
	if err := host.SetResponseHeaders(s.headers(h, &a, p)); err != nil {
		s.fault("setting the response's headers", err)
		return
	}
	s.count(p)
	if p.rewrite != nil {
		s.looked, s.rewriting = true, true
		s.body.Reset(p.rewrite, rewrite.Page{
			Nonce:          s.nonce,
			UpstreamNonces: a.nonces,
			URL:            s.request.scheme + "://" + s.request.host + s.request.path,
			Charset:        a.charset,
			Document:       s.request.document,
		})
	}
}

// concerns reports whether a response of a kind gets anything.
func (s *Stream) concerns(k kind, end bool) bool {
	return s.route.AllTypes || k == htmlKind || k == unknownKind && !end
}

// joined returns the values of a name as the proxy would: joined by commas.
func joined(h Header, name string) (value string) {
	first := true
	for _, kv := range h {
		switch {
		case kv[0] != name:
		case first:
			value, first = kv[1], false
		default:
			value += "," + kv[1]
		}
	}
	return value
}

// A kind is what a browser may show a response as.
type kind uint8

const (
	unknownKind kind = iota // no type, or none that is one: a browser looks at the content (MIME Sniffing 7)
	htmlKind
	otherKind
)

// kindOf reads a Content-Type as browsers do: of several values, in one header
// or in several, the last valid one counts (Fetch, "extract a MIME type");
// Chromium ends the essence at a blank or a parenthesis too. Not all agree on
// which counts, so that one text/html among them makes a page.
func kindOf(contentType string) kind {
	k := unknownKind
	for value := range unquotedValues(contentType) {
		value = strings.Trim(value, " \t")
		if end := strings.IndexAny(value, " \t;("); end >= 0 {
			value = value[:end]
		}
		slash := strings.IndexByte(value, '/')
		switch {
		case strings.EqualFold(value, "text/html"):
			return htmlKind
		case slash <= 0, slash == len(value)-1, value == "*/*", strings.EqualFold(value, "unknown/unknown"), strings.EqualFold(value, "application/unknown"):
		default:
			k = otherKind
		}
	}
	return k
}

// unquotedValues are the parts of a header's value between commas that are not
// in a quoted string.
func unquotedValues(header string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := 0; i < len(header); i++ {
			switch c := header[i]; {
			case c == '"':
				quoted = !quoted
			case c == '\\' && quoted:
				i++
			case c == ',' && !quoted:
				if !yield(header[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(header[start:])
	}
}

// charset returns the charset parameter of a content type, the first as
// browsers take it (MIME Sniffing 4.4), "" if there is none.
func charset(contentType string) string {
	_, parameters, _ := strings.Cut(contentType, ";")
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if strings.EqualFold(strings.TrimSpace(name), "charset") {
			value, _, _ = strings.Cut(value, ",") // the next of several types
			return strings.Trim(value, " \t\"")
		}
	}
	return ""
}

// response is what of the upstream's headers decides about the page.
type response struct {
	status, charset string
	html            bool
	untyped         bool // no content type: a browser may sniff HTML
	noBody          bool
	obstacle        obstacle
	shared          bool // shared caches may keep it
	enforced        csp.List
	reported        csp.List
	guarded         bool     // the application enforces a nonce or hash policy of its own
	nonces          []string // the nonces of the application's own policies, each once
	endpoints       []string // Reporting-Endpoints
	private, cookie bool
	noStore         bool
}

// An obstacle is why a body cannot be rewritten.
type obstacle uint8

const (
	noObstacle  obstacle = iota
	encoded              // compressed all the same
	partial              // a range
	noTransform          // the application forbids it
	untyped              // it may not be HTML at all
	noNonce              // there is no randomness
	obstacles
)

// answered reports whether a browser may show the response as a page.
func (r *response) answered() bool {
	return r.status != "" && r.status[0] != '1' && r.status[0] != '3' && r.status != "204" && r.status != "205"
}

func readResponse(h Header) response {
	var r response
	for _, kv := range h {
		switch kv[0] {
		case ":status":
			r.status = kv[1]
			if kv[1] == "206" {
				r.obstacle = partial
			}
		case "content-type":
			r.charset = charset(kv[1])
		case "content-encoding":
			if kv[1] != "" && !strings.EqualFold(kv[1], "identity") {
				r.obstacle = encoded
			}
		case "cache-control":
			r.cacheControl(kv[1])
		case "set-cookie":
			r.cookie = true
		case endpointsHeader:
			r.endpoints = append(r.endpoints, kv[1])
		case cspHeader:
			r.enforced = append(r.enforced, r.policies(kv[1], true)...)
		case reportOnlyHeader:
			r.reported = append(r.reported, r.policies(kv[1], false)...)
		}
	}
	r.shared = r.shared && !r.private && !r.cookie
	return r
}

func (r *response) cacheControl(value string) {
	for item := range strings.SplitSeq(value, ",") {
		name, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(item)), "=")
		switch strings.TrimSpace(name) {
		case "no-transform":
			r.obstacle = noTransform
		case "public", "s-maxage", "max-age":
			r.shared = true
		case "private", "no-cache":
			r.private = true
		case "no-store":
			r.private, r.noStore = true, true
		}
	}
}

// policies reads an upstream's policies and notes their nonces, and whether
// they are a protection that our nonce on every tag would break.
func (r *response) policies(text string, enforced bool) csp.List {
	list, _ := csp.ParseList(text)
	for _, p := range list {
		for _, d := range p.Directives {
			for _, src := range d.Sources {
				switch src.Kind() {
				case csp.KindNonce:
					r.nonces = appendOnce(r.nonces, src.Nonce())
					r.guarded = r.guarded || enforced
				case csp.KindHash:
					r.guarded = r.guarded || enforced
				}
			}
		}
	}
	return list
}

func appendOnce(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}
