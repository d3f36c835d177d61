package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

// What the writer executes; all take many rows.
var (
	findGroups = newBulk(`SELECT fingerprint FROM report_groups WHERE fingerprint IN (`, 1, `)`)

	// A report well after a resolve makes the group regress.
	upsertGroups = newBulk(`INSERT INTO report_groups (fingerprint, site, lane, list, kind, directive, blocked, source, sample, page,
		first_seen, last_seen, last_hour, total, enforced, sampled, state, state_changed) VALUES `, 18, `
		ON CONFLICT (fingerprint) DO UPDATE SET
			total = report_groups.total + excluded.total,
			enforced = report_groups.enforced + excluded.enforced,
			sampled = report_groups.sampled + excluded.sampled,
			last_seen = CASE WHEN excluded.last_seen > report_groups.last_seen THEN excluded.last_seen ELSE report_groups.last_seen END,
			last_hour = CASE WHEN excluded.last_hour > report_groups.last_hour THEN excluded.last_hour ELSE report_groups.last_hour END,
			state = CASE WHEN `+regresses+` THEN 'regressed' ELSE report_groups.state END,
			state_changed = CASE WHEN `+regresses+` THEN excluded.last_seen ELSE report_groups.state_changed END
		RETURNING fingerprint, id, total, sampled`)

	upsertHours = newBulk(`INSERT INTO hour_counts (group_id, hour, n) VALUES `, 3, `
		ON CONFLICT (group_id, hour) DO UPDATE SET n = hour_counts.n + excluded.n`)

	upsertTotals = newBulk(`INSERT INTO hour_totals (site, hour, lane, kind, n) VALUES `, 5, `
		ON CONFLICT (site, hour, lane, kind) DO UPDATE SET n = hour_totals.n + excluded.n`)

	upsertSightings = newBulk(`INSERT INTO sightings (issued, site, session, group_id, n) VALUES `, 5, `
		ON CONFLICT (site, issued, session, group_id) DO UPDATE SET n = sightings.n + excluded.n`)

	insertSamples = newBulk(`INSERT INTO reports (`+columns+`) VALUES `, 24, ``)
)

var regresses = fmt.Sprintf(`report_groups.state = 'resolved' AND excluded.last_seen > report_groups.state_changed + %d`, store.RegressGrace.Milliseconds())

func (w *writer) apply(ctx context.Context, tx *sql.Tx, batch []request, c *Commit) error {
	place, err := w.places(ctx, tx, batch, c)
	if err != nil {
		return err
	}
	t := count(batch, place)
	c.Groups = len(t.groups)
	for _, step := range []func(context.Context, *sql.Tx, *tally, *Commit) error{
		w.applyGroups, w.applyHours, w.applyTotals, w.applySightings, w.applySamples, w.applyReach,
	} {
		if err := step(ctx, tx, t, c); err != nil {
			return err
		}
	}
	return nil
}

// places finds which groups are new, and sends those past the budget to their
// kind's overflow.
func (w *writer) places(ctx context.Context, tx *sql.Tx, batch []request, c *Commit) (func(*shaped) (report.Fingerprint, report.Shape), error) {
	fresh := map[report.Fingerprint]*shaped{}
	var prints []report.Fingerprint
	for _, req := range batch {
		for i := range req.reports {
			r := &req.reports[i]
			c.Reports++
			if _, ok := fresh[r.print]; !ok && !w.budget.known.has(r.print) {
				fresh[r.print] = r
				prints = append(prints, r.print)
			}
		}
	}
	err := w.prepared.run(ctx, tx, findGroups, len(prints), func(args []any, i int) []any { return append(args, prints[i][:]) },
		func(rows *sql.Rows) error {
			p, err := scanPrint(rows)
			delete(fresh, p)
			w.budget.known.put(p, struct{}{})
			return err
		})
	if err != nil {
		return nil, err
	}
	over := map[report.Fingerprint]bool{}
	for _, p := range prints {
		if r, ok := fresh[p]; ok && !w.budget.allow(r.Lane, r.Received) {
			over[p] = true
		} else if ok {
			c.NewGroups++
			w.budget.known.put(p, struct{}{})
		}
	}
	return func(r *shaped) (report.Fingerprint, report.Shape) {
		if !over[r.print] {
			return r.print, r.shape
		}
		c.Overflowed++
		s := report.Overflowed(r.Report.Kind)
		return s.Fingerprint(r.Site, string(r.Lane)), s
	}, nil
}

