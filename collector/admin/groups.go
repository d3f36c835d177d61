package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

// ChartHours is how many hours a group's page shows the counts of.
const ChartHours = 7 * 24

// views are the lists of groups, by the name that they have in addresses.
var views = []struct{ Name, Title string }{
	{"violations", "Violations"}, {"others", "Other reports"}, {"unverified", "Unverified"},
}

type groupsData struct {
	Frame
	Views     []choice
	States    []choice
	Lanes     []choice
	Directive string
	Filtered  bool
	Rows      []GroupRow
	Older     string
	First     bool
}

type choice struct {
	Value, Name string
	Chosen      bool
}

// A GroupRow is a group as it is shown. Its text has been made visible.
type GroupRow struct {
	ID                            int64
	Href                          string
	Directive, Kind               string
	Blocked, Source, Sample, Page string
	Count, Enforced               int64
	Clients, Networks             uint64
	First, Last, Ago              string
	State, Lane                   string
}

func (a *Admin) groups(w http.ResponseWriter, r *http.Request) {
	q, err := a.groupQuery(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	page, err := a.Store.Groups(r.Context(), q)
	if err != nil {
		a.fail(w, "list groups", err)
		return
	}
	d := groupsData{Frame: a.frame("Groups", r, "/groups"), Directive: q.Directive, First: q.After == store.Cursor{}}
	d.Filtered = q.Directive != "" || q.State != "" || q.Lane != ""
	for i, v := range views {
		d.Views = append(d.Views, choice{v.Name, v.Title, store.View(i) == q.View})
	}
	for _, s := range store.States() {
		d.States = append(d.States, choice{string(s), string(s), s == q.State})
	}
	for _, l := range store.Lanes() {
		d.Lanes = append(d.Lanes, choice{string(l), string(l), l == q.Lane})
	}
	for i := range page.Groups {
		d.Rows = append(d.Rows, a.groupRow(&page.Groups[i], d.Query()))
	}
	if page.Next != (store.Cursor{}) {
		d.Older = a.older(r.URL.Query(), page.Next)
	}
	a.render(w, http.StatusOK, groupsTemplate, d)
}

// older is the address of the next page, with the same filters.
func (a *Admin) older(q url.Values, c store.Cursor) string {
	keep := url.Values{"after": {fmt.Sprintf("%d.%d", c.Hour, c.ID)}}
	for _, name := range []string{"site", "view", "state", "lane", "directive"} {
		if v := q.Get(name); v != "" {
			keep.Set(name, v)
		}
	}
	return a.root + "/groups?" + keep.Encode()
}

func (a *Admin) groupQuery(r *http.Request) (q store.GroupQuery, err error) {
	v := r.URL.Query()
	q = store.GroupQuery{
		Site: a.site(r), Limit: PageSize, Directive: strings.TrimSpace(v.Get("directive")), State: store.State(v.Get("state")), Lane: store.Lane(v.Get("lane")),
	}
	if name := v.Get("view"); name != "" {
		i := 0
		for i < len(views) && views[i].Name != name {
			i++
		}
		if i == len(views) {
			return q, errors.New("there is no such list")
		}
		q.View = store.View(i)
	}
	if after := v.Get("after"); after != "" {
		if _, err := fmt.Sscanf(after, "%d.%d", &q.After.Hour, &q.After.ID); err != nil {
			return q, errors.New("there is no such page")
		}
	}
	return q, nil
}

func (a *Admin) groupRow(g *store.Group, query any) GroupRow {
	s := &g.Shape
	row := GroupRow{
		ID: g.ID, Href: fmt.Sprintf("%s/groups/%d%v", a.root, g.ID, query), Directive: report.Visible(s.Directive),
		Blocked: report.Visible(s.Blocked), Source: report.Visible(s.Source), Sample: report.Visible(s.Sample), Page: report.Visible(s.Page),
		Count: g.Count, Enforced: g.Enforced, Clients: g.Clients, Networks: g.Networks,
		First: stamp(g.First), Last: stamp(g.Last), Ago: ago(a.Now().Sub(g.Last)), State: string(g.State), Lane: report.Visible(string(g.Lane)),
	}
	if s.Kind != report.CSPViolation {
		row.Kind = report.Visible(string(s.Kind))
	}
	return row
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

type groupData struct {
	Frame
	Group   GroupRow
	Changed string
	States  []choice // those that it can be put into
	Days    []day
	Rows    []Row
}

// A day is one line of a group's counts.
type day struct {
	Date  string
	Count int64
	Share int64 // of the highest, 0 to 100
}

func (a *Admin) group(w http.ResponseWriter, r *http.Request) {
	g, ok := a.lookUp(w, r)
	if !ok {
		return
	}
	now := a.Now()
	counts, err := a.Store.Counts(r.Context(), g.ID, now.Add(-ChartHours*time.Hour), now.Add(time.Hour))
	if err != nil {
		a.fail(w, "read counts", err)
		return
	}
	samples, err := a.Store.List(r.Context(), store.Query{Site: g.Site, Group: g.ID, Limit: store.SampleCap})
	if err != nil {
		a.fail(w, "read samples", err)
		return
	}
	d := groupData{Frame: a.frame("Group", r, "/groups"), Changed: stamp(g.StateChanged), Days: days(counts)}
	d.Group = a.groupRow(&g, d.Query())
	for _, s := range store.States() {
		if s.Settable() && s != g.State {
			d.States = append(d.States, choice{Value: string(s), Name: string(s)})
		}
	}
	for i := range samples.Records {
		d.Rows = append(d.Rows, row(&samples.Records[i], now))
	}
	a.render(w, http.StatusOK, groupTemplate, d)
}

// lookUp finds the group that a request is about, or answers it.
func (a *Admin) lookUp(w http.ResponseWriter, r *http.Request) (store.Group, bool) {
	g, err := a.Store.Group(r.Context(), a.site(r), id(r.PathValue("id")))
	switch {
	case errors.Is(err, store.ErrNotFound):
		http.Error(w, "There is no such group, or no longer.", http.StatusNotFound)
	case err != nil:
		a.fail(w, "read a group", err)
	default:
		return g, true
	}
	return g, false
}

// days sums hours up, the latest day first.
func days(counts []store.HourCount) (all []day) {
	most := int64(1)
	for i := len(counts) - 1; i >= 0; i-- {
		date := counts[i].Hour.Format(time.DateOnly)
		if len(all) == 0 || all[len(all)-1].Date != date {
			all = append(all, day{Date: date})
		}
		last := &all[len(all)-1]
		last.Count += counts[i].Count
		most = max(most, last.Count)
	}
	for i := range all {
		all[i].Share = all[i].Count * 100 / most
	}
	return all
}

func (a *Admin) setState(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	state := store.State(r.PostFormValue("state"))
	if !state.Settable() {
		http.Error(w, "A group can't be put into that state.", http.StatusBadRequest)
		return
	}
	g, ok := a.lookUp(w, r)
	if !ok {
		return
	}
	if err := a.Store.SetState(r.Context(), g.Site, g.ID, state, a.Now()); err != nil {
		a.fail(w, "set a state", err)
		return
	}
	a.Log.Info("group changed", "group", g.ID, "state", string(state))
	target := a.root + "/groups/" + strconv.FormatInt(g.ID, 10)
	if s := r.FormValue("site"); s != "" {
		target += "?site=" + url.QueryEscape(g.Site)
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}
