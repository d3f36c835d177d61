package server

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

const (
	// CleanEvery is how often retention runs.
	CleanEvery = time.Hour
	// CleanPause is between its steps, so that reports come first.
	CleanPause = 50 * time.Millisecond
	// cleanLease is how long a collector that cleans, and then is gone, keeps
	// others from it.
	cleanLease = 10 * time.Minute
	cleanJob   = "clean"
)

// cutoff says what is too old at now.
func (k Keep) cutoff(now time.Time) store.Cutoff {
	return store.Cutoff{Samples: now.Add(-k.Samples), Sessions: now.Add(-k.Samples), Counts: now.Add(-k.Counts)}
}

// Clean removes what is older than the cutoff, in small steps with pauses
// between, until nothing is left or ctx ends. Of several collectors on one
// database one does it.
func Clean(ctx context.Context, s store.Keeper, c store.Cutoff, holder string, now func() time.Time, pause time.Duration) (sum store.Removed, err error) {
	for more := true; more; {
		leads, err := s.Lead(ctx, cleanJob, holder, now(), cleanLease)
		if err != nil || !leads {
			return sum, err
		}
		var r store.Removed
		if r, more, err = s.Clean(ctx, c); err != nil {
			return sum, err
		}
		sum.Samples, sum.Sessions, sum.Counts, sum.Groups = sum.Samples+r.Samples, sum.Sessions+r.Sessions, sum.Counts+r.Counts, sum.Groups+r.Groups
		select {
		case <-ctx.Done():
			return sum, ctx.Err()
		case <-time.After(pause):
		}
	}
	return sum, nil
}

// CleanNow is Clean for who asks for it at once: it does not wait for a
// collector that has the lease.
func CleanNow(ctx context.Context, s store.Keeper, c store.Cutoff, holder string, pause time.Duration) (store.Removed, error) {
	return Clean(ctx, impatient{s}, c, holder, time.Now, pause)
}

// An impatient keeper always leads.
type impatient struct{ store.Keeper }

func (impatient) Lead(context.Context, string, string, time.Time, time.Duration) (bool, error) {
	return true, nil
}

// keepClean runs retention at the start and every CleanEvery until ctx ends.
func (s *Server) keepClean(ctx context.Context) {
	ticker := time.NewTicker(CleanEvery)
	defer ticker.Stop()
	for {
		sum, err := Clean(ctx, s.store, s.settings.Load().Keep.cutoff(s.cfg.Now()), s.holder, s.cfg.Now, CleanPause)
		s.metrics.Cleaned(sum)
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Error("retention failed", "error", err)
		} else if sum != (store.Removed{}) {
			s.cfg.Log.Info("retention", "samples", sum.Samples, "sessions", sum.Sessions, "counts", sum.Counts, "groups", sum.Groups)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// NewHolder returns a name that no other collector has.
func NewHolder(rand io.Reader) (string, error) {
	var b [8]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}
