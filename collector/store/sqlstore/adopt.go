package sqlstore

import (
	"context"
	"database/sql"

	"github.com/edgecsp/edgecsp/collector/store"
)

// adopt puts the reports that the first schema kept into groups, some at a
// time, so that it goes on where it was stopped.
func (s *Store) adopt(ctx context.Context) error {
	w := &writer{db: s.write, dialect: &s.dialect, reach: newReachCache(), budget: newBudget(-1)}
	for {
		n, err := s.adoptSome(ctx, w)
		if err != nil || n == 0 {
			return err
		}
	}
}

func (s *Store) adoptSome(ctx context.Context, w *writer) (int, error) {
	old, err := collect(ctx, s.write, scan, `SELECT id, `+columns+` FROM reports WHERE group_id = 0 ORDER BY id LIMIT $1`, cleanStep)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	if err := w.prepare(ctx); err != nil {
		return 0, err
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // does nothing after Commit
	if err := replace(ctx, tx, w, old); err != nil {
		return 0, err
	}
	return len(old), tx.Commit()
}

// replace takes reports out and adds them anew, in their order, as if they had
// just come.
func replace(ctx context.Context, tx *sql.Tx, w *writer, old []store.Record) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM reports WHERE group_id = 0 AND id <= $1`, old[len(old)-1].ID); err != nil {
		return err
	}
	for i := range old {
		old[i].ID = 0
	}
	return w.apply(ctx, tx, []request{{reports: shape(old)}}, &Commit{})
}
