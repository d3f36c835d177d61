// Package edgeconfig is the configuration of the filter: which site it stands
// in front of, which routes it has, and what each route's pages get.
//
// The form is JSON. It is read strictly: an unknown key, a key that stands
// twice and a value of the wrong kind are faults, each named with its path,
// and all faults are listed at once. A configuration that parses is complete:
// nothing in it is left to be refused later.
package edgeconfig

import (
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/rewrite"
)

const (
	// MaxSize is the largest configuration, in bytes.
	MaxSize = 1 << 20
	// MaxRoutes is the largest number of routes.
	MaxRoutes = 1000
	// MaxPolicies is the largest number of policies that a route enforces, and
	// that it reports on.
	MaxPolicies = 8
	// MaxApproved is the largest number of approvals of a route.
	MaxApproved = 10_000
	// MaxFaults is how many faults are listed; more are counted.
	MaxFaults = 50
	// DefaultBasePath is where the collector's public paths are, as in
	// django-csp-observer's instructions.
	DefaultBasePath = "/csp"
)

// A Config is a whole configuration. It does not change once it is parsed.
type Config struct {
	Site     string // names the site to the collector: a-z, 0-9, '.', '-', '_'
	Secret   Secret
	BasePath string  // the collector's public paths on the site, "/csp"; no slash at its end
	Routes   []Route // in order: the first that matches decides
}

// A Secret is where the site's secret comes from: one of the two is set.
type Secret struct {
	Env     string // the name of an environment variable of the filter's VM
	Literal string // the secret itself: shown by every dump of the proxy's configuration
}

// A Route says what the pages at some paths get.
type Route struct {
	Match      Match
	Exempt     bool // no policy and no rewriting at all
	Enforce    csp.List
	ReportOnly csp.List
	Trust      rewrite.Trust
	// Scripts and Styles say which tags take part in nonces: use_script_nonce
	// and use_style_nonce.
	Scripts, Styles bool
	Approved        *rewrite.Approvals // for trust "inventory", nil otherwise
}

// A Match says which requests a route is for. One of Prefix and Exact is set;
// both are compared with the path as the proxy passes it on, without the query.
type Match struct {
	Prefix string
	Exact  string
	Host   string // the authority without a port, lower case; "" is any
}

// Select returns the first route for a request, nil if there is none. host may
// have a port, path a query.
func (c *Config) Select(host, path string) *Route {
	path, _, _ = strings.Cut(path, "?")
	for i := range c.Routes {
		if c.Routes[i].Match.matches(host, path) {
			return &c.Routes[i]
		}
	}
	return nil
}

func (m *Match) matches(host, path string) bool {
	if m.Host != "" && !strings.EqualFold(withoutPort(host), m.Host) {
		return false
	}
	if m.Exact != "" {
		return path == m.Exact
	}
	return strings.HasPrefix(path, m.Prefix)
}

func withoutPort(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}

// CollectorPath reports whether a path belongs to the collector, whose answers
// the filter leaves alone.
func (c *Config) CollectorPath(path string) bool {
	rest, ok := strings.CutPrefix(path, c.BasePath)
	return ok && strings.HasPrefix(rest, "/")
}
