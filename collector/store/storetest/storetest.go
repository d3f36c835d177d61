// Package storetest holds every store.Store to its contract.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 123e6, time.UTC)

// Run runs the suite; open returns a new, empty store, which open closes when
// its test ends.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for name, test := range map[string]func(*testing.T, store.Store){
		"Whole": whole, "Views": views, "Paging": paging, "Sites": sites, "Concurrent": concurrent, "Ended": ended,
		"Closed": closed, "Login": login, "Race": race, "Session": sessions, "Ready": ready,
		"Counting": counting, "Life": life, "Filters": filters, "Cursor": cursor, "Reach": reach, "Sightings": sightings,
		"Announced": announced, "Tokens": tokens, "Cleaning": cleaning, "CleaningAll": cleaningAll, "Leading": leading, "Overlap": overlap,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// record is a violation that is told apart by n.
func record(n int) store.Record {
	return store.Record{
		Site: "shop", Received: now.Add(time.Duration(n) * time.Second), Lane: store.Genuine,
		Report: report.Report{Kind: report.CSPViolation, Blocked: fmt.Sprint(n), Observed: now},
	}
}

func list(t *testing.T, s store.Store, q store.Query) store.Page {
	t.Helper()
	if q.Site == "" {
		q.Site = "shop"
	}
	p, err := s.List(t.Context(), q)
	must(t, err)
	return p
}

func blocked(p store.Page) (names []string) {
	for _, r := range p.Records {
		names = append(names, r.Report.Blocked)
	}
	return names
}

func whole(t *testing.T, s store.Store) {
	want := store.Record{
		Site: "shop", Received: now, Lane: store.Expired, KeyID: 255, Session: "c2Vzc2lvbg", Issued: now.Truncate(time.Second), Network: "192.0.0.0/16", PolicyVersion: 1<<32 - 1,
		Report: report.Report{
			Kind: report.CSPViolation, Disposition: report.ReportOnly, Directive: "script-src-elem", Blocked: "https://b/",
			Page: "https://p/", Referrer: "https://r/", SourceFile: "https://s/", Line: 1<<31 - 1, Column: 2,
			Sample: "'; DROP TABLE reports; -- \u00e9 $1 ?", Detail: "d", Status: 200, Policy: "p", UserAgent: "u", Observed: now.Add(-time.Hour),
		},
	}
	must(t, s.Add(t.Context(), []store.Record{want}))
	p := list(t, s, store.Query{Limit: 10})
	if diff := cmp.Diff([]store.Record{want}, p.Records, cmpopts.IgnoreFields(store.Record{}, "ID", "Group")); diff != "" {
		t.Error(diff)
	}
	if p.Newer || p.Older || p.Records[0].ID <= 0 {
		t.Errorf("%+v", p)
	}
	must(t, s.Add(t.Context(), nil))
}

func views(t *testing.T, s store.Store) {
	for i, lane := range []store.Lane{store.Genuine, store.Expired, store.Forged} {
		for j, kind := range []report.Kind{report.CSPViolation, report.Deprecation} {
			r := record(i*2 + j)
			r.Lane, r.Report.Kind = lane, kind
			must(t, s.Add(t.Context(), []store.Record{r}))
		}
	}
	for view, want := range map[store.View][]string{
		store.Violations: {"2", "0"}, store.Others: {"3", "1"}, store.Unverified: {"5", "4"},
	} {
		if diff := cmp.Diff(want, blocked(list(t, s, store.Query{View: view, Limit: 10}))); diff != "" {
			t.Errorf("view %d: %s", view, diff)
		}
	}
}

func paging(t *testing.T, s store.Store) {
	for n := range 5 {
		must(t, s.Add(t.Context(), []store.Record{record(n)}))
	}
	first := list(t, s, store.Query{Limit: 2})
	second := list(t, s, store.Query{Limit: 2, Before: first.Records[1].ID})
	third := list(t, s, store.Query{Limit: 2, Before: second.Records[1].ID})
	back := list(t, s, store.Query{Limit: 2, After: third.Records[0].ID})
	top := list(t, s, store.Query{Limit: 2, After: back.Records[0].ID})
	for _, test := range []struct {
		name  string
		page  store.Page
		want  []string
		newer bool
		older bool
	}{
		{"first", first, []string{"4", "3"}, false, true},
		{"second", second, []string{"2", "1"}, true, true},
		{"third", third, []string{"0"}, true, false},
		{"back", back, []string{"2", "1"}, true, true},
		{"top", top, []string{"4", "3"}, false, true},
		{"all", list(t, s, store.Query{Limit: 5}), []string{"4", "3", "2", "1", "0"}, false, false},
		{"limit below 1", list(t, s, store.Query{}), []string{"4"}, false, true},
		{"limit above all", list(t, s, store.Query{Limit: store.MaxLimit + 1}), []string{"4", "3", "2", "1", "0"}, false, false},
	} {
		if diff := cmp.Diff(test.want, blocked(test.page)); diff != "" || test.page.Newer != test.newer || test.page.Older != test.older {
			t.Errorf("%s: newer %v, older %v\n%s", test.name, test.page.Newer, test.page.Older, diff)
		}
	}
}

