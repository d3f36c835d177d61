package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

const (
	// DefaultLimit is how many things a page has where nothing is said.
	DefaultLimit = 100
	// DefaultSpan is how far back counts go where nothing is said.
	DefaultSpan = 7 * 24 * time.Hour
	// MaxSpan is how far they can go.
	MaxSpan = 366 * 24 * time.Hour

	maxBody = 4 << 10
)

// Group is a group as it is answered.
type Group struct {
	ID           int64     `json:"id"`
	Site         string    `json:"site"`
	Lane         string    `json:"lane"`
	Kind         string    `json:"kind"`
	Directive    string    `json:"directive"`
	Blocked      string    `json:"blocked"`
	Source       string    `json:"source"`
	Sample       string    `json:"sample"`
	Page         string    `json:"page"`
	Count        int64     `json:"count"`
	Enforced     int64     `json:"enforced"`
	Clients      uint64    `json:"clients"`
	Networks     uint64    `json:"networks"`
	FirstSeen    time.Time `json:"first_seen"`
	LastSeen     time.Time `json:"last_seen"`
	State        string    `json:"state"`
	StateChanged time.Time `json:"state_changed"`
}

func groupOf(g *store.Group) Group {
	s := &g.Shape
	return Group{
		ID: g.ID, Site: g.Site, Lane: string(g.Lane), Kind: string(s.Kind), Directive: s.Directive, Blocked: s.Blocked, Source: s.Source, Sample: s.Sample, Page: s.Page,
		Count: g.Count, Enforced: g.Enforced, Clients: g.Clients, Networks: g.Networks, FirstSeen: g.First, LastSeen: g.Last, State: string(g.State), StateChanged: g.StateChanged,
	}
}

type groupsPage struct {
	Groups []Group `json:"groups"`
	Next   string  `json:"next,omitempty"`
}

var views = []string{"violations", "others", "unverified"}

func groupQuery(r *http.Request, site string) (q store.GroupQuery, err error) {
	v := r.URL.Query()
	q = store.GroupQuery{Site: site, Directive: v.Get("directive"), Kind: report.Kind(v.Get("kind")), Lane: store.Lane(v.Get("lane")), State: store.State(v.Get("state"))}
	if name := v.Get("view"); name != "" {
		i := slices.Index(views, name)
		if i < 0 {
			return q, bad("view is one of " + strings.Join(views, ", "))
		}
		q.View = store.View(i)
	}
	if q.State != "" && !slices.Contains(store.States(), q.State) {
		return q, bad(fmt.Sprintf("state is one of %v", store.States()))
	}
	if q.Lane != "" && !slices.Contains(store.Lanes(), q.Lane) {
		return q, bad(fmt.Sprintf("lane is one of %v", store.Lanes()))
	}
	if q.After, err = parseCursor(v.Get("cursor")); err != nil {
		return q, err
	}
	q.Limit, err = limit(r)
	return q, err
}

func parseCursor(s string) (c store.Cursor, err error) {
	if s == "" {
		return c, nil
	}
	hour, id, ok := strings.Cut(s, ".")
	c.Hour, err = strconv.ParseInt(hour, 10, 64)
	if err == nil {
		c.ID, err = strconv.ParseInt(id, 10, 64)
	}
	if err != nil || !ok {
		return c, bad("cursor is what next was in the answer before")
	}
	return c, nil
}

func cursorText(c store.Cursor) string {
	if c == (store.Cursor{}) {
		return ""
	}
	return fmt.Sprintf("%d.%d", c.Hour, c.ID)
}

