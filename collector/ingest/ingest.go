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
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/edgecsp/edgecsp/collector/metrics"
	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

const (
	// StoreTimeout is how long a request waits for its commit before it gets 503.
	StoreTimeout = 10 * time.Second
	// RetryAfter is when who got 503 may try again.
	RetryAfter = 30 * time.Second
	// PreflightAge is how long browsers may remember the answer to a preflight.
	PreflightAge = 24 * time.Hour
	// largeBody is the size, in bytes, from which bodies are decoded a few at a
	// time, so that many of them leave the processors to small ones, as nearly
	// all real ones are.
	largeBody = 64 << 10
	// largeWait is how long such a body waits for its turn before it gets 503.
	largeWait = 5 * time.Second
)

// Store is what ingest needs of a store.Store.
type Store interface {
	Add(ctx context.Context, records []store.Record) error
	Announce(ctx context.Context, a store.Announcement) error
	Announced(ctx context.Context, id string, now time.Time) (store.Announcement, error)
}

// Config is what a handler needs; all of it is required, save where it says
// otherwise.
type Config struct {
	Base  string // the base path, such as /csp
	Sites []Site
	// TrustedHops is how many proxies of ours stand before the listener: each
	// has appended to X-Forwarded-For whom it got the request from. 0 takes
	// the connection's address.
	TrustedHops int
	// KeepNetworks keeps the client's network, /16 or /32 of IPv6, with samples.
	KeepNetworks bool
	Limits       Limits
	Store        Store
	Metrics      *metrics.Metrics
	Now          func() time.Time
	Log          *slog.Logger
}

type handler struct {
	Config
	sites    *sites
	networks *buckets
	bySite   *buckets
	inFlight atomic.Int64  // bytes
	large    chan struct{} // has room for the large bodies that are decoded now
}

