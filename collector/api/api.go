// Package api is the read API of the private listener: the same as the
// dashboard, as JSON, for programs. openapi.yaml describes it, and a test holds
// the handlers to that.
package api

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

//go:embed openapi.yaml
var openAPI []byte

// TokenPrefix begins every token, so that those who find one know what it is.
const TokenPrefix = "edgecsp_"

// What a token may do.
const (
	Read       = "read"     // sites, groups, counts and samples
	ReadVisits = "sessions" // what single page views saw
	Triage     = "triage"   // change the state of groups
)

// Scopes returns all scopes.
func Scopes() []string { return []string{Read, ReadVisits, Triage} }

// Store is what the API needs of a store.Store.
type Store interface {
	store.Groups
	List(ctx context.Context, q store.Query) (store.Page, error)
	Seen(ctx context.Context, site string, issued time.Time, session string) ([]store.Sighting, error)
	Sightings(ctx context.Context, site, before string, limit int) (store.SessionPage, error)
	Token(ctx context.Context, h store.Hash, now time.Time) (store.APIToken, error)
}

// Config is what the API needs; all of it is required.
type Config struct {
	Base  string // the base path; the API is at Base + "/api/v1/"
	Sites func() []string
	Store Store
	Now   func() time.Time
	Log   *slog.Logger
}

type api struct{ Config }

// A route is one operation. Its handler returns what is answered as JSON, or
// has answered itself and returns nil.
type route struct {
	method, path, scope string
	handle              func(*api, http.ResponseWriter, *http.Request, string) (any, error)
}

// routes are all operations; the site that a request is about is found before.
var routes = []route{
	{"GET", "/sites", Read, (*api).sites},
	{"GET", "/groups", Read, (*api).groups},
	{"GET", "/groups/{id}", Read, (*api).group},
	{"GET", "/groups/{id}/counts", Read, (*api).groupCounts},
	{"GET", "/groups/{id}/samples", Read, (*api).samples},
	{"PUT", "/groups/{id}/state", Triage, (*api).setState},
	{"GET", "/counts", Read, (*api).counts},
	{"GET", "/sessions", ReadVisits, (*api).sessions},
	{"GET", "/sessions/{issued}/{session}", ReadVisits, (*api).session},
	{"GET", "/export", Read, (*api).export},
}

// New returns the handler of everything below Base + "/api/v1/".
func New(c Config) http.Handler {
	a := &api{c}
	root := c.Base + "/api/v1"
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.HandleFunc(r.method+" "+root+r.path, a.serve(r))
	}
	mux.HandleFunc("GET "+root+"/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(openAPI)
	})
	return headers(mux)
}

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// A problem is an answer that says no.
type problem struct {
	status int
	text   string
}

func (p *problem) Error() string { return p.text }

func bad(text string) error { return &problem{http.StatusBadRequest, text} }

func (a *api) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		site, err := a.authorize(r, rt.scope)
		var answer any
		if err == nil {
			answer, err = rt.handle(a, w, r, site)
		}
		var p *problem
		switch {
		case err == nil && answer != nil:
			write(w, http.StatusOK, answer)
		case err == nil:
		case errors.As(err, &p):
			if p.status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="edgecsp"`)
			}
			write(w, p.status, map[string]string{"error": p.text})
		case errors.Is(err, store.ErrNotFound):
			write(w, http.StatusNotFound, map[string]string{"error": "there is no such thing, or no longer"})
		default:
			a.Log.Error("api", "path", rt.path, "error", err)
			write(w, http.StatusInternalServerError, map[string]string{"error": "the database could not be read; the collector's log says why"})
		}
	}
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // escapes <, > and & as well
}

// authorize checks the request's token and returns the site that it is about:
// the one that the token is for, or that the parameter site names, or the only
// one. Cookies are never read: other pages' requests have none of this.
func (a *api) authorize(r *http.Request, scope string) (site string, err error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || !strings.HasPrefix(token, TokenPrefix) {
		return "", &problem{http.StatusUnauthorized, "send a token: Authorization: Bearer " + TokenPrefix + "..."}
	}
	t, err := a.Store.Token(r.Context(), store.HashOf(token), a.Now())
	if errors.Is(err, store.ErrNotFound) {
		return "", &problem{http.StatusUnauthorized, "the token is not valid, or no longer"}
	}
	if err != nil {
		return "", err
	}
	if !slices.Contains(t.Scopes, scope) {
		return "", &problem{http.StatusForbidden, "the token has not the scope " + scope}
	}
	return a.site(r, t)
}

func (a *api) site(r *http.Request, t store.APIToken) (string, error) {
	sites, asked := a.Sites(), r.URL.Query().Get("site")
	switch {
	case t.Site != "" && asked != "" && asked != t.Site:
		return "", &problem{http.StatusForbidden, "the token is for another site"}
	case t.Site != "":
		return t.Site, nil
	case asked == "" && len(sites) == 1 || asked == "" && strings.HasSuffix(r.URL.Path, "/sites"):
		return sites[0], nil
	case asked == "":
		return "", bad("there are several sites: name one with the parameter site")
	case !slices.Contains(sites, asked):
		return "", &problem{http.StatusNotFound, "there is no site of that name"}
	}
	return asked, nil
}
