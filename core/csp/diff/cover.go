package diff

import (
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
)

// covers reports whether all that g lets through is let through by have.
func covers(have, g grant, self csp.Origin) bool {
	switch {
	case have.text == g.text:
		return true
	case have.s.Keyword() == csp.UnsafeInline:
		return g.s.Kind() == csp.KindNonce || g.s.Kind() == csp.KindHash || g.s.Keyword() == csp.StrictDynamic ||
			g.s.Keyword() == csp.InlineSpeculationRules
	case have.s.Keyword() == csp.UnsafeEval:
		return g.s.Keyword() == csp.WasmUnsafeEval || g.s.Keyword() == csp.TrustedTypesEval
	}
	x, ok := shape(have.s, self)
	y, ok2 := shape(g.s, self)
	return ok && ok2 && x.covers(y)
}

// place is what a URL expression stands for, with the page's scheme put in.
type place struct{ scheme, host, port, path string }

func shape(s csp.Source, self csp.Origin) (place, bool) {
	switch s.Kind() {
	case csp.KindScheme:
		return place{scheme: strings.ToLower(s.Scheme())}, true
	case csp.KindHost:
		p := place{strings.ToLower(s.Scheme()), strings.ToLower(s.Host()), s.Port(), s.Path()}
		if s.Text() == "*" {
			p.scheme = "*"
		} else if p.scheme == "" {
			p.scheme = self.Scheme
		}
		return p, true
	}
	if s.Keyword() == csp.Self {
		if self.Host == "" {
			return place{scheme: self.Scheme, host: "'self'"}, true
		}
		u := csp.URL{Scheme: self.Scheme, Host: self.Host, Port: self.Port}
		p, err := csp.ParseSource(strings.TrimSuffix(u.String(), "/"))
		return place{p.Scheme(), p.Host(), p.Port(), ""}, err == nil
	}
	return place{}, false
}

func (p place) covers(q place) bool {
	if p.scheme == "*" {
		switch q.scheme {
		case "*", "http", "https", "ws", "wss":
			return true
		}
		return false
	}
	if p.scheme != q.scheme && !(p.scheme == "http" && q.scheme == "https") && !(p.scheme == "ws" && q.scheme == "wss") {
		return false
	}
	if p.host == "" {
		return true
	}
	return q.host != "" && coversHost(p.host, q.host) && p.coversPort(q) && coversPath(p.path, q.path)
}

func coversHost(a, b string) bool {
	if a == "*" || a == b {
		return true
	}
	suffix, wild := strings.CutPrefix(a, "*")
	return wild && strings.HasSuffix(b, suffix)
}

func (p place) coversPort(q place) bool {
	return p.port == "*" || defaulted(p) == defaulted(q) || defaulted(p) == "80" && defaulted(q) == "443" && p.scheme != q.scheme
}

// defaulted writes the scheme's default port out.
func defaulted(p place) string {
	if p.port != "" {
		return strings.TrimLeft(p.port, "0")
	}
	switch p.scheme {
	case "http", "ws":
		return "80"
	case "https", "wss":
		return "443"
	}
	return ""
}

func coversPath(a, b string) bool {
	return a == "" || a == b || strings.HasSuffix(a, "/") && strings.HasPrefix(b, a) || a == "/" && b == ""
}
