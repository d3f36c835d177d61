package edgeconfig

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/rewrite"
	"github.com/valyala/fastjson"
)

func (p *parser) routes(c *Config, v *fastjson.Value) {
	if v == nil {
		p.fault("routes", `is missing; the first to have is {"match": {"prefix": "/"}, "report_only": {"default-src": ["'self'"]}}`)
		return
	}
	list := p.list("routes", v, MaxRoutes)
	if v.Type() == fastjson.TypeArray && len(v.GetArray()) == 0 {
		p.fault("routes", "is empty: no page would get a policy")
	}
	for i, v := range list {
		c.Routes = append(c.Routes, p.route(index("routes", i), v))
	}
}

// routeText is what of a route's JSON can only be judged together.
type routeText struct {
	trust    *fastjson.Value
	approved *fastjson.Value
	allowAll bool
	badMatch bool // it has faults already
	regex    string
}

func (p *parser) route(path string, v *fastjson.Value) Route {
	r := Route{Scripts: true, Styles: true, Sample: Sample{Percent: 100}}
	var t routeText
	p.object(path, v, fields{
		"match": func(path string, v *fastjson.Value) {
			before := len(p.faults)
			r.Match, t.regex = p.match(path, v)
			t.badMatch = len(p.faults) > before
		},
		"exempt":              p.setBool(&r.Exempt),
		"enforce":             func(path string, v *fastjson.Value) { r.Enforce = p.policies(path, v) },
		"report_only":         func(path string, v *fastjson.Value) { r.ReportOnly = p.policies(path, v) },
		"trust":               func(_ string, v *fastjson.Value) { t.trust = v },
		"insecure_trust_all":  p.setBool(&t.allowAll),
		"approved":            func(_ string, v *fastjson.Value) { t.approved = v },
		"insecure_host_trust": p.setBool(&r.HostTrust),
		"use_script_nonce":    p.setBool(&r.Scripts),
		"use_style_nonce":     p.setBool(&r.Styles),
		"keep_unsafe_inline":  p.setBool(&r.KeepUnsafeInline),
		"upstream_policy": func(path string, v *fastjson.Value) {
			r.Upstream = UpstreamPolicy(p.choice(path, v, "keep", "replace", "yield", "merge"))
		},
		"unrewritable": func(path string, v *fastjson.Value) {
			r.Unrewritable = Unrewritable(p.choice(path, v, "report_only", "header_only", "fail_closed"))
		},
		"cacheable": func(path string, v *fastjson.Value) {
			r.Cacheable = Cacheable(p.choice(path, v, "private", "no_store", "hash"))
		},
		"all_content_types": p.setBool(&r.AllTypes),
		"fragments":         func(path string, v *fastjson.Value) { r.Fragments = p.headerNames(path, v) },
		"meta_nonce":        p.setBool(&r.MetaNonce),
		"x_frame_options":   p.setBool(&r.FrameOptions),
		"sample":            func(path string, v *fastjson.Value) { r.Sample = p.sample(path, v) },
		"max_tag":           func(path string, v *fastjson.Value) { r.MaxTag = p.int(path, v, 1, MaxHeld) },
		"max_block":         func(path string, v *fastjson.Value) { r.MaxBlock = p.int(path, v, 1, MaxHeld) },
	})
	if v.Type() == fastjson.TypeObject {
		p.checkRoute(path, &r, t)
	}
	return r
}

// choice reads one of some words and returns its index.
func (p *parser) choice(path string, v *fastjson.Value, words ...string) int {
	got := p.string(path, v)
	for i, w := range words {
		if got == w {
			return i
		}
	}
	if v.Type() == fastjson.TypeString {
		p.fault(path, "is "+strconv.Quote(got)+`; right are "`+strings.Join(words, `", "`)+`"`)
	}
	return 0
}

