package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

const columns = `site, received, observed, lane, key_id, session, policy_version, kind, disposition, directive,
	blocked, page, referrer, source_file, line, col, sample, detail, status, policy, user_agent`

const insertReport = `INSERT INTO reports (` + columns + `)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`

func values(r *store.Record) []any {
	p := &r.Report
	return []any{
		r.Site, r.Received.UnixMilli(), p.Observed.UnixMilli(), string(r.Lane), int(r.KeyID), r.Session,
		int64(r.PolicyVersion), string(p.Kind), string(p.Disposition), p.Directive,
		p.Blocked, p.Page, p.Referrer, p.SourceFile, p.Line, p.Column, p.Sample, p.Detail, p.Status, p.Policy, p.UserAgent,
	}
}

// conditions are word for word those of the partial indexes, which are used
// only then.
var conditions = map[store.View]string{
	store.Violations: `lane <> 'forged' AND kind = 'csp-violation'`,
	store.Others:     `lane <> 'forged' AND kind <> 'csp-violation'`,
	store.Unverified: `lane = 'forged'`,
}

func listQuery(v store.View, after bool) string {
	order := ` AND id < $2 ORDER BY id DESC LIMIT $3`
	if after {
		order = ` AND id > $2 ORDER BY id LIMIT $3`
	}
	return `SELECT id, ` + columns + ` FROM reports WHERE site = $1 AND ` + conditions[v] + order
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
	records, err := s.records(ctx, listQuery(q.View, after), q.Site, from, limit+1)
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
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []store.Record
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, rows.Err()
}

func scan(rows *sql.Rows) (r store.Record, err error) {
	var received, observed int64
	p := &r.Report
	err = rows.Scan(&r.ID, &r.Site, &received, &observed, &r.Lane, &r.KeyID, &r.Session,
		&r.PolicyVersion, &p.Kind, &p.Disposition, &p.Directive,
		&p.Blocked, &p.Page, &p.Referrer, &p.SourceFile, &p.Line, &p.Column, &p.Sample, &p.Detail, &p.Status, &p.Policy, &p.UserAgent)
	r.Received = time.UnixMilli(received).UTC()
	p.Observed = time.UnixMilli(observed).UTC()
	return r, err
}
