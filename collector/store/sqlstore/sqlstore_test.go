package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/axiomhq/hyperloglog"
	"github.com/pressly/goose/v3"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/collector/store/pgtest"
	"github.com/edgecsp/edgecsp/collector/store/storetest"
	"github.com/edgecsp/edgecsp/core/report"
)

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestContract(t *testing.T) {
	for name, dsn := range databases {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) store.Store { return openAt(t, dsn(t)) })
		})
	}
}

// databases make an empty one each.
var databases = map[string]func(t *testing.T) string{
	"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "x.db") },
	"PostgreSQL": func(t *testing.T) string { return pgtest.DSN(t) },
}

func violation(blocked string) []store.Record {
	return []store.Record{{Site: "shop", Lane: store.Genuine, Report: report.Report{Kind: report.CSPViolation, Blocked: blocked}}}
}

// TestDurable: an acknowledged report is on disk, not in a cache that a power
// cut would take.
func TestDurable(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "busy_timeout": "5000"} {
		var got string
		if err := s.write.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", pragma, got, err, want)
		}
	}
	if _, err := s.read.Exec(`DELETE FROM reports`); err == nil {
		t.Error("a reader can write")
	}
}

// TestIndexes: every list is read off an index, in order, without a scan or a sort.
func TestIndexes(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	for view, index := range map[store.View]string{
		store.Violations: "reports_violations", store.Others: "reports_others", store.Unverified: "reports_unverified",
	} {
		for _, q := range []store.Query{{View: view}, {View: view, After: 1}} {
			plan := explain(t, s, listQuery(q), "shop", 1, 1)
			if !strings.Contains(plan, "SEARCH reports USING INDEX "+index+" (site=? AND id") || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("view %d, after %d: %s", view, q.After, plan)
			}
		}
	}
}

// TestGroupIndexes: the same holds for groups, whatever they are filtered by,
// for one group's samples and counts, and for what a session saw.
func TestGroupIndexes(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	for _, q := range []store.GroupQuery{
		{}, {Directive: "img-src"}, {State: store.Open}, {Lane: store.Keyed, Kind: report.CSPHash}, {Directive: "img-src", State: store.Open, After: store.Cursor{Hour: 1, ID: 1}},
	} {
		query, args := groupsQuery(q)
		if plan := explain(t, s, query, args...); !strings.Contains(plan, "SEARCH report_groups USING COVERING INDEX report_groups_recent (site=? AND list=?") || strings.Contains(plan, "SCAN report") {
			t.Errorf("%+v: %s", q, plan)
		}
	}
	for query, index := range map[string]string{
		listQuery(store.Query{Group: 1}): "SEARCH reports USING INDEX reports_group (group_id=? AND id<?)",
		sightingsQuery:                   "SEARCH sightings USING PRIMARY KEY (site=? AND (issued,session,group_id)<(?,?,?))",
	} {
		if plan := explain(t, s, query, "shop", "shop", 1, 1, 1); !strings.Contains(plan, index) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s: %s", query, plan)
		}
	}
}

