package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

const groupColumns = `g.id, g.site, g.lane, g.kind, g.directive, g.blocked, g.source, g.sample, g.page, g.first_seen, g.last_seen, g.last_hour,
	g.total, g.enforced, g.state, g.state_changed, COALESCE(r.clients, 0), COALESCE(r.networks, 0)`

// groupsQuery picks the page's ids off the index and joins only them.
func groupsQuery(q store.GroupQuery) (query string, args []any) {
	args = []any{q.Site, int64(q.View)}
	where := `site = $1 AND list = $2`
	for _, f := range []struct{ column, value string }{
		{"directive", q.Directive}, {"state", string(q.State)}, {"lane", string(q.Lane)}, {"kind", string(q.Kind)},
	} {
		if f.value != "" {
			args = append(args, f.value)
			where += fmt.Sprintf(` AND %s = $%d`, f.column, len(args))
		}
	}
	if q.After != (store.Cursor{}) {
		args = append(args, q.After.Hour, q.After.ID)
		where += fmt.Sprintf(` AND (last_hour, id) < ($%d, $%d)`, len(args)-1, len(args))
	}
	args = append(args, min(max(q.Limit, 1), store.MaxLimit)+1)
	return fmt.Sprintf(`SELECT `+groupColumns+` FROM (SELECT id FROM report_groups WHERE %s ORDER BY last_hour DESC, id DESC LIMIT $%d) p
		JOIN report_groups g ON g.id = p.id LEFT JOIN reach r ON r.group_id = g.id ORDER BY g.last_hour DESC, g.id DESC`, where, len(args)), args
}

// Groups implements store.Groups.
func (s *Store) Groups(ctx context.Context, q store.GroupQuery) (store.GroupPage, error) {
	query, args := groupsQuery(q)
	var hours []int64
	groups, err := collect(ctx, s.read, func(rows *sql.Rows) (store.Group, error) {
		g, hour, err := scanGroup(rows)
		hours = append(hours, hour)
		return g, err
	}, query, args...)
	if err != nil {
		return store.GroupPage{}, err
	}
	page := store.GroupPage{Groups: groups}
	if limit := min(max(q.Limit, 1), store.MaxLimit); len(groups) > limit {
		page.Groups = groups[:limit]
		page.Next = store.Cursor{Hour: hours[limit-1], ID: groups[limit-1].ID}
	}
	return page, nil
}

type scanner interface{ Scan(dest ...any) error }

func scanGroup(row scanner) (g store.Group, hour int64, err error) {
	var first, last, changed, clients, networks int64
	s := &g.Shape
	err = row.Scan(&g.ID, &g.Site, &g.Lane, &s.Kind, &s.Directive, &s.Blocked, &s.Source, &s.Sample, &s.Page, &first, &last, &hour,
		&g.Count, &g.Enforced, &g.State, &changed, &clients, &networks)
	g.First, g.Last, g.StateChanged = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC(), time.UnixMilli(changed).UTC()
	g.Clients, g.Networks = uint64(clients), uint64(networks)
	return g, hour, err
}

// Group implements store.Groups.
func (s *Store) Group(ctx context.Context, site string, id int64) (store.Group, error) {
	g, _, err := scanGroup(s.read.QueryRowContext(ctx, `SELECT `+groupColumns+` FROM report_groups g LEFT JOIN reach r ON r.group_id = g.id
		WHERE g.id = $1 AND g.site = $2`, id, site))
	return g, notFound(err)
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return err
}

// SetState implements store.Groups.
func (s *Store) SetState(ctx context.Context, site string, id int64, state store.State, now time.Time) error {
	if !state.Settable() {
		return fmt.Errorf("state %q can't be set", state)
	}
	return s.changeOne(ctx, `UPDATE report_groups SET state = $1, state_changed = $2 WHERE id = $3 AND site = $4`, string(state), now.UnixMilli(), id, site)
}

// changeOne executes what changes one row, and is ErrNotFound where it changed none.
func (s *Store) changeOne(ctx context.Context, query string, args ...any) error {
	res, err := s.write.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return store.ErrNotFound
}

// hourRange returns the hours from inclusive to exclusive.
func hourRange(from, to time.Time) (int64, int64) {
	return hourOf(from), hourOf(to.Add(time.Hour - time.Millisecond))
}

func hourTime(h int64) time.Time { return time.Unix(h*3600, 0).UTC() }

// Counts implements store.Groups.
func (s *Store) Counts(ctx context.Context, group int64, from, to time.Time) ([]store.HourCount, error) {
	a, b := hourRange(from, to)
	return collect(ctx, s.read, func(rows *sql.Rows) (c store.HourCount, err error) {
		var hour int64
		err = rows.Scan(&hour, &c.Count)
		c.Hour = hourTime(hour)
		return c, err
	}, `SELECT hour, n FROM hour_counts WHERE group_id = $1 AND hour >= $2 AND hour < $3 ORDER BY hour`, group, a, b)
}

// Totals implements store.Groups.
func (s *Store) Totals(ctx context.Context, site string, from, to time.Time) ([]store.Total, error) {
	a, b := hourRange(from, to)
	return collect(ctx, s.read, func(rows *sql.Rows) (t store.Total, err error) {
		var hour int64
		err = rows.Scan(&hour, &t.Lane, &t.Kind, &t.Count)
		t.Hour = hourTime(hour)
		return t, err
	}, `SELECT hour, lane, kind, n FROM hour_totals WHERE site = $1 AND hour >= $2 AND hour < $3 ORDER BY hour, lane, kind`, site, a, b)
}

// Seen implements store.Sessions.
func (s *Store) Seen(ctx context.Context, site string, issued time.Time, session string) ([]store.Sighting, error) {
	return collect(ctx, s.read, scanSighting,
		`SELECT issued, session, group_id, n FROM sightings WHERE issued = $1 AND site = $2 AND session = $3 ORDER BY group_id`, unix(issued), site, session)
}

func scanSighting(rows *sql.Rows) (v store.Sighting, err error) {
	var issued int64
	err = rows.Scan(&issued, &v.Session, &v.Group, &v.Count)
	v.Issued = fromUnix(issued)
	return v, err
}

const sightingsQuery = `SELECT issued, session, group_id, n FROM sightings
	WHERE site = $1 AND (issued, session, group_id) < ($2, $3, $4) ORDER BY issued DESC, session DESC, group_id DESC LIMIT $5`

// Sightings implements store.Sessions.
func (s *Store) Sightings(ctx context.Context, site, before string, limit int) (store.SessionPage, error) {
	limit = min(max(limit, 1), store.MaxLimit)
	issued, session, group := int64(math.MaxInt64), "", int64(0)
	if before != "" {
		if _, err := fmt.Sscanf(strings.ReplaceAll(before, "~", " "), "%d %d %s", &issued, &group, &session); err != nil {
			return store.SessionPage{}, store.ErrNotFound
		}
	}
	seen, err := collect(ctx, s.read, scanSighting, sightingsQuery, site, issued, session, group, limit+1)
	if err != nil {
		return store.SessionPage{}, err
	}
	page := store.SessionPage{Sightings: seen}
	if len(seen) > limit {
		last := seen[limit-1]
		page.Sightings = seen[:limit]
		page.Next = fmt.Sprintf("%d~%d~%s", last.Issued.Unix(), last.Group, last.Session)
	}
	return page, nil
}
