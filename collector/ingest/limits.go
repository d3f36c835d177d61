package ingest

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/edgecsp/edgecsp/core/report"
)

// Limits bound what is taken. A zero Rate is no limit.
type Limits struct {
	Body     Body
	InFlight int64 // bytes of all bodies under way together; what would exceed it gets 503
	Network  Rate  // reports from one network, /16 or /32 of IPv6; past it 429
	Site     Rate  // reports to one site; past it 429
}

// Body bounds one request's body.
type Body struct {
	Bytes int64 // a greater one gets 413
	report.Limits
}

// A Rate is a token bucket.
type Rate struct {
	PerSecond float64
	Burst     int
}

// DefaultLimits are generous to real sites: a network of the size of /16 is
// many thousands of visitors.
func DefaultLimits() Limits {
	return Limits{
		Body:     Body{Bytes: 1 << 20, Limits: report.DefaultLimits()},
		InFlight: 128 << 20,
		Network:  Rate{PerSecond: 500, Burst: 5000},
		Site:     Rate{PerSecond: 10_000, Burst: 50_000},
	}
}

const (
	// ratePause is when who got 429 may try again.
	ratePause = time.Minute
	// maxNetworks is how many networks have a bucket of their own. IPv4 has
	// 65,536 of size /16 in all; what comes from one network too many shares a
	// bucket with all other such.
	maxNetworks = 70_000
)

// buckets are token buckets by name.
type buckets struct {
	rate   Rate
	max    int
	mu     sync.Mutex
	named  map[string]*rate.Limiter
	others *rate.Limiter
}

func newBuckets(r Rate, limit int) *buckets {
	b := &buckets{rate: r, max: limit, named: map[string]*rate.Limiter{}}
	b.others = b.limiter()
	return b
}

func (b *buckets) limiter() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(b.rate.PerSecond), b.rate.Burst)
}

// take takes n tokens from a bucket, or none and returns false.
func (b *buckets) take(name string, n int, now time.Time) bool {
	if b.rate.PerSecond == 0 || n == 0 {
		return true
	}
	return b.bucket(name, now).AllowN(now, n)
}

func (b *buckets) bucket(name string, now time.Time) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.named[name]
	if l == nil {
		if len(b.named) >= b.max && !b.sweep(now) {
			return b.others
		}
		l = b.limiter()
		b.named[name] = l
	}
	return l
}

// sweep takes out full buckets: they are as good as new ones. It looks at some
// only, since it may be called for every request of a flood.
func (b *buckets) sweep(now time.Time) bool {
	const look = 64
	n := 0
	for name, l := range b.named {
		if n++; n > look {
			break
		}
		if l.TokensAt(now) >= float64(b.rate.Burst) {
			delete(b.named, name)
		}
	}
	return len(b.named) < b.max
}