func sites(t *testing.T, s store.Store) {
	a, b := record(1), record(2)
	b.Site = "blog"
	must(t, s.Add(t.Context(), []store.Record{a, b}))
	for site, want := range map[string][]string{"shop": {"1"}, "blog": {"2"}, "none": nil} {
		if diff := cmp.Diff(want, blocked(list(t, s, store.Query{Site: site, Limit: 9}))); diff != "" {
			t.Errorf("%s: %s", site, diff)
		}
	}
}

func concurrent(t *testing.T, s store.Store) {
	const n = 200
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := s.Add(t.Context(), []store.Record{record(2 * i), record(2*i + 1)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, b := range blocked(list(t, s, store.Query{Limit: store.MaxLimit})) {
		seen[b] = true
	}
	if len(seen) != 2*n {
		t.Errorf("%d different records of %d", len(seen), 2*n)
	}
}

func ended(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// The store may be done before it looks; but it tells of no other error.
	if err := s.Add(ctx, []store.Record{record(1)}); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	must(t, s.Add(t.Context(), []store.Record{record(2)}))
}

func closed(t *testing.T, s store.Store) {
	must(t, s.Close())
	if err := s.Add(t.Context(), []store.Record{record(1)}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}

func login(t *testing.T, s store.Store) {
	ctx := t.Context()
	ever := func(want bool) {
		t.Helper()
		if got, err := s.EverLoggedIn(ctx); err != nil || got != want {
			t.Errorf("ever logged in: %v, %v; want %v", got, err, want)
		}
	}
	token, other, late := store.HashOf("token"), store.HashOf("other"), store.HashOf("late")
	first, second := store.HashOf("first"), store.HashOf("second")
	ever(false)
	must(t, s.AddLoginToken(ctx, token, now.Add(time.Hour)))
	must(t, s.AddLoginToken(ctx, late, now))
	ever(false)
	for name, h := range map[string]store.Hash{"unknown": other, "expired": late} {
		if err := s.Login(ctx, h, first, now, now.Add(time.Hour)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s token: %v", name, err)
		}
	}
	ever(false)
	must(t, s.Login(ctx, token, first, now, now.Add(time.Hour)))
	ever(true)
	if err := s.Login(ctx, token, second, now, now.Add(time.Hour)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the same token again: %v", err)
	}
	must(t, s.Session(ctx, first, now))
	if err := s.Session(ctx, second, now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("session of a refused login: %v", err)
	}
}

// race: of many logins with one token, one succeeds.
func race(t *testing.T, s store.Store) {
	token := store.HashOf("token")
	must(t, s.AddLoginToken(t.Context(), token, now.Add(time.Hour)))
	const n = 10
	results := make(chan error, n)
	for i := range n {
		go func() {
			results <- s.Login(context.Background(), token, store.HashOf(fmt.Sprint(i)), now, now.Add(time.Hour))
		}()
	}
	wins := 0
	for range n {
		if err := <-results; err == nil {
			wins++
		} else if !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
	}
	if wins != 1 {
		t.Errorf("%d logins with one token", wins)
	}
}

func sessions(t *testing.T, s store.Store) {
	ctx := t.Context()
	open := func(name string, expires time.Time) store.Hash {
		must(t, s.AddLoginToken(ctx, store.HashOf("t"+name), now.Add(time.Hour)))
		must(t, s.Login(ctx, store.HashOf("t"+name), store.HashOf(name), now, expires))
		return store.HashOf(name)
	}
	a, b := open("a", now.Add(time.Hour)), open("b", now.Add(2*time.Hour))
	for _, test := range []struct {
		at   time.Time
		want error
	}{{now, nil}, {now.Add(time.Hour - time.Millisecond), nil}, {now.Add(time.Hour), store.ErrNotFound}} {
		if err := s.Session(ctx, a, test.at); !errors.Is(err, test.want) {
			t.Errorf("at %s: %v, want %v", test.at, err, test.want)
		}
	}
	must(t, s.Logout(ctx, a))
	must(t, s.Logout(ctx, a))
	if err := s.Session(ctx, a, now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after logout: %v", err)
	}
	must(t, s.Session(ctx, b, now))
}

func ready(t *testing.T, s store.Store) {
	must(t, s.Ready(t.Context(), now))
	must(t, s.Ready(t.Context(), now))
}
