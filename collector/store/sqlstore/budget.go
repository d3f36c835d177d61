package sqlstore

import (
	"time"

	"golang.org/x/time/rate"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

// A budget bounds the new groups a minute: whoever sends reports chooses what
// makes a group. Reports with a valid token have a budget of their own, which
// those without can't use up.
type budget struct {
	trusted, others *rate.Limiter
	known           generations[report.Fingerprint, struct{}] // groups that are there
}

// maxKnown is how many groups are known to be there without a look-up.
const maxKnown = 200_000

func newBudget(perMinute int) *budget {
	if perMinute == 0 {
		perMinute = DefaultNewGroups
	}
	limit := func() *rate.Limiter {
		if perMinute < 0 {
			return rate.NewLimiter(rate.Inf, 0)
		}
		return rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)
	}
	return &budget{trusted: limit(), others: limit(), known: newGenerations[report.Fingerprint, struct{}](maxKnown)}
}

func (b *budget) allow(lane store.Lane, now time.Time) bool {
	if lane == store.Genuine || lane == store.Expired {
		return b.trusted.AllowN(now, 1)
	}
	return b.others.AllowN(now, 1)
}

func (b *budget) forget() { b.known.clear() }

// generations is a map that forgets what was not used for long: it has two
// halves, and drops the older when the younger is full.
type generations[K comparable, V any] struct {
	half       int
	young, old map[K]V
}

func newGenerations[K comparable, V any](size int) generations[K, V] {
	return generations[K, V]{half: size / 2, young: map[K]V{}}
}

func (g *generations[K, V]) get(k K) (v V, ok bool) {
	if v, ok = g.young[k]; ok {
		return v, true
	}
	if v, ok = g.old[k]; ok {
		g.put(k, v)
	}
	return v, ok
}

func (g *generations[K, V]) put(k K, v V) {
	if len(g.young) >= g.half {
		g.old, g.young = g.young, map[K]V{}
	}
	g.young[k] = v
}

func (g *generations[K, V]) has(k K) bool { _, ok := g.get(k); return ok }

func (g *generations[K, V]) clear() { g.young, g.old = map[K]V{}, nil }
