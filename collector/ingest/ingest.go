// Package ingest is what the public listener answers: it takes the reports that
// browsers send and tells nothing to anybody.
package ingest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
	"github.com/edgecsp/edgecsp/core/session"
)

const (
	// MaxBody is the size of a request's body, in bytes; a greater one gets 413.
	MaxBody = 1 << 20
	// MaxInFlight is the size of all bodies under way together; what would
	// exceed it gets 503.
	MaxInFlight = 128 << 20
	// StoreTimeout is how long a request waits for its commit before it gets 503.
	StoreTimeout = 10 * time.Second
	// RetryAfter is when who got 503 may try again.
	RetryAfter = 30 * time.Second
	// PreflightAge is how long browsers may remember the answer to a preflight.
	PreflightAge = 24 * time.Hour
)

// Config is what a handler needs; all of it is required.
type Config struct {
	Base     string // the base path, such as /csp
	Site     string
	Verifier *session.Verifier // of the site's tokens
	Reports  store.Reports
	Now      func() time.Time
	Log      *slog.Logger
}

type handler struct {
	Config
	inFlight atomic.Int64 // bytes
}

// New returns the public listener's handler. It reads no cookies, and nothing
// of a request stands in its answers.
func New(c Config) http.Handler {
	h := &handler{Config: c}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+c.Base+"/report/csp/{session}", h.report)
	mux.HandleFunc("OPTIONS "+c.Base+"/report/csp/{session}", preflight)
	return onlyCleanPaths(mux)
}

// onlyCleanPaths answers 404 where a ServeMux would redirect to the path
// cleaned, and thereby repeat it. A redirect loses reports in any case.
func onlyCleanPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Path; p == "" || path.Clean(p) != p {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// preflight answers the Reporting API's CORS preflight (Fetch 4.8). Reports to
// another origin carry no credentials, so any origin may send them.
func preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	allowOrigin(h)
	h.Set("Access-Control-Allow-Methods", http.MethodPost)
	h.Set("Access-Control-Allow-Headers", "Content-Type")
	h.Set("Access-Control-Max-Age", strconv.Itoa(int(PreflightAge.Seconds())))
	h.Set("Allow", "OPTIONS, POST")
	w.WriteHeader(http.StatusNoContent)
}

func allowOrigin(h http.Header) { h.Set("Access-Control-Allow-Origin", "*") }

// report answers 204 once the reports are on disk, and also where there was
// nothing to keep: whoever sends nonsense learns nothing from the answer.
func (h *handler) report(w http.ResponseWriter, r *http.Request) {
	allowOrigin(w.Header())
	size := r.ContentLength
	if size > MaxBody {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if size < 0 { // chunked
		size = MaxBody
	}
	defer h.inFlight.Add(-size)
	if h.inFlight.Add(size) > MaxInFlight {
		h.Log.Warn("reports were not taken: too many are under way")
		unavailable(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		w.WriteHeader(readStatus(err))
		return
	}
	if err := h.keep(r, body); err != nil {
		h.Log.Error("reports were not stored", "error", err)
		unavailable(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func readStatus(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest // cut short: hardly anybody is there to read this
}

func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", strconv.Itoa(int(RetryAfter.Seconds())))
	w.WriteHeader(http.StatusServiceUnavailable)
}

// keep stores the reports in a request's body; they are on disk when it
// returns nil.
func (h *handler) keep(r *http.Request, body []byte) error {
	now := h.Now()
	reports, stats := report.Decode(body, now)
	h.Log.Debug("reports", "entries", stats.Entries, "kept", stats.Kept,
		"unknown", stats.Unknown, "malformed", stats.Malformed, "dropped", stats.Dropped)
	ctx, cancel := context.WithTimeout(r.Context(), StoreTimeout)
	defer cancel()
	return h.Reports.Add(ctx, h.records(r, reports, now))
}

func (h *handler) records(r *http.Request, reports []report.Report, now time.Time) []store.Record {
	claims, err := h.Verifier.Verify(r.PathValue("session"), now)
	base := store.Record{
		Site: h.Site, Received: now, Lane: lane(err),
		KeyID: claims.KeyID, Session: claims.SessionID(), PolicyVersion: claims.PolicyVersion,
	}
	if base.Lane == store.Forged {
		base.Session = "" // the claims are empty, and so would have a session of zeros
	}
	records := make([]store.Record, len(reports))
	for i, rep := range reports {
		if rep.UserAgent == "" {
			rep.UserAgent = r.UserAgent()
		}
		if rep.Disposition == report.Unstated && rep.Kind == report.CSPViolation && base.Lane != store.Forged {
			rep.Disposition = disposition(claims)
		}
		records[i] = base
		records[i].Report = report.Redact(rep)
	}
	return records
}

func lane(err error) store.Lane {
	switch {
	case err == nil:
		return store.Genuine
	case errors.Is(err, session.ErrExpired):
		return store.Expired
	}
	return store.Forged
}

// disposition is that of the policy whose report URL the token stood in: what
// a browser before CSP3 leaves out.
func disposition(c session.Claims) report.Disposition {
	if c.Enforced {
		return report.Enforce
	}
	return report.ReportOnly
}