// New returns the public listener's handler. It reads no cookies, and nothing
// of a request stands in its answers. An error is session.ErrSite or
// session.ErrSecretLength.
func New(c Config) (http.Handler, error) {
	s, err := newSites(c.Sites)
	if err != nil {
		return nil, err
	}
	h := &handler{
		Config: c, sites: s,
		networks: newBuckets(c.Limits.Network, maxNetworks),
		bySite:   newBuckets(c.Limits.Site, len(c.Sites)),
		large:    make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
	}
	mux := http.NewServeMux()
	for _, path := range []string{"/report/csp/{session}", "/report"} {
		mux.HandleFunc("POST "+c.Base+path, h.report)
		mux.HandleFunc("OPTIONS "+c.Base+path, h.preflight)
	}
	if s.announces() {
		mux.HandleFunc("POST "+c.Base+"/master/session/{uuid}", h.announce)
	}
	return onlyCleanPaths(mux), nil
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

// preflight answers the Reporting API's CORS preflight (Fetch 4.8).
func (h *handler) preflight(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	h.allowOrigin(header, r)
	header.Set("Access-Control-Allow-Methods", http.MethodPost)
	header.Set("Access-Control-Allow-Headers", "Content-Type")
	header.Set("Access-Control-Max-Age", strconv.Itoa(int(PreflightAge.Seconds())))
	header.Set("Allow", "OPTIONS, POST")
	w.WriteHeader(http.StatusNoContent)
}

// allowOrigin lets any origin send where a site names none of its own: such
// reports carry no credentials.
func (h *handler) allowOrigin(header http.Header, r *http.Request) {
	if h.sites.anyOrigin {
		header.Set("Access-Control-Allow-Origin", "*")
		return
	}
	header.Set("Vary", "Origin")
	if origin := r.Header.Get("Origin"); h.sites.origins[origin] {
		header.Set("Access-Control-Allow-Origin", origin)
	}
}

// report answers 204 once the reports are on disk, and also where there was
// nothing to keep: whoever sends nonsense learns nothing from the answer.
func (h *handler) report(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	h.allowOrigin(w.Header(), r)
	result := h.take(w, r)
	h.Metrics.Request(result, time.Since(start))
	switch result {
	case metrics.Stored, metrics.Empty, metrics.UnknownSite:
		w.WriteHeader(http.StatusNoContent)
	case metrics.TooLarge:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case metrics.CutShort: // hardly anybody is there to read this
		w.WriteHeader(http.StatusBadRequest)
	case metrics.ShedNetwork, metrics.ShedSite:
		retry(w, http.StatusTooManyRequests, ratePause)
	default:
		retry(w, http.StatusServiceUnavailable, RetryAfter)
	}
}

func retry(w http.ResponseWriter, status int, after time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
	w.WriteHeader(status)
}

// take does it all and says what became of it.
func (h *handler) take(w http.ResponseWriter, r *http.Request) metrics.Result {
	now := h.Now()
	from := h.sender(r)
	if !h.networks.take(from.network, 1, now) {
		return metrics.ShedNetwork
	}
	body, free, result := h.read(w, r)
	defer free()
	if result != "" {
		return result
	}
	reports, stats, ok := h.decode(body, now)
	if !ok {
		return metrics.ShedInFlight
	}
	h.Metrics.Entries(stats)
	h.Log.Debug("reports", "entries", stats.Entries, "kept", stats.Kept,
		"unknown", stats.Unknown, "malformed", stats.Malformed, "dropped", stats.Dropped)
	if len(reports) == 0 {
		return metrics.Empty
	}
	who, known := h.identify(r, now)
	if !known {
		return metrics.UnknownSite
	}
	// The request itself is paid for.
	if !h.networks.take(from.network, len(reports)-1, now) {
		return metrics.ShedNetwork
	}
	if !h.bySite.take(who.site.Name, len(reports), now) {
		return metrics.ShedSite
	}
	return h.keep(r, who.records(r, reports, from, now), who.lane)
}

// decode is false where too many large bodies wait.
func (h *handler) decode(body []byte, now time.Time) ([]report.Report, report.Stats, bool) {
	if len(body) >= largeBody {
		select {
		case h.large <- struct{}{}:
			defer func() { <-h.large }()
		case <-time.After(largeWait):
			return nil, report.Stats{}, false
		}
	}
	reports, stats := report.DecodeWithin(body, now, h.Limits.Body.Limits)
	return reports, stats, true
}

// read returns a request's body, and what gives its room back. The result is
// empty where all went well.
func (h *handler) read(w http.ResponseWriter, r *http.Request) (body []byte, free func(), result metrics.Result) {
	free = func() {}
	size := r.ContentLength
	if size > h.Limits.Body.Bytes {
		return nil, free, metrics.TooLarge
	}
	if size < 0 { // chunked
		size = h.Limits.Body.Bytes
	}
	free = func() { h.inFlight.Add(-size) }
	if h.inFlight.Add(size) > h.Limits.InFlight {
		return nil, free, metrics.ShedInFlight
	}
	body, err := readAll(http.MaxBytesReader(w, r.Body, h.Limits.Body.Bytes), r.ContentLength)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, free, metrics.TooLarge
	case err != nil:
		return nil, free, metrics.CutShort
	}
	return body, free, ""
}

// readAll is io.ReadAll where the size is not known, and else makes no more
// room than for it.
func readAll(r io.Reader, size int64) ([]byte, error) {
	if size < 0 {
		return io.ReadAll(r)
	}
	body := make([]byte, size)
	_, err := io.ReadFull(r, body)
	return body, err
}

// keep stores records; they are on disk when the result is metrics.Stored.
func (h *handler) keep(r *http.Request, records []store.Record, lane store.Lane) metrics.Result {
	ctx, cancel := context.WithTimeout(r.Context(), StoreTimeout)
	defer cancel()
	switch err := h.Store.Add(ctx, records); {
	case err == nil:
		h.Metrics.Reports(lane, len(records))
		return metrics.Stored
	case errors.Is(err, store.ErrBusy):
		return metrics.ShedQueue
	default:
		h.Log.Error("reports were not stored", "error", err)
		return metrics.Failed
	}
}
