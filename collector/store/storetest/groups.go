package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

// same returns a report of one and the same group.
func same(at time.Time) store.Record {
	return store.Record{
		Site: "shop", Received: at, Lane: store.Genuine,
		Report: report.Report{Kind: report.CSPViolation, Directive: "script-src-elem", Blocked: "https://cdn.example/a.js", Page: "https://shop.example/orders/1", Disposition: report.Enforce},
	}
}

func groups(t *testing.T, s store.Store, q store.GroupQuery) store.GroupPage {
	t.Helper()
	if q.Site == "" {
		q.Site = "shop"
	}
	if q.Limit == 0 {
		q.Limit = store.MaxLimit
	}
	p, err := s.Groups(t.Context(), q)
	must(t, err)
	return p
}

func one(t *testing.T, s store.Store) store.Group {
	t.Helper()
	p := groups(t, s, store.GroupQuery{})
	if len(p.Groups) != 1 {
		t.Fatalf("%d groups, want one: %+v", len(p.Groups), p.Groups)
	}
	return p.Groups[0]
}

// counting: one line with all counts, and SampleCap samples.
func counting(t *testing.T, s store.Store) {
	hour := now.Truncate(time.Hour)
	const n = store.SampleCap + 7
	for i := range n {
		r := same(hour.Add(time.Duration(i%3) * time.Hour))
		if i%2 == 1 {
			r.Report.Disposition = report.ReportOnly
		}
		must(t, s.Add(t.Context(), []store.Record{r}))
	}
	g := one(t, s)
	want := store.Group{
		ID: g.ID, Site: "shop", Lane: store.Genuine, Count: n, Enforced: (n + 1) / 2, First: hour, Last: hour.Add(2 * time.Hour), State: store.Open, StateChanged: hour,
		Shape: report.Shape{Kind: report.CSPViolation, Directive: "script-src-elem", Blocked: "https://cdn.example/a.js", Page: "https://shop.example/orders/*"},
	}
	if diff := cmp.Diff(want, g); diff != "" {
		t.Error(diff)
	}
	if got, err := s.Group(t.Context(), "shop", g.ID); err != nil || got != g {
		t.Errorf("alone: %+v, %v", got, err)
	}
	if _, err := s.Group(t.Context(), "blog", g.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("from another site: %v", err)
	}
	samples := list(t, s, store.Query{Group: g.ID, Limit: store.MaxLimit}).Records
	if len(samples) != store.SampleCap || samples[0].Group != g.ID {
		t.Errorf("%d samples", len(samples))
	}
	counts, err := s.Counts(t.Context(), g.ID, hour, hour.Add(2*time.Hour))
	must(t, err)
	if diff := cmp.Diff([]store.HourCount{{Hour: hour, Count: n / 3}, {Hour: hour.Add(time.Hour), Count: n / 3}}, counts); diff != "" {
		t.Error(diff)
	}
	totals, err := s.Totals(t.Context(), "shop", hour.Add(2*time.Hour), hour.Add(3*time.Hour))
	must(t, err)
	if diff := cmp.Diff([]store.Total{{Lane: store.Genuine, Kind: report.CSPViolation, HourCount: store.HourCount{Hour: hour.Add(2 * time.Hour), Count: n / 3}}}, totals); diff != "" {
		t.Error(diff)
	}
}