func limit(r *http.Request) (int, error) {
	s := r.URL.Query().Get("limit")
	if s == "" {
		return DefaultLimit, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > store.MaxLimit {
		return 0, bad(fmt.Sprintf("limit is 1 to %d", store.MaxLimit))
	}
	return n, nil
}

func (a *api) sites(_ http.ResponseWriter, r *http.Request, site string) (any, error) {
	names := a.Sites()
	if t, err := a.Store.Token(r.Context(), store.HashOf(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")), a.Now()); err != nil || t.Site != "" {
		names = []string{site}
	}
	type one struct {
		Name string `json:"name"`
	}
	list := make([]one, len(names))
	for i, n := range names {
		list[i].Name = n
	}
	return map[string]any{"sites": list}, nil
}

func (a *api) groups(_ http.ResponseWriter, r *http.Request, site string) (any, error) {
	q, err := groupQuery(r, site)
	if err != nil {
		return nil, err
	}
	page, err := a.Store.Groups(r.Context(), q)
	if err != nil {
		return nil, err
	}
	out := groupsPage{Groups: make([]Group, len(page.Groups)), Next: cursorText(page.Next)}
	for i := range page.Groups {
		out.Groups[i] = groupOf(&page.Groups[i])
	}
	return out, nil
}

func (a *api) find(r *http.Request, site string) (store.Group, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return store.Group{}, store.ErrNotFound
	}
	return a.Store.Group(r.Context(), site, id)
}

func (a *api) group(_ http.ResponseWriter, r *http.Request, site string) (any, error) {
	g, err := a.find(r, site)
	if err != nil {
		return nil, err
	}
	return groupOf(&g), nil
}

type hourCount struct {
	Hour  time.Time `json:"hour"`
	Count int64     `json:"count"`
}

func (a *api) groupCounts(_ http.ResponseWriter, r *http.Request, site string) (any, error) {
	from, to, err := a.span(r)
	if err != nil {
		return nil, err
	}
	g, err := a.find(r, site)
	if err != nil {
		return nil, err
	}
	counts, err := a.Store.Counts(r.Context(), g.ID, from, to)
	if err != nil {
		return nil, err
	}
	out := make([]hourCount, len(counts))
	for i, c := range counts {
		out[i] = hourCount(c)
	}
	return map[string]any{"counts": out}, nil
}

// span reads from and to; without them it is the last week.
func (a *api) span(r *http.Request) (from, to time.Time, err error) {
	to = a.Now().Truncate(time.Hour).Add(time.Hour)
	if s := r.URL.Query().Get("to"); s != "" {
		if to, err = time.Parse(time.RFC3339, s); err != nil {
			return from, to, bad("to is a time as 2026-11-20T12:00:00Z")
		}
	}
	from = to.Add(-DefaultSpan)
	if s := r.URL.Query().Get("from"); s != "" {
		if from, err = time.Parse(time.RFC3339, s); err != nil {
			return from, to, bad("from is a time as 2026-11-20T12:00:00Z")
		}
	}
	if d := to.Sub(from); d <= 0 || d > MaxSpan {
		return from, to, bad("from is before to, by 366 days at most")
	}
	return from, to, nil
}

func (a *api) counts(_ http.ResponseWriter, r *http.Request, site string) (any, error) {
	from, to, err := a.span(r)
	if err != nil {
		return nil, err
	}
	totals, err := a.Store.Totals(r.Context(), site, from, to)
	if err != nil {
		return nil, err
	}
	type total struct {
		hourCount
		Lane string `json:"lane"`
		Kind string `json:"kind"`
	}
	out := make([]total, len(totals))
	for i, t := range totals {
		out[i] = total{hourCount(t.HourCount), string(t.Lane), string(t.Kind)}
	}
	return map[string]any{"counts": out}, nil
}

// Sample is a report as it is answered.
type Sample struct {
	ID            int64     `json:"id"`
	Received      time.Time `json:"received"`
	Observed      time.Time `json:"observed"`
	Lane          string    `json:"lane"`
	PolicyVersion uint32    `json:"policy_version"`
	Network       string    `json:"network"`
	Kind          string    `json:"kind"`
	Disposition   string    `json:"disposition"`
	Directive     string    `json:"directive"`
	Blocked       string    `json:"blocked"`
	Page          string    `json:"page"`
	Referrer      string    `json:"referrer"`
	SourceFile    string    `json:"source_file"`
	Line          int       `json:"line"`
	Column        int       `json:"column"`
	Sample        string    `json:"sample"`
	Detail        string    `json:"detail"`
	Status        int       `json:"status"`
	Policy        string    `json:"policy"`
	UserAgent     string    `json:"user_agent"`
}

func (a *api) samples(_ http.ResponseWriter, r *http.Request, site string) (any, error) {
	g, err := a.find(r, site)
	if err != nil {
		return nil, err
	}
	page, err := a.Store.List(r.Context(), store.Query{Site: site, Group: g.ID, Limit: store.SampleCap})
	if err != nil {
		return nil, err
	}
	out := make([]Sample, len(page.Records))
	for i := range page.Records {
		rec := &page.Records[i]
		p := &rec.Report
		out[i] = Sample{
			rec.ID, rec.Received, p.Observed, string(rec.Lane), rec.PolicyVersion, rec.Network, string(p.Kind), string(p.Disposition), p.Directive, p.Blocked, p.Page,
			p.Referrer, p.SourceFile, p.Line, p.Column, p.Sample, p.Detail, p.Status, p.Policy, p.UserAgent,
		}
	}
	return map[string]any{"samples": out}, nil
}

func (a *api) setState(_ http.ResponseWriter, r *http.Request, site string) (any, error) {
	var in struct {
		State store.State `json:"state"`
	}
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || !in.State.Settable() {
		return nil, bad(`the body is {"state": S}, with S one of open, acknowledged, resolved, ignored`)
	}
	g, err := a.find(r, site)
	if err != nil {
		return nil, err
	}
	if err := a.Store.SetState(r.Context(), site, g.ID, in.State, a.Now()); err != nil {
		return nil, err
	}
	return a.group(nil, r, site)
}

type sighting struct {
	Issued  time.Time `json:"issued"`
	Session string    `json:"session"`
	Group   int64     `json:"group"`
	Count   int64     `json:"count"`
}

func sightingsOf(seen []store.Sighting) []sighting {
	out := make([]sighting, len(seen))
	for i, s := range seen {
		out[i] = sighting(s)
	}
	return out
}

func (a *api) sessions(_ http.ResponseWriter, r *http.Request, site string) (any, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	page, err := a.Store.Sightings(r.Context(), site, r.URL.Query().Get("cursor"), n)
	if err != nil {
		return nil, err
	}
	return struct {
		Sightings []sighting `json:"sightings"`
		Next      string     `json:"next,omitempty"`
	}{sightingsOf(page.Sightings), page.Next}, nil
}

func (a *api) session(_ http.ResponseWriter, r *http.Request, site string) (any, error) {
	issued, err := strconv.ParseInt(r.PathValue("issued"), 10, 64)
	if err != nil {
		return nil, bad("issued is the time of issue in Unix seconds")
	}
	seen, err := a.Store.Seen(r.Context(), site, time.Unix(issued, 0), r.PathValue("session"))
	if err != nil {
		return nil, err
	}
	if len(seen) == 0 {
		return nil, store.ErrNotFound
	}
	return map[string]any{"sightings": sightingsOf(seen)}, nil
}
