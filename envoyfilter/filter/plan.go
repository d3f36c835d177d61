package filter

import (
	"github.com/edgecsp/edgecsp/core/edgeconfig"
	"github.com/edgecsp/edgecsp/core/rewrite"
)

// minUpstreamNonce is how many characters an application's own nonce has at
// least to be taken over: 128 bits in base64.
const minUpstreamNonce = 22

// plan is what a response gets.
type plan struct {
	fragment bool // nothing but no-store
	yield    bool // the application's own policies stand instead of ours
	replace  bool // the application's policies give way to ours
	merge    bool // the application's policies are widened by ours
	enforce  bool // enforced policies are enforced, not only reported on
	noScript bool // a further policy lets no script run at all
	hashed   bool // approved hashes stand in the policies instead of a nonce
	report   bool // the visitor's browser reports
	altered  bool // the body leaves as another than it came
	nonce    string
	extra    string           // the application's own nonce, taken over
	rewrite  *rewrite.Options // nil: the body stays as it is
	obstacle obstacle         // why the tags cannot be stamped although they would have to be
}

// plan decides. Where tags would have to be stamped and cannot be, enforcing
// would break the page: what its policies do then, the route says.
func (s *Stream) plan(a *response) plan {
	r := s.route
	if s.request.fragment {
		return plan{fragment: true, enforce: true}
	}
	own := len(a.enforced)+len(a.reported) > 0
	p := plan{
		enforce: true,
		yield:   r.Upstream == edgeconfig.Yield && own,
		replace: r.Upstream == edgeconfig.Replace,
		merge:   r.Upstream == edgeconfig.Merge && own,
		report:  sampled(r.Sample, &s.request, s.plugin.host.ClientAddress),
		extra:   s.plugin.adopt(a.nonces),
	}
	switch {
	case p.yield, !a.html && !a.untyped:
		return p
	case r.Cacheable == edgeconfig.ByHash && a.shared:
		p.hashed = true
		return p
	case r.stamping == nil:
		return p
	case a.guarded && r.Trust == rewrite.All:
		// The application's own protection stands. What it allows by hash ours
		// would block: only its nonce can be taken over.
		p.replace, p.enforce = false, p.extra != ""
		return p
	}
	return s.planNonce(p, a)
}

// personal reports whether nobody else gets the same answer from a cache.
func (p *plan) personal(a *response) bool { return p.nonce != "" || a.private || a.cookie }

func (s *Stream) planNonce(p plan, a *response) plan {
	p.obstacle = a.obstacle
	switch {
	case !s.draw():
		p.obstacle = noNonce
	case s.route.Trust == rewrite.Upstream:
		p.obstacle = noObstacle // the application stamps
	case a.untyped:
		p.obstacle = untyped
	}
	if p.obstacle != noObstacle {
		switch s.route.Unrewritable {
		case edgeconfig.ReportInstead:
			p.enforce = false
		case edgeconfig.FailClosed:
			p.noScript = true
		}
		return p
	}
	p.nonce = s.nonce
	if a.obstacle != noObstacle || a.untyped {
		return p
	}
	p.altered = s.route.Trust != rewrite.Upstream
	if !a.noBody {
		p.rewrite = s.route.stamping
	}
	return p
}

// adopt returns the application's own nonce if ours may take it over beside
// its own: one that is long enough and was not seen before.
func (p *Plugin) adopt(nonces []string) string {
	if len(nonces) == 0 {
		return ""
	}
	fresh := true
	for _, n := range nonces {
		fresh = p.upstreamNonces.fresh(n) && fresh
	}
	switch n := nonces[0]; {
	case len(n) < minUpstreamNonce:
		p.counts.weakNonces(1)
		p.log(Warn, "an application's nonce is too short to be taken over", "it has fewer than 128 bits (22 characters of base64)")
	case !fresh:
		p.counts.weakNonces(1)
		p.log(Warn, "an application's nonce came twice", "it is not taken over: a nonce is new for each response; is the page cached behind the filter?")
	case len(nonces) == 1:
		return n
	}
	return ""
}

// seen remembers the last values that it was asked about.
type seen struct {
	values [256]string
	next   int
}

func (s *seen) fresh(v string) bool {
	for _, have := range s.values {
		if have == v {
			return false
		}
	}
	s.values[s.next] = v
	s.next = (s.next + 1) % len(s.values)
	return true
}