// life: a group regresses when it is reported again well after it was resolved.
func life(t *testing.T, s store.Store) {
	must(t, s.Add(t.Context(), []store.Record{same(now)}))
	id := one(t, s).ID
	set := func(state store.State, at time.Time) {
		t.Helper()
		must(t, s.SetState(t.Context(), "shop", id, state, at))
	}
	state := func(want store.State, changed time.Time) {
		t.Helper()
		if g := one(t, s); g.State != want || !g.StateChanged.Equal(changed) {
			t.Errorf("%s since %s, want %s since %s", g.State, g.StateChanged, want, changed)
		}
	}
	state(store.Open, now)
	for _, quiet := range []store.State{store.Acknowledged, store.Ignored} {
		set(quiet, now)
		must(t, s.Add(t.Context(), []store.Record{same(now.Add(48 * time.Hour))}))
		state(quiet, now)
	}
	resolved := now.Add(48 * time.Hour)
	set(store.Resolved, resolved)
	for _, d := range []time.Duration{store.RegressGrace - time.Millisecond, store.RegressGrace} {
		must(t, s.Add(t.Context(), []store.Record{same(resolved.Add(d))}))
		state(store.Resolved, resolved)
	}
	late := resolved.Add(store.RegressGrace + time.Millisecond)
	must(t, s.Add(t.Context(), []store.Record{same(late)}))
	state(store.Regressed, late)
	for _, bad := range []store.State{store.Regressed, "", "closed"} {
		if err := s.SetState(t.Context(), "shop", id, bad, now); err == nil {
			t.Errorf("set to %q", bad)
		}
	}
	if err := s.SetState(t.Context(), "blog", id, store.Open, now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another site's group: %v", err)
	}
}

func filters(t *testing.T, s store.Store) {
	for _, f := range []struct {
		lane      store.Lane
		kind      report.Kind
		directive string
	}{
		{store.Genuine, report.CSPViolation, "script-src"}, {store.Expired, report.CSPViolation, "script-src"}, {store.Keyed, report.CSPViolation, "img-src"},
		{store.Announced, report.Crash, "oom"}, {store.Genuine, report.COEP, "corp"}, {store.Forged, report.COEP, "corp"},
	} {
		r := same(now)
		r.Lane, r.Report.Kind, r.Report.Directive = f.lane, f.kind, f.directive
		must(t, s.Add(t.Context(), []store.Record{r}))
	}
	first := groups(t, s, store.GroupQuery{}).Groups[2]
	must(t, s.SetState(t.Context(), "shop", first.ID, store.Ignored, now))
	for _, test := range []struct {
		q    store.GroupQuery
		want int
	}{
		{store.GroupQuery{}, 3}, {store.GroupQuery{View: store.Others}, 2}, {store.GroupQuery{View: store.Unverified}, 1},
		{store.GroupQuery{Directive: "script-src"}, 2}, {store.GroupQuery{Lane: store.Expired}, 1}, {store.GroupQuery{Lane: store.Forged}, 0},
		{store.GroupQuery{View: store.Others, Kind: report.Crash}, 1}, {store.GroupQuery{State: store.Ignored}, 1}, {store.GroupQuery{State: store.Open}, 2},
		{store.GroupQuery{Directive: "script-src", State: store.Open}, 1}, {store.GroupQuery{Site: "blog"}, 0},
	} {
		if got := groups(t, s, test.q).Groups; len(got) != test.want {
			t.Errorf("%+v: %d groups, want %d", test.q, len(got), test.want)
		}
	}
}

// cursor: paging shows each group once, those of the latest hour first.
func cursor(t *testing.T, s store.Store) {
	for n := range 7 {
		r := record(n)
		r.Received = now.Add(time.Duration(n%3) * time.Hour)
		must(t, s.Add(t.Context(), []store.Record{r}))
	}
	for _, limit := range []int{1, 2, 3, 7, 8} {
		var got []string
		q := store.GroupQuery{Limit: limit}
		for {
			p := groups(t, s, q)
			for _, g := range p.Groups {
				got = append(got, g.Shape.Blocked)
			}
			if p.Next == (store.Cursor{}) {
				break
			}
			q.After = p.Next
		}
		if diff := cmp.Diff([]string{"5", "2", "4", "1", "6", "3", "0"}, got); diff != "" {
			t.Errorf("limit %d: %s", limit, diff)
		}
	}
}

func reach(t *testing.T, s store.Store) {
	const n = 1000
	for range 2 { // the second time nobody is new
		for from := 0; from < n; from += 100 {
			var batch []store.Record
			for i := from; i < from+100; i++ {
				r := same(now)
				r.Client, r.Net = mix(uint64(i)), mix(uint64(i%20))
				batch = append(batch, r)
			}
			must(t, s.Add(t.Context(), batch))
		}
	}
	g := one(t, s)
	if g.Count != 2*n || g.Clients < n*92/100 || g.Clients > n*108/100 || g.Networks < 19 || g.Networks > 21 {
		t.Errorf("%d reports of %d clients in %d networks", g.Count, g.Clients, g.Networks)
	}
}

