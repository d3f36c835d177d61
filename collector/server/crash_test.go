package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/collector/store/pgtest"
	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
)

const childEnv = "EDGECSP_TEST_DATABASE"

// TestMain lets the test binary be the server that tests kill.
func TestMain(m *testing.M) {
	if db := os.Getenv(childEnv); db != "" {
		cfg := config(db, os.Stderr)
		cfg.NewGroups, _ = strconv.Atoi(os.Getenv("EDGECSP_TEST_NEW_GROUPS"))
		s, err := New(context.Background(), cfg)
		if err == nil {
			fmt.Println(s.PublicAddr())
			err = s.Run(context.Background())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(pgtest.Main(m))
}

// A child is a server in a process of its own.
type child struct {
	*exec.Cmd
	url string
}

func spawn(t *testing.T, db string, newGroups int, prefix ...string) child {
	t.Helper()
	args := append(prefix, os.Args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childEnv+"="+db, "EDGECSP_TEST_NEW_GROUPS="+strconv.Itoa(newGroups))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that what it runs ends with it
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := child{Cmd: cmd}
	t.Cleanup(func() { c.kill() })
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	c.url = "http://" + strings.TrimSpace(addr) + "/csp/report/csp/"
	return c
}

func (c child) kill() {
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	_ = c.Wait()
}

// letters writes a number without digits, which would be folded.
func letters(n int) string {
	b := []byte{byte('a' + n%26)}
	for n /= 26; n > 0; n /= 26 {
		b = append(b, byte('a'+n%26))
	}
	return string(b)
}

// A ledger knows which reports were sent and which were acknowledged.
type ledger struct {
	mu           sync.Mutex
	sent         int
	acknowledged map[string]bool
}

func newLedger() *ledger { return &ledger{acknowledged: map[string]bool{}} }

func (l *ledger) next() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	return "https://" + letters(l.sent) + ".example"
}

// send sends reports, no two alike, until stop or an error.
func (l *ledger) send(url string, stop <-chan struct{}) {
	client := http.Client{Transport: &http.Transport{}, Timeout: 15 * time.Second}
	defer client.CloseIdleConnections()
	for {
		select {
		case <-stop:
			return
		default:
		}
		blocked := l.next()
		resp, err := client.Post(url, "", strings.NewReader(`{"csp-report":{"document-uri":"https://shop.example/","blocked-uri":"`+blocked+`","violated-directive":"img-src"}}`))
		if err != nil {
			return
		}
		resp.Body.Close()
		if resp.StatusCode == 204 {
			l.mu.Lock()
			l.acknowledged[blocked] = true
			l.mu.Unlock()
		}
	}
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// await returns when n are acknowledged, or the time is up.
func (l *ledger) await(n int, end time.Time) {
	for l.count() < n && time.Now().Before(end) {
		time.Sleep(200 * time.Microsecond)
	}
}

// check compares what was acknowledged with what is there.
func (l *ledger) check(t *testing.T, db string) {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), db, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	there, sum := map[string]bool{}, int64(0)
	q := store.GroupQuery{Site: "shop", Limit: store.MaxLimit}
	for first := true; first || q.After != (store.Cursor{}); first = false {
		page, err := s.Groups(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page.Groups {
			there[g.Shape.Blocked] = true
			if sum += g.Count; g.Count != 1 {
				t.Errorf("%s is counted %d times", g.Shape.Blocked, g.Count)
			}
		}
		q.After = page.Next
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lost := 0
	for blocked := range l.acknowledged {
		if !there[blocked] {
			lost++
		}
	}
	if lost > 0 || sum > int64(l.sent) {
		t.Fatalf("%d of %d acknowledged reports are lost; %d are there of %d sent", lost, len(l.acknowledged), sum, l.sent)
	}
	totals, err := s.Totals(t.Context(), "shop", time.Now().Add(-48*time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, total := range totals {
		sum -= total.Count
	}
	if sum != 0 {
		t.Errorf("groups and totals differ by %d", sum)
	}
}

// patience is how long a test waits for what takes milliseconds.
const patience = 10 * time.Second

// kills is how many times TestKill kills.
const kills = 100

// TestKill kills the server under load, at any moment, again and again: every
// report that it acknowledged is there afterwards, and a restart just goes on.
func TestKill(t *testing.T) {
	n := kills
	if testing.Short() {
		n = 3
	}
	db := filepath.Join(t.TempDir(), "x.db")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	l := newLedger()
	for i := range n {
		c := spawn(t, db, -1)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { l.send(c.url+token(t), nil) })
		}
		l.await(l.count()+1+rng.IntN(60), time.Now().Add(patience))
		time.Sleep(time.Duration(rng.IntN(3000)) * time.Microsecond)
		c.kill()
		wg.Wait()
		if i%20 == 19 || i == n-1 {
			l.check(t, db)
		}
	}
	if len(l.acknowledged) < n {
		t.Errorf("only %d reports were acknowledged before %d kills", len(l.acknowledged), n)
	}
	t.Logf("%d acknowledged of %d sent", len(l.acknowledged), l.sent)
}

// TestTwoCollectors share a PostgreSQL under load; one is killed, and nothing
// that either acknowledged is lost or counted twice.
func TestTwoCollectors(t *testing.T) {
	db := pgtest.DSN(t)
	l := newLedger()
	stop := make(chan struct{})
	first, second := spawn(t, db, -1), spawn(t, db, -1)
	var wg sync.WaitGroup
	for _, c := range []child{first, second} {
		for range 8 {
			wg.Go(func() { l.send(c.url+token(t), stop) })
		}
	}
	l.await(300, time.Now().Add(patience))
	first.kill()
	before := l.count()
	l.await(before+300, time.Now().Add(patience))
	close(stop)
	wg.Wait()
	l.check(t, db)
	if after := len(l.acknowledged); before == 0 || after == before {
		t.Errorf("%d acknowledged before the kill, %d in all", before, after)
	}
}

// TestSynced watches the system calls: between the report that arrives and the
// answer the database's log is synced. A kill can't tell, since what a process
// has written outlives it; a power cut would.
func TestSynced(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("this test needs strace and there is none: `make tools` installs it")
	}
	trace := filepath.Join(t.TempDir(), "trace")
	c := spawn(t, filepath.Join(t.TempDir(), "x.db"), -1, strace, "-f", "-qq", "-y", "-e", "trace=fsync,fdatasync,write,read", "-s", "16", "-o", trace)
	for range 3 {
		if code, err := post(c.url + token(t)); code != 204 || err != nil {
			t.Fatalf("%d, %v", code, err)
		}
	}
	c.kill()
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	answers, synced := 0, false
	for line := range strings.Lines(string(b)) {
		switch {
		case strings.Contains(line, `"POST /csp/report`):
			synced = false
		case strings.Contains(line, "sync(") && strings.Contains(line, "x.db-wal"):
			synced = true
		case strings.Contains(line, `"HTTP/1.1 204 No`):
			if answers++; !synced {
				t.Error("answered before the log was synced")
			}
		}
	}
	if answers != 3 {
		t.Errorf("%d answers in the trace, want 3:\n%s", answers, b)
	}
}

// TestSlowLoris: who sends a request byte by byte, or none at all, is cut off.
func TestSlowLoris(t *testing.T) {
	t.Parallel() // it waits for a time-out
	s, _ := start(t, config(filepath.Join(t.TempDir(), "x.db"), io.Discard))
	conn, err := net.Dial("tcp", s.PublicAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	begin := time.Now()
	go func() {
		for _, err := io.WriteString(conn, "POST /csp/report/csp/x HTTP/1.1\r\n"); err == nil; _, err = io.WriteString(conn, "X") {
			time.Sleep(100 * time.Millisecond)
		}
	}()
	_ = conn.SetReadDeadline(begin.Add(3 * ReadHeaderTimeout))
	_, _ = io.Copy(io.Discard, conn)
	if took := time.Since(begin); took > 2*ReadHeaderTimeout {
		t.Errorf("cut off after %s, want %s", took, ReadHeaderTimeout)
	}
}
