package main

import (
	"fmt"
	"slices"
	"time"
)

// mixed are the pages of the many responses, slow that of the slow streams.
var mixed, slow = []string{"json", "1KB", "10KB", "10KB", "10KB", "100KB"}, []string{"100KB"}

const (
	// sampleEvery is how often the size is looked at while streams are open.
	sampleEvery = 50 * time.Millisecond
	// longest is what the many responses may take.
	longest = 10 * time.Minute
	mb      = 1e6
)

// memory looks at the resident size of Envoys in the course of many responses
// and with many slow streams open.
func (b *bench) memory() error {
	for _, s := range b.subjects {
		if s.variant != bare && s.variant != all && s.variant != inventory {
			continue
		}
		m, err := b.sizes(s)
		if err != nil {
			return err
		}
		b.report.Memory = append(b.report.Memory, m)
		b.say("memory: %s", s.variant)
	}
	return nil
}

// ends looks at the sizes once more, when pages of 1 MB were among what went
// through.
func (b *bench) ends() error {
	for i := range b.report.Memory {
		m := &b.report.Memory[i]
		var err error
		if m.End, err = size(b.subject(m.Variant).envoy); err != nil {
			return err
		}
	}
	b.report.judgeMemory()
	return nil
}

func (b *bench) subject(variant string) *subject {
	return b.subjects[slices.IndexFunc(b.subjects, func(s *subject) bool { return s.variant == variant })]
}

// sizes does so for one Envoy.
func (b *bench) sizes(s *subject) (m Memory, err error) {
	m = Memory{Variant: s.variant, Responses: b.Responses, Streams: b.Streams}
	if m.Ready, err = size(s.envoy); err != nil {
		return m, err
	}
	if err := probe(s.address, s.wants); err != nil {
		return m, err
	}
	// A tenth first: what it takes to get going is no leak.
	if m.Warm, err = b.after(s, b.Responses/10); err != nil {
		return m, err
	}
	if m.After, err = b.after(s, b.Responses-b.Responses/10); err != nil {
		return m, err
	}
	m.Slow, m.Open, err = b.slow(s)
	return m, err
}

// after returns the size after more responses.
func (b *bench) after(s *subject, n int64) (float64, error) {
	l := &load{address: s.address, connections: b.Connections, wants: pick(s.wants, mixed), until: time.Now().Add(longest), most: n}
	if err := b.watch(l, nil); err != nil {
		return 0, err
	}
	if done := l.done.Load(); done != n {
		return 0, fmt.Errorf("only %d of %d responses came", done, n)
	}
	return size(s.envoy)
}

// slow opens the slow streams and returns the largest size while all were open.
func (b *bench) slow(s *subject) (largest float64, open int, err error) {
	l := &load{
		address: s.address, query: trickled, connections: b.Streams, wants: pick(s.wants, slow),
		until: time.Now().Add(b.Slow / 2), // so that each has one
	}
	err = b.watch(l, func() error {
		n := int(l.begun.Load() - l.done.Load())
		if n < open {
			return nil
		}
		if n > open {
			open, largest = n, 0
		}
		now, err := size(s.envoy)
		largest = max(largest, now)
		return err
	})
	return largest, open, err
}

// watch runs a load to its end and looks at something meanwhile.
func (b *bench) watch(l *load, look func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- l.run() }()
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-b.ctx.Done():
			l.stop.Store(true)
			<-ended
			return b.ctx.Err()
		case <-tick.C:
			if look == nil {
				continue
			}
			if err := look(); err != nil {
				l.stop.Store(true)
				<-ended
				return err
			}
		}
	}
}

// workers measures what each further worker costs, after a tenth of the
// responses, when all have been under load.
func (b *bench) workers() error {
	const further = 2
	each := map[string]float64{}
	for _, m := range b.report.Memory {
		if m.Variant == inventory {
			continue
		}
		e, err := b.envoy(m.Variant, 1+further)
		if err != nil {
			return err
		}
		now, err := b.after(&subject{address: e.address, envoy: e, wants: b.subject(m.Variant).wants}, b.Responses/10)
		e.stop()
		if err != nil {
			return err
		}
		each[m.Variant] = (now - m.Warm) / further
	}
	b.report.PerWorker = newFigure("resident over no filter, a further worker", "MB", each[all]-each[bare], workerMust, 0)
	return nil
}

// pick returns the wants for pages by name, in that order.
func pick(wants []*want, names []string) (list []*want) {
	for _, name := range names {
		for _, w := range wants {
			if w.page.name == name {
				list = append(list, w)
			}
		}
	}
	return list
}

// size is the resident size in MB.
func size(e *envoy) (float64, error) {
	n, err := e.resident()
	return float64(n) / mb, err
}
