// Package edgeconfig is the configuration of the filter: which site it stands
// in front of, which routes it has, and what each route's pages get.
//
// The form is JSON. It is read strictly: an unknown key, a key that stands
// twice and a value of the wrong kind are faults, each named with its path,
// and all faults are listed at once. A configuration that parses is complete:
// nothing in it is left to be refused later.
package edgeconfig

import (
	"regexp"
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
	// MaxRegex is the longest regular expression, in bytes.
	MaxRegex = 1000
	// MaxFragments is the largest number of headers that ask for a fragment.
	MaxFragments = 20
	// MaxHeld is the largest value of a route's max_tag and max_block, in bytes.
	MaxHeld = 1 << 20
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

// A Route says what the pages at some paths get. docs/configuration.md names
// the key of each field.
type Route struct {
	Match      Match
	Exempt     bool // no policy and no rewriting at all
	Enforce    csp.List
	ReportOnly csp.List
	Trust      rewrite.Trust
	// Scripts and Styles say which tags take part in nonces.
	Scripts, Styles bool
	// KeepUnsafeInline places no nonce where 'unsafe-inline' is in force.
	KeepUnsafeInline bool
	Approved         *rewrite.Approvals // for trust "inventory", nil otherwise
	ApprovedHashes   []csp.Source       // the hashes of Approved, as sources
	HostTrust        bool               // source expressions in Approved count
	Upstream         UpstreamPolicy
	Unrewritable     Unrewritable
	Cacheable        Cacheable
	AllTypes         bool     // answers that are not HTML get the policies too, without nonce
	Fragments        []string // names of request headers, lower case, that ask for a fragment
	MetaNonce        bool     // <meta name=csp-nonce> is kept in step
	FrameOptions     bool     // X-Frame-Options in step with an enforced frame-ancestors
	Sample           Sample
	MaxTag, MaxBlock int // bytes; 0 is the rewriter's default
}

// Placement says what the filter adds to the route's policies.
func (r *Route) Placement() csp.Placement {
	return csp.Placement{ScriptNonce: r.Scripts, StyleNonce: r.Styles, KeepUnsafeInline: r.KeepUnsafeInline, ReportSample: true}
}

// An UpstreamPolicy says what becomes of policies that the application sends.
type UpstreamPolicy uint8

// What may become of an application's policies.
const (
	Keep    UpstreamPolicy = iota // they stand, and the route's stand beside them
	Replace                       // the route's take their place, disposition by disposition
	Yield                         // they stand instead of the route's, and get its reporting
	Merge                         // they are widened by the route's sources
)

// Unrewritable says what becomes of enforced policies on a page whose tags
// would have to be stamped and cannot be.
type Unrewritable uint8

// What may become of such a page's enforced policies.
const (
	ReportInstead Unrewritable = iota // they only report
	HeaderOnly                        // they are enforced without the nonce
	FailClosed                        // that, and no script runs at all
)

// Cacheable says how a page with a nonce may be kept by caches.
type Cacheable uint8

// How a page may be kept.
const (
	Private Cacheable = iota // by the visitor's own browser only
	NoStore                  // by nobody
	ByHash                   // as the application says, with hashes instead of a nonce
)

// A Sample says whose browsers report. Visitors outside of it get the enforced
// policies without a report URL, and no others.
type Sample struct {
	Percent int    // of visitors, 0 to 100
	Cookie  string // the first-party cookie by which a visitor stays in or out; "": network and user agent
}

// A Match says which requests a route is for. One of Prefix, Exact and Regex is
// set; each is compared with the path as the proxy passes it on, without the
// query.
type Match struct {
	Prefix string
	Exact  string
	Regex  *regexp.Regexp // anchored at both ends
	Host   string         // the authority without a port, lower case; "" is any
}

// Select returns the index of the first route for a request, -1 if there is
// none. host may have a port, path a query.
func (c *Config) Select(host, path string) int {
	path, _, _ = strings.Cut(path, "?")
	for i := range c.Routes {
		if c.Routes[i].Match.matches(host, path) {
			return i
		}
	}
	return -1
}

func (m *Match) matches(host, path string) bool {
	if m.Host != "" && !strings.EqualFold(withoutPort(host), m.Host) {
		return false
	}
	switch {
	case m.Exact != "":
		return path == m.Exact
	case m.Regex != nil:
		return m.Regex.MatchString(path)
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
