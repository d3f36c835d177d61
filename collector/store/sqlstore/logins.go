package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

// AddLoginToken implements store.Logins.
func (s *Store) AddLoginToken(ctx context.Context, token store.Hash, expires time.Time) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO login_tokens (hash, expires) VALUES ($1, $2)`,
		token[:], expires.UnixMilli())
	return err
}

// Login implements store.Logins, and removes what has expired.
func (s *Store) Login(ctx context.Context, token, session store.Hash, now, expires time.Time) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	res, err := tx.ExecContext(ctx, `UPDATE login_tokens SET used = $1 WHERE hash = $2 AND used IS NULL AND expires > $1`,
		now.UnixMilli(), token[:])
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		return store.ErrNotFound
	}
	if err := removeExpired(ctx, tx, now); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO admin_sessions (hash, expires) VALUES ($1, $2)`,
		session[:], expires.UnixMilli()); err != nil {
		return err
	}
	return tx.Commit()
}

func removeExpired(ctx context.Context, tx *sql.Tx, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM login_tokens WHERE used IS NULL AND expires <= $1`, now.UnixMilli()); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM admin_sessions WHERE expires <= $1`, now.UnixMilli())
	return err
}

// Session implements store.Logins.
func (s *Store) Session(ctx context.Context, session store.Hash, now time.Time) error {
	var one int
	err := s.read.QueryRowContext(ctx, `SELECT 1 FROM admin_sessions WHERE hash = $1 AND expires > $2`,
		session[:], now.UnixMilli()).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return err
}

// Logout implements store.Logins.
func (s *Store) Logout(ctx context.Context, session store.Hash) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM admin_sessions WHERE hash = $1`, session[:])
	return err
}

// EverLoggedIn implements store.Logins.
func (s *Store) EverLoggedIn(ctx context.Context) (ever bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM login_tokens WHERE used IS NOT NULL)`).Scan(&ever)
	return ever, err
}
