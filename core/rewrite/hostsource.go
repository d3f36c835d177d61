package rewrite

import (
	"bytes"
	"strings"
)

// A hostSource is a host-source expression of a policy, or 'self' (CSP3 2.3.1).
type hostSource struct {
	self   bool
	scheme string // "", "http" or "https"
	host   string // without "*."
	wild   bool   // any host below it
	port   string // "", a number, or "*"
	path   string
}

func parseHost(e string) (h hostSource, ok bool) {
	if e == "'self'" {
		return hostSource{self: true}, true
	}
	if scheme, rest, cut := strings.Cut(e, "://"); cut {
		h.scheme, e = strings.ToLower(scheme), rest
		if h.scheme != "http" && h.scheme != "https" {
			return h, false
		}
	}
	if i := strings.IndexByte(e, '/'); i >= 0 {
		e, h.path = e[:i], e[i:]
	}
	h.host, h.port, _ = strings.Cut(strings.ToLower(e), ":")
	h.host, h.wild = strings.CutPrefix(h.host, "*.")
	return h, hostChars(h.host) && portChars(h.port) && !strings.ContainsAny(h.path, "?#*")
}

func hostChars(host string) bool {
	for i := range len(host) {
		if c := host[i]; !isAlnum(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return strings.Contains(host, ".") || host == "localhost"
}

func portChars(port string) bool {
	if port == "" || port == "*" {
		return true
	}
	n, ok := decimal([]byte(port))
	return ok && n > 0 && n <= 65535
}

// match is CSP3 6.7.2.8, for requests that were not redirected.
func (h *hostSource) match(l, page *location) bool {
	if h.self {
		return l.sameOrigin(page)
	}
	return h.matchScheme(l, page) && h.matchHost(l.text[l.scheme+len("://"):l.host]) && h.matchPort(l) && h.matchPath(l.text[l.origin:l.path])
}

// matchScheme lets https pass for http, and stands in the document's scheme for one that is left out.
func (h *hostSource) matchScheme(l, page *location) bool {
	scheme := h.scheme
	if scheme == "" {
		if !page.ok() {
			return false
		}
		scheme = string(page.text[:page.scheme])
	}
	return scheme == "http" || l.scheme == len("https")
}

func (h *hostSource) matchHost(host []byte) bool {
	if !h.wild {
		return string(host) == h.host
	}
	n := len(host) - len(h.host)
	return n > 1 && host[n-1] == '.' && string(host[n:]) == h.host
}

// matchPort lets 443 pass for 80, as an upgraded request needs.
func (h *hostSource) matchPort(l *location) bool {
	port := bytes.TrimPrefix(l.text[l.host:l.origin], []byte(":"))
	switch {
	case h.port == "*":
		return true
	case len(port) > 0:
		return string(port) == h.port
	case h.port == "" || h.port == "443" && l.scheme == len("https"):
		return true
	}
	return h.port == "80"
}

// matchPath compares as it is written; a path that ends in a slash admits all below it.
func (h *hostSource) matchPath(path []byte) bool {
	switch {
	case h.path == "" || h.path == "/" && len(path) <= 1:
		return true
	case strings.HasSuffix(h.path, "/"):
		return len(path) >= len(h.path) && string(path[:len(h.path)]) == h.path
	}
	return string(path) == h.path
}
