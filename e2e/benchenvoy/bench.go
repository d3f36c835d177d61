package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Options say what to measure, and how long.
type Options struct {
	Root        string        // the checkout, with build/edgecsp.wasm
	Envoy       string        // the program
	Folder      string        // for Envoy's configurations
	Connections int           // of the load generator
	Rounds      int           // turns of each page and variant; with more than one, another warms up
	Settle      time.Duration // how long a load runs before it is measured
	Slice       time.Duration // of one turn
	Starts      int           // of Envoy, with and without the filter
	Responses   int64         // after which Envoy's size is looked at
	Streams     int           // slow ones, open at the same time
	Slow        time.Duration // how long a slow stream takes
	Short       bool          // too short to judge by
	Progress    io.Writer
}

// Full is what `make bench-envoy` measures; Short shows that it works.
var (
	Full = Options{
		Connections: 16, Rounds: 5, Settle: 60 * time.Millisecond, Slice: 400 * time.Millisecond,
		Starts: 3, Responses: 200_000, Streams: 500, Slow: 4 * time.Second,
	}
	Short = Options{
		Connections: 4, Rounds: 1, Settle: 10 * time.Millisecond, Slice: 20 * time.Millisecond,
		Starts: 1, Responses: 500, Streams: 50, Slow: 500 * time.Millisecond, Short: true,
	}
)

// bench is a benchmark under way.
type bench struct {
	Options
	ctx      context.Context
	pages    []page
	approved []string
	upstream *upstream
	subjects []*subject
	took     map[string][]float64 // seconds to start, by variant
	report   *Report
}

// A subject is what is put under load: an Envoy with its variant, or the
// upstream alone.
type subject struct {
	variant string
	address string
	envoy   *envoy // nil: the upstream alone
	wants   []*want
	rates   [][]rate // by page
}

// alone is the variant without any Envoy.
const alone = "upstream"

// Run measures everything. It ends early, with an error, if ctx does.
func Run(ctx context.Context, o Options) (*Report, error) {
	b := &bench{Options: o, ctx: ctx, took: map[string][]float64{}, report: &Report{Connections: o.Connections, Rounds: o.Rounds, Short: o.Short}}
	var err error
	if b.pages, err = pages(o.Root); err != nil {
		return nil, err
	}
	b.approved = approvals(b.pages)
	info, err := os.Stat(filepath.Join(o.Root, "build/edgecsp.wasm"))
	if err != nil {
		return nil, fmt.Errorf("%w; run: make filter", err)
	}
	b.report.Wasm = newFigure("wasm size", "MB", float64(info.Size())/1e6, wasmMust, wasmAim)
	if b.upstream, err = startUpstream(b.pages, o.Slow); err != nil {
		return nil, err
	}
	defer b.upstream.stop()
	defer b.stop()
	for _, step := range []func() error{b.start, b.memory, b.rates, b.ends, b.workers, b.starts} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b.report, nil
}

func (b *bench) say(format string, values ...any) { fmt.Fprintf(b.Progress, format+"\n", values...) }

// start starts what is compared. It stays, for those that are used to the load
// by then are to be measured.
func (b *bench) start() error {
	b.subjects = []*subject{{variant: alone, address: b.upstream.address()}}
	for _, variant := range variants {
		e, err := b.envoy(variant, 1)
		if err != nil {
			return err
		}
		b.subjects = append(b.subjects, &subject{variant: variant, address: e.address, envoy: e})
	}
	for _, s := range b.subjects {
		s.rates = make([][]rate, len(b.pages))
		for _, p := range b.pages {
			n, err := stamps(s.variant, p, b.approved)
			if err != nil {
				return err
			}
			s.wants = append(s.wants, &want{variant: s.variant, page: p, stamps: n})
		}
	}
	return nil
}

func (b *bench) stop() {
	for _, s := range b.subjects {
		if s.envoy != nil {
			s.envoy.stop()
		}
	}
}

// envoy starts an Envoy with a variant.
func (b *bench) envoy(variant string, workers int) (*envoy, error) {
	f, err := filters(variant, b.Root, b.approved)
	if err != nil {
		return nil, err
	}
	e, err := startEnvoy(b.Envoy, b.Folder, variant, f, workers, b.upstream)
	if err == nil && workers == 1 {
		b.took[variant] = append(b.took[variant], e.ready.Seconds())
	}
	return e, err
}

// rates measures every page with every subject, in turns.
func (b *bench) rates() error {
	for _, s := range b.subjects {
		if err := probe(s.address, s.wants); err != nil {
			return err
		}
	}
	if b.Rounds > 1 {
		if _, err := b.round(); err != nil {
			return err
		}
	}
	for n := range b.Rounds {
		rates, err := b.round()
		if err != nil {
			return err
		}
		for i, s := range b.subjects {
			for p := range b.pages {
				s.rates[p] = append(s.rates[p], rates[p][i])
			}
		}
		b.say("rates: round %d of %d", n+1, b.Rounds)
	}
	for i, p := range b.pages {
		b.report.Rates = append(b.report.Rates, newRow(p, i, b.subjects))
	}
	return nil
}

// round returns a rate for each page and, of each, for each subject.
func (b *bench) round() ([][]rate, error) {
	rates := make([][]rate, len(b.pages))
	for p := range b.pages {
		for _, s := range b.subjects {
			r, err := b.measure(s, p)
			if err != nil {
				return nil, err
			}
			rates[p] = append(rates[p], r)
		}
	}
	return rates, nil
}

// starts has the rest of the starts, and tells how long they took until there
// was an answer.
func (b *bench) starts() error {
	for range b.Starts - 1 {
		for _, variant := range []string{bare, all} {
			e, err := b.envoy(variant, 1)
			if err != nil {
				return err
			}
			e.stop()
		}
	}
	b.report.StartBare = newFigure("start to ready, no filter", "s", median(b.took[bare]), 0, 0)
	b.report.Start = newFigure("start to ready, filter", "s", median(b.took[all]), startMust, startAim)
	return b.ctx.Err()
}

// median of a list that is not empty; of an even number, the upper one.
func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}