func explain(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	args = args[:min(len(args), strings.Count(query, "$"))]
	rows, err := s.read.Query("EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	return strings.Join(plan, "; ")
}

// TestGather: what waits is committed together, in one transaction.
func TestGather(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	w := &writer{db: s.write, dialect: &s.dialect, queue: make(chan request, maxQueue), done: make(chan struct{}), reach: newReachCache(), budget: newBudget(0)}
	var requests []request
	for range maxGather + 1 {
		req := request{reports: shape(violation("x")), result: make(chan error, 1)}
		requests = append(requests, req)
		if err := w.enqueue(req); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.gather(<-w.queue)); n != maxGather {
		t.Errorf("a group of %d, want %d", n, maxGather)
	}
	if n := len(w.gather(<-w.queue)); n != 1 {
		t.Errorf("a group of %d after it, want 1", n)
	}
	if c := w.commit(requests); c.Err != nil || c.Reports != maxGather+1 || c.Groups != 1 || c.NewGroups != 1 || c.Samples != store.SampleCap {
		t.Fatalf("%+v", c)
	}
	page, err := s.Groups(t.Context(), store.GroupQuery{Site: "shop", Limit: store.MaxLimit})
	if err != nil || len(page.Groups) != 1 || page.Groups[0].Count != maxGather+1 {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestFullQueue: at the limit a call is refused at once, not queued.
func TestFullQueue(t *testing.T) {
	w := &writer{queue: make(chan request, maxQueue)}
	s := &Store{writer: w}
	for n := range maxQueue {
		if err := w.enqueue(request{}); err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
	}
	if err := s.Add(t.Context(), violation("x")); !errors.Is(err, store.ErrBusy) {
		t.Errorf("%v, want ErrBusy", err)
	}
	<-w.queue
	if err := w.enqueue(request{}); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestFailedGroup: every call of a group that could not be committed is told,
// and the next group is tried.
func TestFailedGroup(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	if _, err := s.write.Exec(`ALTER TABLE reports RENAME TO away`); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(t.Context(), violation("lost")); err == nil {
		t.Error("stored without a table")
	}
	if _, err := s.write.Exec(`ALTER TABLE away RENAME TO reports`); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(t.Context(), violation("kept")); err != nil {
		t.Error(err)
	}
	page, err := s.List(t.Context(), store.Query{Site: "shop", Limit: 9})
	if err != nil || len(page.Records) != 1 || page.Records[0].Report.Blocked != "kept" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd name?%20#.db")
	s := openAt(t, path)
	if err := s.Add(t.Context(), violation("before")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	if err := s.Add(t.Context(), violation("after")); err != nil {
		t.Fatal(err)
	}
	page, err := s.List(t.Context(), store.Query{Site: "shop", Limit: 9})
	if err != nil || len(page.Records) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != fileMode {
		t.Errorf("%v, %v; want the file with mode %o", info, err, fileMode)
	}
}

// TestCloseWritesWhatWaits: calls that were queued are answered, with nil only
// if they are stored.
func TestCloseWritesWhatWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s := openAt(t, path)
	const n = 50
	results := make(chan error, n)
	for range n {
		go func() { results <- s.Add(context.Background(), violation("x")) }()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	stored := 0
	for range n {
		if err := <-results; err == nil {
			stored++
		} else if !errors.Is(err, store.ErrClosed) {
			t.Error(err)
		}
	}
	page, err := openAt(t, path).List(t.Context(), store.Query{Site: "shop", Limit: n})
	if err != nil || len(page.Records) != stored {
		t.Errorf("%d records of %d acknowledged, %v", len(page.Records), stored, err)
	}
}

// TestTwoProcesses: a second one, as `edgecsp login-link` is, waits for the first.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	a, b := openAt(t, path), openAt(t, path)
	tx, err := a.write.Begin()
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(300*time.Millisecond, func() { tx.Rollback() })
	if err := b.AddLoginToken(t.Context(), store.HashOf("x"), time.Now()); err != nil {
		t.Error(err)
	}
	if err := a.Add(t.Context(), violation("x")); err != nil {
		t.Error(err)
	}
}

func TestNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s := openAt(t, path)
	if _, err := s.write.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "9999") {
		t.Errorf("%v, want an error that names the version", err)
	}
}

func TestNotADatabase(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		text:                           "not a database",
		dir:                            "is a directory",
		filepath.Join(dir, "no", "db"): "no such file or directory",
	} {
		if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// TestBudget: past it, reports are counted in their kind's overflow group, and
// those without a token can't use up what those with one have.
func TestBudget(t *testing.T) {
	const limit = 10
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), Options{NewGroups: limit})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	add := func(lane store.Lane, from, to int, at time.Time) {
		t.Helper()
		for n := from; n < to; n++ {
			r := violation(fmt.Sprint("https://host", n))
			r[0].Lane, r[0].Received = lane, at
			if err := s.Add(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	groups := func(view store.View) (n int, over int64) {
		t.Helper()
		page, err := s.Groups(t.Context(), store.GroupQuery{Site: "shop", View: view, Limit: store.MaxLimit})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page.Groups {
			if g.Shape.Blocked == report.Overflow {
				over += g.Count
			} else {
				n++
			}
		}
		return n, over
	}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		n    int
		over int64
	}{{limit - 1, 0}, {limit, 0}, {limit + 1, 1}} {
		add(store.Forged, test.n-1, test.n, now)
		if test.n == limit-1 {
			add(store.Forged, 0, limit-2, now)
		}
		if n, over := groups(store.Unverified); n != min(test.n, limit) || over != test.over {
			t.Errorf("%d sent: %d groups and %d past the budget", test.n, n, over)
		}
	}
	add(store.Genuine, 0, limit, now)
	if n, over := groups(store.Violations); n != limit || over != 0 {
		t.Errorf("genuine: %d groups and %d past the budget", n, over)
	}
	add(store.Genuine, 0, limit, now) // known ones cost nothing
	if _, over := groups(store.Violations); over != 0 {
		t.Errorf("known groups are past the budget: %d", over)
	}
	add(store.Genuine, limit, 2*limit, now.Add(time.Minute))
	if n, over := groups(store.Violations); n != 2*limit || over != 0 {
		t.Errorf("a minute later: %d groups and %d past the budget", n, over)
	}
}

// TestFirstSchema: a database of the first release is brought forward, and its
// reports become groups with samples.
func TestFirstSchema(t *testing.T) {
	for name, dsn := range databases {
		t.Run(name, func(t *testing.T) {
			at := dsn(t)
			s := openAt(t, at)
			down(t, s, 1)
			const n = store.SampleCap + 10
			for i := range n {
				if _, err := s.write.Exec(`INSERT INTO reports (site, received, observed, lane, key_id, session, policy_version, kind, disposition, directive,
					blocked, page, referrer, source_file, line, col, sample, detail, status, policy, user_agent)
					VALUES ('shop', $1, 0, 'genuine', 0, '', 0, 'csp-violation', 'enforce', 'script-src', 'inline', '', '', '', 1, 1, '', '', 0, '', '')`, 3600e3+i); err != nil {
					t.Fatal(err)
				}
			}
			s.Close()
			s = openAt(t, at)
			page, err := s.Groups(t.Context(), store.GroupQuery{Site: "shop", Limit: 9})
			if err != nil || len(page.Groups) != 1 || page.Groups[0].Count != n || page.Groups[0].Enforced != n {
				t.Fatalf("%+v, %v", page, err)
			}
			samples, err := s.List(t.Context(), store.Query{Site: "shop", Group: page.Groups[0].ID, Limit: store.MaxLimit})
			if err != nil || len(samples.Records) != store.SampleCap {
				t.Errorf("%d samples, %v", len(samples.Records), err)
			}
		})
	}
}

func down(t *testing.T, s *Store, version int64) {
	t.Helper()
	dir, err := fs.Sub(migrations, s.dialect.migrations)
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(s.dialect.goose, s.write, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

// TestDiskFull: what finds no room is not acknowledged, and when there is room
// again the store goes on by itself. SQLite takes its page limit for a full disk.
func TestDiskFull(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	var pages int
	if err := s.write.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+4)); err != nil {
		t.Fatal(err)
	}
	stored, refused := 0, 0
	for n := range 100 {
		r := violation(fmt.Sprint("https://host", n))
		r[0].Report.Policy = strings.Repeat("x", report.MaxPolicy)
		switch err := s.Add(t.Context(), r); {
		case err == nil:
			stored++
		case strings.Contains(err.Error(), "full"):
			refused++
		default:
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Fatal("the disk never was full")
	}
	if _, err := s.write.Exec(`PRAGMA max_page_count = 1000000`); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(t.Context(), violation("after")); err != nil {
		t.Error(err)
	}
	page, err := s.List(t.Context(), store.Query{Site: "shop", Limit: store.MaxLimit})
	if err != nil || len(page.Records) != stored+1 {
		t.Errorf("%d stored of %d acknowledged, %v", len(page.Records), stored+1, err)
	}
}

// TestDatabaseGone: without its database the store refuses, and recovers when
// it is there again.
func TestDatabaseGone(t *testing.T) {
	server := pgtest.Own(t)
	s := openAt(t, server.Database(t))
	if err := s.Add(t.Context(), violation("before")); err != nil {
		t.Fatal(err)
	}
	var level string
	if err := s.write.QueryRow(`SHOW synchronous_commit`).Scan(&level); err != nil || level != "on" {
		t.Errorf("synchronous_commit is %s, %v", level, err)
	}
	if _, err := s.read.Exec(`DELETE FROM reports`); err == nil {
		t.Error("a reader can write")
	}
	server.Stop()
	for range 3 {
		if err := s.Add(t.Context(), violation("lost")); err == nil {
			t.Fatal("stored without a database")
		}
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 100 {
		if err = s.Add(t.Context(), violation("after")); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.List(t.Context(), store.Query{Site: "shop", Limit: 9})
	if err != nil || len(page.Records) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestHangingDatabase: a lock that nobody gives up is waited for CommitTimeout
// at most.
func TestHangingDatabase(t *testing.T) {
	s := openAt(t, pgtest.DSN(t))
	tx, err := s.write.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(`LOCK TABLE report_groups`); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := s.Add(t.Context(), violation("x")); err == nil {
		t.Error("stored behind a lock")
	}
	if took := time.Since(start); took > CommitTimeout+2*time.Second {
		t.Errorf("refused after %s", took)
	}
	tx.Rollback()
	if err := s.Add(t.Context(), violation("x")); err != nil {
		t.Error(err)
	}
}

// TestSpaceGivenBack: what retention removes makes the file smaller.
func TestSpaceGivenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s, err := Open(t.Context(), path, Options{NewGroups: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	size := func() int64 {
		t.Helper()
		var pages int64
		if err := s.write.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
			t.Fatal(err)
		}
		return pages
	}
	empty := size()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for n := range 300 {
		r := violation(fmt.Sprint("https://host", n))
		r[0].Received, r[0].Report.Policy = now, strings.Repeat("x", report.MaxPolicy)
		if err := s.Add(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	full := size()
	for more := true; more; {
		if _, more, err = s.Clean(t.Context(), store.Cutoff{Samples: now.Add(time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		s.Clean(t.Context(), store.Cutoff{})
	}
	if after := size(); full < empty+1000 || after > empty+(full-empty)/4 {
		t.Errorf("%d pages empty, %d full, %d after cleaning", empty, full, after)
	}
}

func TestTold(t *testing.T) {
	var all told
	r := rand.New(rand.NewPCG(1, 2))
	sketch, err := hyperloglog.NewSketch(precision, true)
	if err != nil {
		t.Fatal(err)
	}
	const n = 20000
	inserted := 0
	for range n {
		v := r.Uint64()
		for range 2 {
			if all.tell(v) {
				sketch.InsertHash(v)
				inserted++
			}
		}
	}
	if got := sketch.Estimate(); got < n*9/10 || got > n*11/10 || inserted > n {
		t.Errorf("%d different values are estimated at %d, with %d insertions", n, got, inserted)
	}
	if all.tell(0) {
		t.Error("the unknown client counts")
	}
}
