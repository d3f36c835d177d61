package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
	"github.com/edgecsp/edgecsp/core/report"
)

// PageTime is how long a page's queries took.
type PageTime struct {
	Server, Page  string
	P50, P95, Max time.Duration
}

const (
	fillGroups  = 100_000
	fillDays    = 90
	fillBatch   = 5000
	fillClients = 20_000
	pageRuns    = 200
)

var directives = []string{"script-src-elem", "script-src-attr", "style-src-elem", "style-src-attr", "img-src", "font-src", "connect-src", "frame-src", "media-src", "worker-src"}

func measurePages(ctx context.Context, o *options, r *Result, out io.Writer) error {
	databases := map[string]string{"sqlite": filepath.Join(o.dir, "pages.db")}
	if o.postgres != "none" {
		db, err := newDatabase(ctx, o)
		if err != nil {
			return err
		}
		databases["postgres"] = db
	}
	tab := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, name := range []string{"sqlite", "postgres"} {
		if databases[name] == "" {
			continue
		}
		s, err := sqlstore.Open(ctx, databases[name], sqlstore.Options{NewGroups: -1})
		if err != nil {
			return err
		}
		start := time.Now()
		n, err := fill(ctx, s, o.reports, o.fill/time.Duration(len(databases)))
		if err != nil {
			return err
		}
		r.Reports, r.FillPerSecond = n, float64(n)/time.Since(start).Seconds()
		fmt.Fprintf(out, "\n%s: %d reports made in %s\n", name, n, time.Since(start).Round(time.Second))
		fmt.Fprintln(tab, "server\tpage\tp50\tp95\tmax\t")
		err = pages(ctx, s, name, r, tab)
		if err := s.Close(); err != nil {
			return err
		}
		if err != nil {
			return err
		}
	}
	return tab.Flush()
}

// fill makes reports as a busy site has them over some months: most of them in
// few groups.
func fill(ctx context.Context, s *sqlstore.Store, reports int, limit time.Duration) (int64, error) {
	end := time.Now().Add(limit)
	begin := time.Now().Add(-fillDays * 24 * time.Hour)
	batches := make(chan []store.Record, 8)
	go func() {
		defer close(batches)
		rng := rand.New(rand.NewPCG(1, 2))
		for made := 0; made < reports && time.Now().Before(end) && ctx.Err() == nil; made += fillBatch {
			at := begin.Add(time.Duration(float64(fillDays*24*time.Hour) * float64(made) / float64(reports)))
			batches <- fillRecords(rng, at)
		}
	}()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var n int64
	var failed error
	for range 8 {
		wg.Go(func() {
			for b := range batches {
				err := s.Add(ctx, b)
				mu.Lock()
				if err != nil {
					failed = err
				} else {
					n += int64(len(b))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return n, failed
}

func fillRecords(rng *rand.Rand, at time.Time) []store.Record {
	records := make([]store.Record, fillBatch)
	for i := range records {
		// Zipf-like: the square of a uniform draw, twice.
		u := rng.Float64()
		g := int(u * u * u * u * fillGroups)
		records[i] = store.Record{
			Site: site, Received: at, Lane: store.Genuine, Client: uint64(rng.IntN(fillClients)+1) * 0x9e3779b97f4a7c15, Net: uint64(rng.IntN(5000)+1) * 0x9e3779b97f4a7c15,
			Report: report.Report{
				Kind: report.CSPViolation, Disposition: report.Enforce, Directive: directives[g%len(directives)], Blocked: "https://" + letters(g) + ".example/x.js",
				Page: "https://shop.example.org/" + letters(g%50), Observed: at, UserAgent: "bench", Policy: "default-src 'self'",
			},
		}
		if i%10 == 0 {
			records[i].Session, records[i].Issued = letters(rng.IntN(1<<40)), at
		}
	}
	return records
}

func pages(ctx context.Context, s *sqlstore.Store, name string, r *Result, tab io.Writer) error {
	all, err := s.Groups(ctx, store.GroupQuery{Site: site, Limit: store.MaxLimit})
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for i, g := range all.Groups {
		if i%10 == 0 {
			if err := s.SetState(ctx, site, g.ID, store.Resolved, time.Now()); err != nil {
				return err
			}
		}
	}
	pick := func() int64 { return all.Groups[rng.IntN(len(all.Groups))].ID }
	for _, p := range []struct {
		name string
		run  func() error
	}{
		{"groups", func() error { _, err := s.Groups(ctx, store.GroupQuery{Site: site, Limit: 50}); return err }},
		{"groups, two filters", func() error {
			_, err := s.Groups(ctx, store.GroupQuery{Site: site, Limit: 50, Directive: directives[rng.IntN(len(directives))], State: store.Open})
			return err
		}},
		{"groups, two rare filters", func() error {
			_, err := s.Groups(ctx, store.GroupQuery{Site: site, Limit: 50, Directive: directives[rng.IntN(len(directives))], State: store.Resolved})
			return err
		}},
		{"groups, two filters, far back", func() error {
			after := store.Cursor{Hour: time.Now().Add(-fillDays*12*time.Hour).Unix() / 3600, ID: 1 << 40}
			_, err := s.Groups(ctx, store.GroupQuery{Site: site, Limit: 50, Directive: directives[rng.IntN(len(directives))], State: store.Open, After: after})
			return err
		}},
		{"one group", func() error {
			id := pick()
			g, err := s.Group(ctx, site, id)
			if err != nil {
				return err
			}
			if _, err := s.Counts(ctx, id, time.Now().Add(-7*24*time.Hour), time.Now()); err != nil {
				return err
			}
			_, err = s.List(ctx, store.Query{Site: site, Group: g.ID, Limit: store.SampleCap})
			return err
		}},
		{"one group's year", func() error {
			_, err := s.Counts(ctx, pick(), time.Now().Add(-365*24*time.Hour), time.Now())
			return err
		}},
		{"newest violations", func() error { _, err := s.List(ctx, store.Query{Site: site, Limit: 50}); return err }},
		{"site's year", func() error {
			_, err := s.Totals(ctx, site, time.Now().Add(-365*24*time.Hour), time.Now())
			return err
		}},
		{"sessions", func() error { _, err := s.Sightings(ctx, site, "", 100); return err }},
	} {
		t, err := timed(p.run)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		t.Server, t.Page = name, p.name
		r.Pages = append(r.Pages, t)
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t\n", t.Server, t.Page, t.P50.Round(time.Microsecond), t.P95.Round(time.Microsecond), t.Max.Round(time.Microsecond))
	}
	return nil
}

// timed runs a query many times; the first, with a cold cache, apart.
func timed(run func() error) (t PageTime, err error) {
	if err := run(); err != nil {
		return t, err
	}
	took := make([]time.Duration, pageRuns)
	for i := range took {
		start := time.Now()
		if err := run(); err != nil {
			return t, err
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return PageTime{P50: took[pageRuns/2], P95: took[pageRuns*95/100], Max: took[pageRuns-1]}, nil
}