// mix makes a pseudonym of a number (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func sightings(t *testing.T, s store.Store) {
	issued := now.Truncate(time.Second)
	var records []store.Record
	for i, session := range []string{"a", "a", "b", ""} {
		r := same(now)
		r.Session, r.Issued = session, issued.Add(time.Duration(i)*time.Minute)
		records = append(records, r)
	}
	records[1].Issued = issued
	other := records[0]
	other.Report.Directive = "img-src"
	foreign := records[0]
	foreign.Site = "blog"
	must(t, s.Add(t.Context(), append(records, other, foreign)))
	seen, err := s.Seen(t.Context(), "shop", issued, "a")
	must(t, err)
	if len(seen) != 2 || seen[0].Count+seen[1].Count != 3 || seen[0].Session != "a" || !seen[0].Issued.Equal(issued) {
		t.Errorf("%+v", seen)
	}
	if none, err := s.Seen(t.Context(), "shop", issued.Add(time.Second), "a"); err != nil || len(none) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
	var got []string
	before := ""
	for {
		p, err := s.Sightings(t.Context(), "shop", before, 1)
		must(t, err)
		for _, v := range p.Sightings {
			got = append(got, v.Session)
		}
		if before = p.Next; before == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"b", "a", "a"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Sightings(t.Context(), "shop", "nonsense", 1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an odd cursor: %v", err)
	}
}

func announced(t *testing.T, s store.Store) {
	a := store.Announcement{
		ID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", Site: "shop", UserAgent: "u", Network: "192.0.0.0/16",
		Created: now.Truncate(time.Second), Expires: now.Add(time.Hour),
	}
	must(t, s.Announce(t.Context(), a))
	must(t, s.Announce(t.Context(), store.Announcement{ID: a.ID, Site: "other", Created: now, Expires: now.Add(99 * time.Hour)}))
	got, err := s.Announced(t.Context(), a.ID, now.Add(time.Hour-time.Millisecond))
	must(t, err)
	if diff := cmp.Diff(a, got); diff != "" {
		t.Error(diff)
	}
	for id, at := range map[string]time.Time{a.ID: a.Expires, "x": now} {
		if _, err := s.Announced(t.Context(), id, at); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s at %s: %v", id, at, err)
		}
	}
}

func tokens(t *testing.T, s store.Store) {
	ctx := t.Context()
	a := store.APIToken{Name: "a", Hash: store.HashOf("a"), Site: "shop", Scopes: []string{"read", "triage"}, Created: now, Expires: now.Add(time.Hour)}
	b := store.APIToken{Name: "b", Hash: store.HashOf("b"), Scopes: []string{"read"}, Created: now}
	must(t, s.AddToken(ctx, b))
	must(t, s.AddToken(ctx, a))
	if err := s.AddToken(ctx, store.APIToken{Name: "a", Hash: store.HashOf("c"), Created: now}); !errors.Is(err, store.ErrExists) {
		t.Errorf("a name twice: %v", err)
	}
	all, err := s.APITokens(ctx)
	must(t, err)
	if diff := cmp.Diff([]store.APIToken{a, b}, all); diff != "" {
		t.Error(diff)
	}
	got, err := s.Token(ctx, a.Hash, now)
	must(t, err)
	if diff := cmp.Diff(a, got); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Token(ctx, a.Hash, a.Expires); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("expired: %v", err)
	}
	must(t, s.RemoveToken(ctx, "b"))
	if err := s.RemoveToken(ctx, "b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := s.Token(ctx, b.Hash, now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
}

func clean(t *testing.T, s store.Store, c store.Cutoff) (sum store.Removed) {
	t.Helper()
	for range 100 {
		r, more, err := s.Clean(t.Context(), c)
		must(t, err)
		sum.Samples, sum.Sessions, sum.Counts, sum.Groups = sum.Samples+r.Samples, sum.Sessions+r.Sessions, sum.Counts+r.Counts, sum.Groups+r.Groups
		if !more {
			return sum
		}
	}
	t.Fatal("cleaning never ends")
	return sum
}

