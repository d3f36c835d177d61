package server

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
)

const (
	floodMemory = 768 << 20 // of a process with the race detector, which takes several times as much
	floodBudget = 300
)

// floodTime is how long the flood lasts.
func floodTime() time.Duration {
	if testing.Short() {
		return time.Second
	}
	return 5 * time.Second
}

// hostile bodies are what an attacker sends: as large as may be, as many groups
// as may be, as hard to parse as may be.
func hostile(rng *rand.Rand) []byte {
	switch rng.IntN(5) {
	case 0: // a hundred groups at once
		var b bytes.Buffer
		for i := range 100 {
			fmt.Fprintf(&b, `%c{"type":"csp-violation","body":{"effectiveDirective":"img-src","blockedURL":"https://%s.example/"}}`, "[,"[min(i, 1)], letters(rng.IntN(1<<40)))
		}
		b.WriteByte(']')
		return b.Bytes()
	case 1:
		return bytes.Repeat([]byte(`[{"a":`), 1<<17)
	case 2:
		return append([]byte("["), bytes.Repeat([]byte(`{},`), 1<<18)...)
	case 3:
		return []byte(`{"csp-report":{"blocked-uri":"https://` + letters(rng.IntN(1<<40)) + `.example","original-policy":"` + strings.Repeat("x", 1<<19) + `"}}`)
	}
	return bytes.Repeat([]byte(`"\`), 1<<19)
}

// TestFlood: hostile batches from everywhere and slow connections beside them;
// memory stays bounded, groups stay within their budget, and honest reports
// still land.
func TestFlood(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	c := spawn(t, db, floodBudget)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 12 {
		wg.Go(func() { flood(c.url+"forged", uint64(w), stop) })
	}
	addr := strings.Split(strings.TrimPrefix(c.url, "http://"), "/")[0]
	for range 60 { // of the 100 that there may be
		wg.Go(func() { dawdle(addr, stop) })
	}
	sent, landed, peak := honest(t, c, stop)
	wg.Wait()
	c.kill()
	if peak > floodMemory {
		t.Errorf("%d MiB of memory", peak>>20)
	}
	if landed < sent*8/10 || landed == 0 {
		t.Errorf("%d of %d honest reports landed", landed, sent)
	}
	s, err := sqlstore.Open(t.Context(), db, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	page, err := s.Groups(t.Context(), store.GroupQuery{Site: "shop", Limit: 9})
	if err != nil || len(page.Groups) != 1 || page.Groups[0].Count < int64(landed) {
		t.Errorf("%d landed, and there are %+v, %v", landed, page.Groups, err)
	}
	forged := 0
	for q := (store.GroupQuery{Site: "shop", View: store.Unverified, Limit: store.MaxLimit}); ; {
		page, err := s.Groups(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		forged += len(page.Groups)
		if q.After = page.Next; q.After == (store.Cursor{}) {
			break
		}
	}
	if most := floodBudget + floodBudget*60/60 + 20; forged > most {
		t.Errorf("%d groups of the flood, want %d at most", forged, most)
	}
	t.Logf("%d of %d honest reports landed; %d MiB of memory at most; %d groups of the flood", landed, sent, peak>>20, forged)
}

func flood(url string, seed uint64, stop <-chan struct{}) {
	rng := rand.New(rand.NewPCG(seed, 1))
	client := http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for {
		select {
		case <-stop:
			return
		default:
		}
		req, err := http.NewRequest("POST", url, bytes.NewReader(hostile(rng)))
		if err != nil {
			return
		}
		req.Header.Set("X-Forwarded-For", fmt.Sprintf("%d.%d.0.1", 1+rng.IntN(200), rng.IntN(250)))
		if resp, err := client.Do(req); err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
}

// dawdle announces a large body and never sends it.
func dawdle(addr string, stop <-chan struct{}) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /csp/report/csp/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
	<-stop
}

// honest sends a report now and then until the flood has lasted, stops it, and
// returns how many landed and the most memory that the server had.
func honest(t *testing.T, c child, stop chan struct{}) (sent, landed int, peak int64) {
	client := http.Client{Timeout: 30 * time.Second}
	url := c.url + token(t)
	for end := time.Now().Add(floodTime()); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		sent++
		if resp, err := client.Post(url, "", strings.NewReader(body)); err == nil {
			resp.Body.Close()
			if resp.StatusCode == 204 {
				landed++
			}
		}
	}
	close(stop)
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return sent, landed, kb << 10
}
