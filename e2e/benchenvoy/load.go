package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lookAt: of so many responses on a connection, one is looked at whole.
	lookAt = 64
	// least is how many responses a measurement goes on for in any case.
	least = 20
	// margin is what a load may take beyond its time before it is an error.
	margin = 20 * time.Second
)

// probe gets each page once and looks at it whole, which tells the length that
// every later response has.
func probe(address string, wants []*want) error {
	for _, w := range wants {
		c, err := dial(address, time.Now().Add(margin))
		if err != nil {
			return err
		}
		a, err := c.get(requestFor(w.page, ""), true)
		c.close()
		if err == nil {
			err = w.whole(a)
		}
		if err != nil {
			return fmt.Errorf("looking at a page: %s, %s: %w", w.variant, w.page.name, err)
		}
		w.length = a.length
	}
	return nil
}

// A load is what connections do at the same time: ask for pages in turn, until
// it is stopped or has had enough responses.
type load struct {
	address     string
	query       string // on every path
	connections int
	wants       []*want
	until       time.Time
	most        int64 // responses; 0 is no limit

	begun, done, looked atomic.Int64
	stop                atomic.Bool
}

// run returns when all connections have ended.
func (l *load) run() error {
	faults := make([]error, l.connections)
	var all sync.WaitGroup
	for i := range l.connections {
		all.Go(func() {
			if faults[i] = l.connection(i); faults[i] != nil {
				l.stop.Store(true)
			}
		})
	}
	all.Wait()
	return errors.Join(faults...)
}

func (l *load) connection(i int) error {
	c, err := dial(l.address, l.until.Add(margin))
	if err != nil {
		return err
	}
	defer c.close()
	requests := make([][]byte, len(l.wants))
	for i, w := range l.wants {
		requests[i] = requestFor(w.page, l.query)
	}
	for n := 0; !l.stop.Load() && time.Now().Before(l.until) && l.more(); n++ {
		turn := (n + i) % len(l.wants)
		keep := (n+i)%lookAt == lookAt-1
		a, err := c.get(requests[turn], keep)
		if err == nil {
			err = l.check(l.wants[turn], a, keep)
		}
		if err != nil {
			return fmt.Errorf("%s, %s: %w", l.wants[turn].variant, l.wants[turn].page.name, err)
		}
		l.done.Add(1)
	}
	return nil
}

func (l *load) more() bool {
	n := l.begun.Add(1)
	return l.most == 0 || n <= l.most
}

func (l *load) check(w *want, a response, keep bool) error {
	if keep {
		l.looked.Add(1)
		if err := w.whole(a); err != nil {
			return err
		}
	}
	return w.cheap(a)
}

// A rate is what a load for some time amounted to.
type rate struct {
	responses int64
	elapsed   time.Duration
	processor time.Duration // Envoy's; 0 where there is none
	looked    int64
}

func (r rate) perSecond() float64 { return float64(r.responses) / r.elapsed.Seconds() }

// cost is Envoy's processor time for a response, in seconds.
func (r rate) cost() float64 { return r.processor.Seconds() / float64(r.responses) }

// measure puts a subject under load with one page.
func (b *bench) measure(s *subject, page int) (rate, error) {
	l := &load{address: s.address, connections: b.Connections, wants: s.wants[page : page+1], until: time.Now().Add(b.Settle + b.Slice + margin)}
	ended := make(chan error, 1)
	go func() { ended <- l.run() }()
	time.Sleep(b.Settle)
	before, err := l.now(s.envoy)
	if err == nil {
		err = l.last(b.ctx, b.Slice, ended)
	}
	after, err2 := l.now(s.envoy)
	if l.stop.Store(true); err == nil {
		err = <-ended
	}
	return after.since(before), errors.Join(err, err2)
}

// last lets the load go on for some time, and until there are least responses.
func (l *load) last(ctx context.Context, during time.Duration, ended <-chan error) error {
	enough := l.done.Load() + least
	for wait := during; ; wait = during / 4 {
		select {
		case <-time.After(wait):
			if l.done.Load() >= enough {
				return nil
			}
		case err := <-ended:
			return errors.Join(err, errors.New("the load ended too soon"))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

type moment struct {
	at        time.Time
	responses int64
	looked    int64
	processor time.Duration
}

func (l *load) now(e *envoy) (moment, error) {
	m := moment{at: time.Now(), responses: l.done.Load(), looked: l.looked.Load()}
	var err error
	if e != nil {
		m.processor, err = e.processorTime()
	}
	return m, err
}

func (m moment) since(b moment) rate {
	return rate{responses: m.responses - b.responses, elapsed: m.at.Sub(b.at), processor: m.processor - b.processor, looked: m.looked - b.looked}
}
