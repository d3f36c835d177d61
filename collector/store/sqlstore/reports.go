package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

const columns = `group_id, site, received, observed, lane, key_id, session, issued, network, policy_version, kind, disposition, directive,
	blocked, page, referrer, source_file, line, col, sample, detail, status, policy, user_agent`

func values(args []any, r *store.Record, group int64) []any {
	p := &r.Report
	return append(args, group, r.Site, r.Received.UnixMilli(), p.Observed.UnixMilli(), string(r.Lane), int64(r.KeyID), r.Session, unix(r.Issued), r.Network,
		int64(r.PolicyVersion), string(p.Kind), string(p.Disposition), p.Directive,
		p.Blocked, p.Page, p.Referrer, p.SourceFile, int64(p.Line), int64(p.Column), p.Sample, p.Detail, int64(p.Status), p.Policy, p.UserAgent)
}

// unix is 0 for the zero time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromUnix(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// conditions are word for word those of the partial indexes, which are used
// only then.
var conditions = map[store.View]string{
	store.Violations: `lane <> 'forged' AND kind = 'csp-violation'`,
	store.Others:     `lane <> 'forged' AND kind <> 'csp-violation'`,
	store.Unverified: `lane = 'forged'`,
}

func listQuery(q store.Query) string {
	where := conditions[q.View]
	if q.Group != 0 {
		where = `group_id = $4`
	}
	order := ` AND id < $2 ORDER BY id DESC LIMIT $3`
	if q.After > 0 {
		order = ` AND id > $2 ORDER BY id LIMIT $3`
	}
	return `SELECT id, ` + columns + ` FROM reports WHERE site = $1 AND ` + where + order
}

// List implements store.Reports.
func (s *Store) List(ctx context.Context, q store.Query) (store.Page, error) {
	limit := min(max(q.Limit, 1), store.MaxLimit)
	from, after := q.Before, q.After > 0
	switch {
	case after:
		from = q.After
	case from == 0:
		from = math.MaxInt64
	}
	args := []any{q.Site, from, limit + 1}
	if q.Group != 0 {
		args = append(args, q.Group)
	}
	records, err := s.records(ctx, listQuery(q), args...)
	if err != nil {
		return store.Page{}, err
	}
	more := len(records) > limit
	if more {
		records = records[:limit]
	}
	if after {
		slices.Reverse(records)
		return store.Page{Records: records, Newer: more, Older: true}, nil
	}
	return store.Page{Records: records, Newer: q.Before > 0, Older: more}, nil
}

func (s *Store) records(ctx context.Context, query string, args ...any) ([]store.Record, error) {
	return collect(ctx, s.read, scan, query, args...)
}

// collect returns what scan makes of each row of a query.
func collect[T any](ctx context.Context, db *sql.DB, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func scan(rows *sql.Rows) (r store.Record, err error) {
	var received, observed, issued int64
	p := &r.Report
	err = rows.Scan(&r.ID, &r.Group, &r.Site, &received, &observed, &r.Lane, &r.KeyID, &r.Session, &issued, &r.Network,
		&r.PolicyVersion, &p.Kind, &p.Disposition, &p.Directive,
		&p.Blocked, &p.Page, &p.Referrer, &p.SourceFile, &p.Line, &p.Column, &p.Sample, &p.Detail, &p.Status, &p.Policy, &p.UserAgent)
	r.Received, p.Observed, r.Issued = time.UnixMilli(received).UTC(), time.UnixMilli(observed).UTC(), fromUnix(issued)
	return r, err
}
