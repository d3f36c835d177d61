package server

import (
	"context"
	"net/http"
	"time"

	"github.com/edgecsp/edgecsp/collector/api"
)

// ReadyTimeout is how long /readyz waits for the database.
const ReadyTimeout = 3 * time.Second

func (s *Server) privateHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(s.cfg.Base+"/admin/", s.admin)
	mux.Handle(s.cfg.Base+"/api/v1/", api.New(api.Config{Base: s.cfg.Base, Sites: s.sites, Store: s.store, Now: s.cfg.Now, Log: s.cfg.Log}))
	mux.Handle("GET /{$}", http.RedirectHandler(s.cfg.Base+"/admin/", http.StatusSeeOther))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", s.metrics.Handler())
	return mux
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), ReadyTimeout)
	defer cancel()
	if err := s.store.Ready(ctx, s.cfg.Now()); err != nil {
		s.cfg.Log.Warn("not ready", "error", err)
		answer(w, http.StatusServiceUnavailable, "the database can't be written to\n")
		return
	}
	if free, ok := freeSpace(s.cfg.Database); ok && free < s.cfg.MinFree {
		s.cfg.Log.Warn("not ready", "free bytes", free, "needed", s.cfg.MinFree)
		answer(w, http.StatusServiceUnavailable, "the database's disk is nearly full\n")
		return
	}
	answer(w, http.StatusOK, "ok\n")
}

func answer(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
