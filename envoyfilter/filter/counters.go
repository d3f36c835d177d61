package filter

import (
	"strings"

	"github.com/edgecsp/edgecsp/core/rewrite"
)

// counters are the filter's statistics. Envoy shows them with the prefix
// wasmcustom. Their names are fixed: nothing of a request is ever part of one.
type counters struct {
	pages         func(int) // responses that got a policy
	fragments     func(int) // responses exempt as fragments
	yielded       func(int) // of the pages, those whose own policies stand
	hashed        func(int) // of the pages, those with hashes for shared caches
	nonceFailures func(int) // responses without a nonce because randomness failed
	weakNonces    func(int) // applications' nonces that were too short or came twice
	stamped       func(int) // tags that got the nonce
	foreign       func(int) // tags that carry another nonce than the response's (upstream)
	unapproved    func(int) // tags that are not approved (inventory)
	suspect       func(int) // tags that a browser would not hold nonceable
	oversized     func(int) // tags and blocks past the limits
	refused       func(int) // configurations refused in favour of the last good one
	errors        func(int) // refused host calls and panics
	unrewritten   [obstacles]func(int)
	gaveUp        map[rewrite.Reason]func(int)
}

var obstacleNames = [obstacles]string{encoded: "encoded", partial: "partial", noTransform: "no_transform", untyped: "untyped", noNonce: "no_nonce"}

func newCounters(h Host) counters {
	c := counters{
		pages:         h.Counter("edgecsp_pages"),
		fragments:     h.Counter("edgecsp_fragments"),
		yielded:       h.Counter("edgecsp_pages_yielded"),
		hashed:        h.Counter("edgecsp_pages_hashed"),
		nonceFailures: h.Counter("edgecsp_nonce_failures"),
		weakNonces:    h.Counter("edgecsp_upstream_nonces_weak"),
		stamped:       h.Counter("edgecsp_tags_stamped"),
		foreign:       h.Counter("edgecsp_tags_foreign_nonce"),
		unapproved:    h.Counter("edgecsp_tags_unapproved"),
		suspect:       h.Counter("edgecsp_tags_suspect"),
		oversized:     h.Counter("edgecsp_tags_oversized"),
		refused:       h.Counter("edgecsp_config_refused"),
		errors:        h.Counter("edgecsp_errors"),
		gaveUp:        map[rewrite.Reason]func(int){},
	}
	for o := encoded; o < obstacles; o++ {
		c.unrewritten[o] = h.Counter("edgecsp_pages_unrewritten_" + obstacleNames[o])
	}
	for r := rewrite.Encoding; r <= rewrite.Depth; r++ {
		c.gaveUp[r] = h.Counter("edgecsp_pages_given_up_" + strings.ReplaceAll(r.String(), "-", "_"))
	}
	return c
}

// count adds what a plan decided.
func (s *Stream) count(p plan) {
	c := &s.plugin.counts
	if p.fragment {
		c.fragments(1)
		return
	}
	c.pages(1)
	if p.yield {
		c.yielded(1)
	}
	if p.hashed {
		c.hashed(1)
	}
	if p.obstacle != noObstacle {
		c.unrewritten[p.obstacle](1)
	}
}

// tally adds what the rewriter did.
func (s *Stream) tally() {
	if !s.looked {
		return
	}
	n, c := s.body.Counts(), &s.plugin.counts
	c.stamped(n.Stamped)
	c.foreign(n.Foreign)
	c.unapproved(n.Unapproved)
	c.suspect(n.Suspect)
	c.oversized(n.Oversized)
	if n.GaveUp != rewrite.Going {
		c.gaveUp[n.GaveUp](1)
	}
}
