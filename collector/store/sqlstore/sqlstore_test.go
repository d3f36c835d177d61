package sqlstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/collector/store/storetest"
	"github.com/edgecsp/edgecsp/core/report"
)

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return openAt(t, filepath.Join(t.TempDir(), "x.db")) })
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
		for _, after := range []bool{false, true} {
			plan := explain(t, s, listQuery(view, after))
			if !strings.Contains(plan, "SEARCH reports USING INDEX "+index+" (site=? AND id") || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("view %d, after %v: %s", view, after, plan)
			}
		}
	}
}

func explain(t *testing.T, s *Store, query string) string {
	t.Helper()
	rows, err := s.read.Query("EXPLAIN QUERY PLAN "+query, "shop", 1, 1)
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

// TestGroups: what waits is committed together, in one transaction.
func TestGroups(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	w := &writer{db: s.write, queue: make(chan request, maxQueue), done: make(chan struct{})}
	var requests []request
	for range maxGroup + 1 {
		req := request{records: violation("x"), result: make(chan error, 1)}
		requests = append(requests, req)
		if err := w.enqueue(req); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.gather(<-w.queue)); n != maxGroup {
		t.Errorf("a group of %d, want %d", n, maxGroup)
	}
	if n := len(w.gather(<-w.queue)); n != 1 {
		t.Errorf("a group of %d after it, want 1", n)
	}
	if err := w.commit(requests); err != nil {
		t.Fatal(err)
	}
	page, err := s.List(t.Context(), store.Query{Site: "shop", Limit: store.MaxLimit})
	if err != nil || len(page.Records) != store.MaxLimit || !page.Older {
		t.Errorf("%d records, %v", len(page.Records), err)
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
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "9999") {
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
		if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}
