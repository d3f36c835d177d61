package command

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/edgecsp/edgecsp/collector/api"
	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/session"
)

// addToken makes a token of the read API and prints it. The store has only its
// hash.
func addToken(ctx context.Context, w World, s store.Tokens, t store.APIToken) error {
	for _, scope := range t.Scopes {
		if !slices.Contains(api.Scopes(), scope) {
			return fmt.Errorf("--scope %s: there is none of that name; there are %v", scope, api.Scopes())
		}
	}
	if t.Site != "" && !session.ValidSite(t.Site) {
		return fmt.Errorf("--for-site %q: a name has 1 to %d characters of a-z, 0-9, '.', '-' and '_'", t.Site, session.MaxSite)
	}
	if !session.ValidSite(t.Name) {
		return fmt.Errorf("%q: a token's name has 1 to %d characters of a-z, 0-9, '.', '-' and '_'", t.Name, session.MaxSite)
	}
	var b [32]byte
	if _, err := io.ReadFull(w.Rand, b[:]); err != nil {
		return fmt.Errorf("read randomness: %w", err)
	}
	token := api.TokenPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	t.Hash = store.HashOf(token)
	err := s.AddToken(ctx, t)
	if errors.Is(err, store.ErrExists) {
		return fmt.Errorf("there is a token %q already: choose another name, or remove it first", t.Name)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.Stdout, token)
	return err
}
