package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

// cleanStep is how many rows of a table Clean removes at once: some
// milliseconds, which a report that arrives meanwhile does not notice.
const cleanStep = 500

// Clean implements store.Keeper.
func (s *Store) Clean(ctx context.Context, c store.Cutoff) (r store.Removed, more bool, err error) {
	for _, step := range []struct {
		before time.Time
		count  *int64
		remove func(context.Context, time.Time) (int64, error)
	}{
		{c.Samples, &r.Samples, s.cleanSamples},
		{c.Sessions, &r.Sessions, s.cleanSightings},
		{c.Sessions, &r.Sessions, s.cleaner(`DELETE FROM announced WHERE id IN
			(SELECT id FROM announced WHERE expires < $1 ORDER BY expires LIMIT $2)`, time.Time.UnixMilli)},
		{c.Counts, &r.Counts, s.cleaner(`DELETE FROM hour_counts WHERE (group_id, hour) IN
			(SELECT group_id, hour FROM hour_counts WHERE hour < $1 ORDER BY hour LIMIT $2)`, hourOf)},
		{c.Counts, &r.Counts, s.cleaner(`DELETE FROM hour_totals WHERE (site, hour, lane, kind) IN
			(SELECT site, hour, lane, kind FROM hour_totals WHERE hour < $1 ORDER BY hour LIMIT $2)`, hourOf)},
		{c.Counts, &r.Groups, s.cleanGroups},
	} {
		if step.before.IsZero() {
			continue
		}
		n, err := step.remove(ctx, step.before)
		if err != nil {
			return r, false, err
		}
		*step.count += n
		more = more || n == cleanStep
	}
	return r, more, s.giveBack(ctx)
}

func (s *Store) cleaner(query string, unit func(time.Time) int64) func(context.Context, time.Time) (int64, error) {
	return func(ctx context.Context, before time.Time) (int64, error) {
		res, err := s.write.ExecContext(ctx, query, unit(before), cleanStep)
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	}
}

// cleanSightings goes from site to site: that is how they are ordered.
func (s *Store) cleanSightings(ctx context.Context, before time.Time) (n int64, err error) {
	for site := ""; n < cleanStep; {
		var next sql.NullString
		if err := s.read.QueryRowContext(ctx, `SELECT min(site) FROM sightings WHERE site > $1`, site).Scan(&next); err != nil || !next.Valid {
			return n, err
		}
		site = next.String
		res, err := s.write.ExecContext(ctx, `DELETE FROM sightings WHERE (site, issued, session, group_id) IN
			(SELECT site, issued, session, group_id FROM sightings WHERE site = $1 AND issued < $2 ORDER BY issued LIMIT $3)`,
			site, before.Unix(), cleanStep-n)
		if err != nil {
			return n, err
		}
		removed, err := res.RowsAffected()
		if err != nil {
			return n, err
		}
		n += removed
	}
	return n, nil
}

// cleanSamples removes the oldest samples: ids grow with the time of receipt.
// Their groups have room for new ones then.
func (s *Store) cleanSamples(ctx context.Context, before time.Time) (n int64, err error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // does nothing after Commit
	groups, last, n, err := oldSamples(ctx, tx, before)
	if err != nil || n == 0 {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM reports WHERE id <= $1 AND received < $2`, last, before.UnixMilli()); err != nil {
		return 0, err
	}
	for id := range groups {
		if _, err := tx.ExecContext(ctx, `UPDATE report_groups SET sampled = (SELECT count(*) FROM reports WHERE group_id = $1) WHERE id = $1`, id); err != nil {
			return 0, err
		}
	}
	return n, tx.Commit()
}

// oldSamples returns the groups of the first samples, up to the first that is
// to stay, the last one's id, and how many there are.
func oldSamples(ctx context.Context, tx *sql.Tx, before time.Time) (groups map[int64]bool, last, n int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, group_id, received FROM reports ORDER BY id LIMIT $1`, cleanStep)
	if err != nil {
		return nil, 0, 0, err
	}
	defer rows.Close()
	groups = map[int64]bool{}
	for rows.Next() {
		var id, group, received int64
		if err := rows.Scan(&id, &group, &received); err != nil {
			return nil, 0, 0, err
		}
		if received >= before.UnixMilli() {
			break
		}
		groups[group] = true
		last = id
		n++
	}
	return groups, last, n, rows.Err()
}

// cleanGroups removes groups that have no counts left.
func (s *Store) cleanGroups(ctx context.Context, before time.Time) (int64, error) {
	const old = ` IN (SELECT id FROM report_groups WHERE last_hour < $1 ORDER BY last_hour, id LIMIT $2)`
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // does nothing after Commit
	for _, table := range []string{`reach WHERE group_id`, `reports WHERE group_id`} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+old, hourOf(before), cleanStep); err != nil {
			return 0, err
		}
	}
	res, err := tx.ExecContext(ctx, `DELETE FROM report_groups WHERE id`+old, hourOf(before), cleanStep)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, err
	}
	return n, tx.Commit()
}

// giveBack returns some pages that are not used any more to the file system.
// PostgreSQL does that by itself (autovacuum).
func (s *Store) giveBack(ctx context.Context) error {
	if s.dialect.name != sqlite.name {
		return nil
	}
	rows, err := s.write.QueryContext(ctx, `PRAGMA incremental_vacuum(500)`)
	if err != nil {
		return err
	}
	for rows.Next() { // one for each page; not reading them would leave them
	}
	return rows.Close()
}

// Lead implements store.Keeper.
func (s *Store) Lead(ctx context.Context, job, holder string, now time.Time, lease time.Duration) (bool, error) {
	err := s.changeOne(ctx, `INSERT INTO jobs (name, holder, until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE jobs.until <= $4 OR jobs.holder = excluded.holder`,
		job, holder, now.Add(lease).UnixMilli(), now.UnixMilli())
	if err == store.ErrNotFound {
		return false, nil
	}
	return err == nil, err
}