func (p *parser) int(path string, v *fastjson.Value, least, most int) int {
	n, err := v.Int()
	if err != nil || n < least || n > most {
		p.fault(path, "is "+v.String()+"; a whole number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most)+" is right here")
	}
	return n
}

const (
	lowerAlnum = "abcdefghijklmnopqrstuvwxyz0123456789"
	tokenChars = lowerAlnum + "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-.^_`|~" // RFC 9110 5.6.2
)

func (p *parser) headerNames(path string, v *fastjson.Value) (names []string) {
	for i, v := range p.list(path, v, MaxFragments) {
		name := strings.ToLower(p.string(index(path, i), v))
		switch {
		case name == "" || strings.Trim(name, tokenChars) != "":
			p.fault(index(path, i), "is "+strconv.Quote(name)+`; the name of a request header such as "HX-Request" is right here`)
		case browserHeader(name):
			p.fault(index(path, i), strconv.Quote(name)+" comes with ordinary navigations: pages would go out without a policy")
		}
		names = append(names, name)
	}
	return names
}

// browserHeader: a navigation carries these, or an attacker's link can make
// one that does.
func browserHeader(name string) bool {
	if strings.HasPrefix(name, "sec-") || strings.HasPrefix(name, "if-") {
		return true
	}
	switch name {
	case "accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length", "content-type", "cookie", "dnt",
		"host", "origin", "pragma", "priority", "purpose", "range", "referer", "te", "upgrade-insecure-requests", "user-agent", "via":
		return true
	}
	return false
}

func (p *parser) sample(path string, v *fastjson.Value) Sample {
	s := Sample{Percent: 100}
	p.object(path, v, fields{
		"percent": func(path string, v *fastjson.Value) { s.Percent = p.int(path, v, 0, 100) },
		"cookie":  p.setString(&s.Cookie),
	})
	if strings.Trim(s.Cookie, tokenChars) != "" {
		p.fault(join(path, "cookie"), "is "+strconv.Quote(s.Cookie)+"; the name of a cookie is right here")
	}
	return s
}

func (p *parser) match(path string, v *fastjson.Value) (m Match, regex string) {
	p.object(path, v, fields{
		"prefix": p.setString(&m.Prefix),
		"exact":  p.setString(&m.Exact),
		"regex":  p.setString(&regex),
		"host":   p.setString(&m.Host),
	})
	return m, regex
}

func (p *parser) checkRoute(path string, r *Route, t routeText) {
	if !t.badMatch {
		p.checkMatch(join(path, "match"), &r.Match, t.regex)
	}
	has := len(r.Enforce)+len(r.ReportOnly) > 0
	switch {
	case r.Exempt && (has || t.trust != nil || t.approved != nil):
		p.fault(path, "is exempt and has a policy as well; one of them is right")
	case r.Exempt:
	case !has:
		p.fault(path, `has no policy: give it "report_only" or "enforce", or set "exempt" to true`)
	default:
		p.checkTrust(path, r, t)
		p.checkTogether(path, r)
	}
}

func (p *parser) checkMatch(path string, m *Match, regex string) {
	literal, given := m.Prefix+m.Exact, 0
	for _, form := range []string{m.Prefix, m.Exact, regex} {
		if form != "" {
			given++
		}
	}
	switch {
	case given != 1:
		p.fault(path, `one of "prefix", "exact" and "regex" is right here; {"prefix": "/"} matches every path`)
	case regex != "":
		m.Regex = p.regex(join(path, "regex"), regex)
	case literal[0] != '/' || strings.ContainsAny(literal, "?#"):
		p.fault(path, "a path starts with a slash and has no query and no fragment")
	}
	if strings.ContainsAny(m.Host, ":/ ") {
		p.fault(join(path, "host"), `is `+strconv.Quote(m.Host)+`; a host name such as "shop.example" is right here, without scheme, port and path`)
	}
}

// regex compiles an expression so that it matches whole paths only.
func (p *parser) regex(path, text string) *regexp.Regexp {
	if len(text) > MaxRegex {
		p.fault(path, "has "+strconv.Itoa(len(text))+" bytes; "+strconv.Itoa(MaxRegex)+" are the most")
		return nil
	}
	if _, err := regexp.Compile(text); err != nil {
		p.fault(path, err.Error()+"; the syntax is RE2's, and the expression is matched with the whole path")
		return nil
	}
	return regexp.MustCompile(`^(?:` + text + `)$`)
}

const trustModes = `"all" (every tag gets the nonce), "upstream" (the application stamps the nonce that it reads from x-csp-nonce) or "inventory" (what "approved" lists)`

func (p *parser) checkTrust(path string, r *Route, t routeText) {
	at, enforces, name := join(path, "trust"), len(r.Enforce) > 0, "all"
	switch {
	case t.trust != nil:
		name = p.string(at, t.trust)
	case enforces:
		p.fault(at, "is missing: a route that enforces says which tags get the nonce: "+trustModes)
		return
	}
	switch name {
	case "all":
		r.Trust = rewrite.All
		if enforces && !t.allowAll {
			p.fault(at, `"all" gives the nonce to injected scripts as well, so that enforcing protects nothing; use "upstream" or "inventory", or set insecure_trust_all to true`)
		}
	case "upstream":
		r.Trust = rewrite.Upstream
	case "inventory":
		r.Trust = rewrite.Inventory
		p.approvals(join(path, "approved"), t.approved, r)
		return
	default:
		p.fault(at, "is "+strconv.Quote(name)+"; right are "+trustModes)
	}
	if t.approved != nil {
		p.fault(join(path, "approved"), `counts only with "trust": "inventory"`)
	}
	if r.HostTrust {
		p.fault(join(path, "insecure_host_trust"), `counts only with "trust": "inventory"`)
	}
}

// checkTogether finds what is right alone and wrong together.
func (p *parser) checkTogether(path string, r *Route) {
	if r.Cacheable == ByHash && r.Trust != rewrite.Inventory {
		p.fault(join(path, "cacheable"), `"hash" puts approved hashes into the policy: it goes with "trust": "inventory"`)
	}
	if r.Upstream == Merge && (len(r.Enforce) > 1 || len(r.ReportOnly) > 1) {
		p.fault(join(path, "upstream_policy"), `"merge" goes with one policy of each kind: several cannot be expressed as one`)
	}
}

func (p *parser) approvals(path string, v *fastjson.Value, r *Route) {
	var entries []string
	if v != nil {
		for i, v := range p.list(path, v, MaxApproved) {
			entries = append(entries, p.string(index(path, i), v))
		}
	}
	var err error
	if r.Approved, err = rewrite.NewApprovals(entries); err != nil {
		p.fault(path, err.Error())
	}
	for _, e := range entries {
		if s, err := csp.ParseSource("'" + strings.Trim(e, "'") + "'"); err == nil && s.Kind() == csp.KindHash {
			r.ApprovedHashes = append(r.ApprovedHashes, s)
		}
	}
}

// policies reads one policy or a list of them.
func (p *parser) policies(path string, v *fastjson.Value) (l csp.List) {
	if v.Type() != fastjson.TypeArray {
		return csp.List{p.policy(path, v)}
	}
	for i, v := range p.list(path, v, MaxPolicies) {
		l = append(l, p.policy(index(path, i), v))
	}
	return l
}

// policy reads a policy: header text, or an object of directives.
func (p *parser) policy(path string, v *fastjson.Value) csp.Policy {
	var policy csp.Policy
	var err error
	switch v.Type() {
	case fastjson.TypeString:
		policy, err = csp.ParseStrict(p.string(path, v))
	case fastjson.TypeObject:
		policy, err = csp.FromDirectives(p.directives(path, v))
	default:
		p.fault(path, "is "+kind(v)+"; an object of directives or a policy's text is right here")
		return policy
	}
	var wrong *csp.ParseError
	if errors.As(err, &wrong) && v.Type() == fastjson.TypeObject && wrong.Directive != "" {
		path = join(path, wrong.Directive)
	}
	if err != nil {
		p.fault(path, err.Error())
	}
	return policy
}

func (p *parser) directives(path string, v *fastjson.Value) (d []csp.NameValue) {
	v.GetObject().Visit(func(key []byte, v *fastjson.Value) {
		name := string(key)
		at := join(path, name)
		var value string
		if v.Type() == fastjson.TypeArray {
			parts := make([]string, 0, len(v.GetArray()))
			for i, v := range v.GetArray() {
				parts = append(parts, p.string(index(at, i), v))
			}
			value = strings.Join(parts, " ")
		} else {
			value = p.string(at, v)
		}
		d = append(d, csp.NameValue{Name: name, Value: value})
	})
	return d
}
