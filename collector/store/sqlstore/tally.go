package sqlstore

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

// A shaped record has its shape beside it, made by the caller of Add and not by
// the one writer.
type shaped struct {
	*store.Record
	shape report.Shape
	print report.Fingerprint
}

func shape(records []store.Record) []shaped {
	out := make([]shaped, len(records))
	for i := range records {
		r := &records[i]
		out[i] = shaped{Record: r, shape: report.ShapeOf(&r.Report)}
		out[i].print = out[i].shape.Fingerprint(r.Site, string(r.Lane))
	}
	return out
}

// A tally is what a batch adds to the tables.
type tally struct {
	groups    []*group // in order of fingerprint, so that two writers never wait for each other
	totals    map[totalKey]int64
	sightings map[sightingKey]int64
}

// A group is what a batch has of one group.
type group struct {
	print    report.Fingerprint
	shape    report.Shape
	reports  []*store.Record
	enforced int64
	first    int64 // Unix milliseconds
	last     int64
	hours    map[int64]int64

	id      int64 // once it is known
	total   int64
	sampled int64 // after the batch
}

type totalKey struct {
	site string
	hour int64
	lane store.Lane
	kind report.Kind
}

type sightingKey struct {
	issued        int64
	site, session string
	group         *group
}

func hourOf(t time.Time) int64 { return floorDiv(t.UnixMilli(), 3600e3) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func viewOf(r *store.Record) store.View {
	switch {
	case r.Lane == store.Forged:
		return store.Unverified
	case r.Report.Kind == report.CSPViolation:
		return store.Violations
	}
	return store.Others
}

// count tallies a batch. place tells the group of a report's fingerprint; it
// may be another than the report's own.
func count(batch []request, place func(*shaped) (report.Fingerprint, report.Shape)) *tally {
	t := &tally{totals: map[totalKey]int64{}, sightings: map[sightingKey]int64{}}
	groups := map[report.Fingerprint]*group{}
	for _, req := range batch {
		for i := range req.reports {
			r := &req.reports[i]
			print, shape := place(r)
			g := groups[print]
			if g == nil {
				g = &group{print: print, shape: shape, hours: map[int64]int64{}, first: r.Received.UnixMilli()}
				groups[print] = g
				t.groups = append(t.groups, g)
			}
			t.add(g, r.Record)
		}
	}
	slices.SortFunc(t.groups, func(a, b *group) int { return bytes.Compare(a.print[:], b.print[:]) })
	return t
}

func (t *tally) add(g *group, r *store.Record) {
	at, hour := r.Received.UnixMilli(), hourOf(r.Received)
	g.reports = append(g.reports, r)
	g.first, g.last = min(g.first, at), max(g.last, at)
	g.hours[hour]++
	if r.Report.Disposition == report.Enforce {
		g.enforced++
	}
	t.totals[totalKey{r.Site, hour, r.Lane, r.Report.Kind}]++
	if r.Session != "" {
		t.sightings[sightingKey{r.Issued.Unix(), r.Site, r.Session, g}]++
	}
}

type hourRow struct {
	group   *group
	hour, n int64
}

// hours returns the counts of all groups in order of their keys.
func (t *tally) hours() (rows []hourRow) {
	for _, g := range t.groups {
		for hour, n := range g.hours {
			rows = append(rows, hourRow{g, hour, n})
		}
	}
	slices.SortFunc(rows, func(a, b hourRow) int {
		return cmp.Or(cmp.Compare(a.group.id, b.group.id), cmp.Compare(a.hour, b.hour))
	})
	return rows
}

func (t *tally) totalKeys() []totalKey {
	keys := make([]totalKey, 0, len(t.totals))
	for k := range t.totals {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b totalKey) int {
		return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.hour, b.hour), cmp.Compare(a.lane, b.lane), cmp.Compare(a.kind, b.kind))
	})
	return keys
}

func (t *tally) sightingKeys() []sightingKey {
	keys := make([]sightingKey, 0, len(t.sightings))
	for k := range t.sightings {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b sightingKey) int {
		return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.issued, b.issued), cmp.Compare(a.session, b.session), cmp.Compare(a.group.id, b.group.id))
	})
	return keys
}