// cleaning removes samples and leaves their counts; then there is room for new ones.
func cleaning(t *testing.T, s store.Store) {
	const n = store.SampleCap + 5
	for i := range n {
		r := same(now.Add(time.Duration(i) * time.Second))
		r.Session, r.Issued = fmt.Sprint(i), r.Received
		must(t, s.Add(t.Context(), []store.Record{r}))
	}
	if got := clean(t, s, store.Cutoff{}); got != (store.Removed{}) {
		t.Errorf("removed %+v without a cutoff", got)
	}
	cutoff := now.Add(20 * time.Second)
	if got, want := clean(t, s, store.Cutoff{Samples: cutoff, Sessions: cutoff}), (store.Removed{Samples: 20, Sessions: 20}); got != want {
		t.Errorf("removed %+v, want %+v", got, want)
	}
	for range 30 {
		must(t, s.Add(t.Context(), []store.Record{same(now.Add(time.Hour))}))
	}
	g := one(t, s)
	samples := list(t, s, store.Query{Group: g.ID, Limit: store.MaxLimit}).Records
	if g.Count != n+30 || len(samples) != store.SampleCap || !samples[len(samples)-1].Received.Equal(cutoff) {
		t.Errorf("%d reports, %d samples, the oldest of %s", g.Count, len(samples), samples[len(samples)-1].Received)
	}
}

// cleaningAll: after a year nothing is left of a group.
func cleaningAll(t *testing.T, s store.Store) {
	const n = 1200 // more than one step
	var batch []store.Record
	for i := range n {
		r := same(now)
		r.Report.Blocked = fmt.Sprintf("https://h%d.example/", i)
		batch = append(batch, r)
	}
	must(t, s.Add(t.Context(), batch))
	must(t, s.Add(t.Context(), []store.Record{same(now.Add(2 * time.Hour))}))
	got := clean(t, s, store.Cutoff{Counts: now.Add(time.Hour)})
	left := groups(t, s, store.GroupQuery{}).Groups
	if len(left) != 1 || got.Groups < 600 || got.Counts != got.Groups+1 {
		t.Errorf("removed %+v, left %d", got, len(left))
	}
	if samples := list(t, s, store.Query{Limit: store.MaxLimit}).Records; len(samples) != 1 {
		t.Errorf("%d samples left", len(samples))
	}
}

func leading(t *testing.T, s store.Store) {
	for _, test := range []struct {
		job, holder string
		at          time.Duration
		want        bool
	}{
		{"clean", "a", 0, true}, {"clean", "b", 0, false}, {"clean", "a", time.Second, true}, {"alert", "b", 0, true},
		{"clean", "b", time.Minute, false}, {"clean", "b", time.Minute + time.Second, true}, {"clean", "a", time.Minute + time.Second, false},
	} {
		got, err := s.Lead(t.Context(), test.job, test.holder, now.Add(test.at), time.Minute)
		if err != nil || got != test.want {
			t.Errorf("%+v: %v, %v", test, got, err)
		}
	}
}

// overlap: calls that overlap lose no count, and never keep more samples than
// there is room for.
func overlap(t *testing.T, s store.Store) {
	const calls, each = 100, 5
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			var batch []store.Record
			for j := range each {
				r := same(now)
				r.Client = mix(uint64(i*each + j))
				r.Report.Directive = fmt.Sprint("d", j%2)
				batch = append(batch, r)
			}
			if err := s.Add(t.Context(), batch); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	sum := int64(0)
	for _, g := range groups(t, s, store.GroupQuery{}).Groups {
		sum += g.Count
		if n := len(list(t, s, store.Query{Group: g.ID, Limit: store.MaxLimit}).Records); n != store.SampleCap {
			t.Errorf("%d samples of %d", n, g.Count)
		}
	}
	if sum != calls*each {
		t.Errorf("%d counted of %d", sum, calls*each)
	}
}
