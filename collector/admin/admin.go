// Package admin is the dashboard of the private listener. All that it shows of
// a report was chosen by whoever sent it: it stands in the pages as text, never
// as a link and never as markup, and the pages run no scripts.
package admin

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

// Store is what the dashboard needs of a store.Store.
type Store interface {
	store.Logins
	store.Groups
	List(ctx context.Context, q store.Query) (store.Page, error)
}

// Config is what the dashboard needs; all of it is required.
type Config struct {
	Base  string          // the base path; the dashboard is at Base + "/admin/"
	Sites func() []string // those in effect, at least one
	Store Store
	Now   func() time.Time
	Rand  io.Reader
	Log   *slog.Logger
}

// Admin is the dashboard's handler.
type Admin struct {
	Config
	root    string // Base + "/admin"
	handler http.Handler
}

// New returns the dashboard.
func New(c Config) *Admin {
	a := &Admin{Config: c, root: c.Base + "/admin"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+a.root+"/style.css", style)
	mux.HandleFunc("GET "+a.root+"/login", a.loginPage)
	mux.HandleFunc("POST "+a.root+"/login", a.login)
	mux.Handle("POST "+a.root+"/logout", a.requireLogin(a.logout))
	for i := range tabs {
		mux.Handle("GET "+a.root+tabs[i].Path, a.requireLogin(a.list(&tabs[i])))
	}
	mux.Handle("GET "+a.root+"/groups", a.requireLogin(a.groups))
	mux.Handle("GET "+a.root+"/groups/{id}", a.requireLogin(a.group))
	mux.Handle("POST "+a.root+"/groups/{id}/state", a.requireLogin(a.setState))
	a.handler = headers(http.NewCrossOriginProtection().Handler(mux))
	return a
}

// site returns the site that a request is about: the one that it names, or the
// first.
func (a *Admin) site(r *http.Request) string {
	sites := a.Sites()
	if i := slices.Index(sites, r.FormValue("site")); i >= 0 {
		return sites[i]
	}
	return sites[0]
}

// ServeHTTP answers requests below Base + "/admin/".
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// policy lets the pages load their style sheet, submit their forms, and nothing
// else.
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		// Not no-referrer: with that, browsers send "Origin: null" with our own
		// forms (Fetch 3.2), and where they send no Sec-Fetch-Site, as over
		// plain http, nobody could log in.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// fail answers an error of ours; what it was is for the log only.
func (a *Admin) fail(w http.ResponseWriter, doing string, err error) {
	a.Log.Error("dashboard: "+doing, "error", err)
	http.Error(w, "The dashboard could not read its database; the collector's log says why.", http.StatusInternalServerError)
}
