package sqlstore

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

// Announce implements store.Sessions.
func (s *Store) Announce(ctx context.Context, a store.Announcement) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO announced (id, site, user_agent, network, created, expires) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO NOTHING`, a.ID, a.Site, a.UserAgent, a.Network, a.Created.Unix(), a.Expires.UnixMilli())
	return err
}

// Announced implements store.Sessions.
func (s *Store) Announced(ctx context.Context, id string, now time.Time) (a store.Announcement, err error) {
	var created, expires int64
	err = s.read.QueryRowContext(ctx, `SELECT id, site, user_agent, network, created, expires FROM announced WHERE id = $1 AND expires > $2`, id, now.UnixMilli()).
		Scan(&a.ID, &a.Site, &a.UserAgent, &a.Network, &created, &expires)
	a.Created, a.Expires = fromUnix(created), time.UnixMilli(expires).UTC()
	return a, notFound(err)
}

// AddToken implements store.Tokens.
func (s *Store) AddToken(ctx context.Context, t store.APIToken) error {
	expires := int64(0)
	if !t.Expires.IsZero() {
		expires = t.Expires.UnixMilli()
	}
	err := s.changeOne(ctx, `INSERT INTO api_tokens (name, hash, site, scopes, created, expires) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING`,
		t.Name, t.Hash[:], t.Site, strings.Join(t.Scopes, " "), t.Created.UnixMilli(), expires)
	if err == store.ErrNotFound { // no row was added
		return store.ErrExists
	}
	return err
}

const tokenColumns = `SELECT name, hash, site, scopes, created, expires FROM api_tokens`

// Token implements store.Tokens.
func (s *Store) Token(ctx context.Context, h store.Hash, now time.Time) (store.APIToken, error) {
	t, err := scanToken(s.read.QueryRowContext(ctx, tokenColumns+` WHERE hash = $1 AND (expires = 0 OR expires > $2)`, h[:], now.UnixMilli()))
	return t, notFound(err)
}

// APITokens implements store.Tokens.
func (s *Store) APITokens(ctx context.Context) ([]store.APIToken, error) {
	return collect(ctx, s.read, func(rows *sql.Rows) (store.APIToken, error) { return scanToken(rows) }, tokenColumns+` ORDER BY name`)
}

// RemoveToken implements store.Tokens.
func (s *Store) RemoveToken(ctx context.Context, name string) error {
	return s.changeOne(ctx, `DELETE FROM api_tokens WHERE name = $1`, name)
}

func scanToken(row scanner) (t store.APIToken, err error) {
	var hash []byte
	var scopes string
	var created, expires int64
	if err := row.Scan(&t.Name, &hash, &t.Site, &scopes, &created, &expires); err != nil {
		return t, err
	}
	copy(t.Hash[:], hash)
	t.Scopes, t.Created = strings.Fields(scopes), time.UnixMilli(created).UTC()
	if expires != 0 {
		t.Expires = time.UnixMilli(expires).UTC()
	}
	return t, nil
}