func scanPrint(rows *sql.Rows, more ...any) (p report.Fingerprint, err error) {
	var b []byte
	if err := rows.Scan(append([]any{&b}, more...)...); err != nil {
		return p, err
	}
	if len(b) != len(p) {
		return p, fmt.Errorf("a fingerprint of %d bytes", len(b))
	}
	return report.Fingerprint(b), nil
}

func (w *writer) applyGroups(ctx context.Context, tx *sql.Tx, t *tally, _ *Commit) error {
	byPrint := make(map[report.Fingerprint]*group, len(t.groups))
	for _, g := range t.groups {
		byPrint[g.print] = g
	}
	return w.prepared.run(ctx, tx, upsertGroups, len(t.groups), func(args []any, i int) []any { return t.groups[i].values(args) },
		func(rows *sql.Rows) error {
			var id, total, sampled int64
			p, err := scanPrint(rows, &id, &total, &sampled)
			if g := byPrint[p]; g != nil {
				g.id, g.total, g.sampled = id, total, sampled
			}
			return err
		})
}

func (g *group) values(args []any) []any {
	r, s, n := g.reports[0], &g.shape, int64(len(g.reports))
	return append(args, g.print[:], r.Site, string(r.Lane), int64(viewOf(r)), string(s.Kind), s.Directive, s.Blocked, s.Source, s.Sample, s.Page,
		g.first, g.last, hourOf(time.UnixMilli(g.last)), n, g.enforced, n, string(store.Open), g.first)
}

func (w *writer) applyHours(ctx context.Context, tx *sql.Tx, t *tally, _ *Commit) error {
	rows := t.hours()
	return w.prepared.run(ctx, tx, upsertHours, len(rows), func(args []any, i int) []any {
		return append(args, rows[i].group.id, rows[i].hour, rows[i].n)
	}, nil)
}

func (w *writer) applyTotals(ctx context.Context, tx *sql.Tx, t *tally, _ *Commit) error {
	keys := t.totalKeys()
	return w.prepared.run(ctx, tx, upsertTotals, len(keys), func(args []any, i int) []any {
		k := keys[i]
		return append(args, k.site, k.hour, string(k.lane), string(k.kind), t.totals[k])
	}, nil)
}

func (w *writer) applySightings(ctx context.Context, tx *sql.Tx, t *tally, _ *Commit) error {
	keys := t.sightingKeys()
	return w.prepared.run(ctx, tx, upsertSightings, len(keys), func(args []any, i int) []any {
		k := keys[i]
		return append(args, k.issued, k.site, k.session, k.group.id, t.sightings[k])
	}, nil)
}

// applySamples keeps what there is room for. sampled counts every report that
// could have been a sample, here and in other collectors, so no two of them
// take the same place.
func (w *writer) applySamples(ctx context.Context, tx *sql.Tx, t *tally, c *Commit) error {
	type sample struct {
		*store.Record
		group int64
	}
	var samples []sample
	for _, g := range t.groups {
		before := g.sampled - int64(len(g.reports))
		room := min(max(store.SampleCap-before, 0), int64(len(g.reports)))
		for _, r := range g.reports[:room] {
			samples = append(samples, sample{r, g.id})
		}
	}
	c.Samples = len(samples)
	return w.prepared.run(ctx, tx, insertSamples, len(samples), func(args []any, i int) []any {
		return values(args, samples[i].Record, samples[i].group)
	}, nil)
}
