package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// findEnvoy asks the script that `make` asks; it heeds ENVOY.
func findEnvoy(t *testing.T) string {
	t.Helper()
	command := exec.Command("../tools/envoy.sh")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	return strings.TrimSpace(string(out))
}

// The benchmark itself works: every page is measured with every variant, and
// what is measured was looked at.
func TestShort(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	file := filepath.Join(t.TempDir(), "bench/envoy.json")
	var table, progress bytes.Buffer
	if err := run(ctx, []string{"-short", "-root", "../..", "-envoy", findEnvoy(t), "-out", file}, &table, &progress); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	list, err := pages("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rates) != len(list) {
		t.Fatalf("%d pages of %d were measured", len(r.Rates), len(list))
	}
	for i, row := range r.Rates {
		checkRow(t, row, list[i])
		if !strings.Contains(table.String(), " "+row.Page+" ") {
			t.Errorf("the table has no row for %s", row.Page)
		}
	}
	checkMemory(t, &r)
	for _, f := range r.figures() {
		if f.Value == 0 || !strings.Contains(table.String(), f.Name) {
			t.Errorf("%+v: is nothing, or not in the table", f)
		}
	}
	if t.Failed() {
		t.Log(table.String())
	}
}

func checkRow(t *testing.T, row Row, p page) {
	t.Helper()
	if row.Page != p.name || row.Bytes != len(p.body) || row.Upstream <= 0 || row.Must <= 0 || row.OfLua <= 0 {
		t.Errorf("%s: %+v", p.name, row)
	}
	for _, variant := range variants {
		s := row.Variants[variant]
		if s.PerSecond <= 0 || s.Microseconds <= 0 || s.Share <= 0 || s.ByClock <= 0 {
			t.Errorf("%s, %s: %+v", p.name, variant, s)
		}
		if variant == bare && s.Stamped > 0 || variant != bare && strings.HasSuffix(p.name, "KB") && s.Stamped == 0 {
			t.Errorf("%s, %s: %d tags are stamped", p.name, variant, s.Stamped)
		}
	}
}

func checkMemory(t *testing.T, r *Report) {
	t.Helper()
	if len(r.Memory) != 3 || len(r.Resident) != 8 {
		t.Fatalf("%d sizes and %d comparisons; 3 and 8 are right", len(r.Memory), len(r.Resident))
	}
	for _, m := range r.Memory {
		if m.Ready <= 0 || m.Warm <= 0 || m.After <= 0 || m.Slow <= 0 || m.End <= 0 || m.Open != m.Streams {
			t.Errorf("%+v", m)
		}
	}
}

func TestSyntheticPages(t *testing.T) {
	list, err := pages("../..")
	if err != nil {
		t.Fatal(err)
	}
	approved := approvals(list)
	for i, s := range sizes {
		p := list[i+1]
		if len(p.body) != s.size {
			t.Errorf("%s has %d bytes, want %d", s.name, len(p.body), s.size)
		}
		for _, variant := range []string{all, inventory, lua} {
			if n, err := stamps(variant, p, approved); err != nil || n != tagsOf(p.body) {
				t.Errorf("%s, %s: %d tags to stamp (%v), want %d", s.name, variant, n, err, tagsOf(p.body))
			}
		}
	}
}

// What is not right is noticed.
func TestWant(t *testing.T) {
	p := page{name: "p", html: true, body: []byte("<script>1</script>")}
	nonced := []string{"content-security-policy-report-only: script-src 'nonce-abc'"}
	w := &want{variant: all, page: p, stamps: 1, length: 30}
	for name, test := range map[string]struct {
		response response
		right    bool
	}{
		"stamped":       {response{200, 30, nonced, []byte(`<script nonce="abc">1</script>`)}, true},
		"not stamped":   {response{200, 30, nonced, p.body}, false},
		"another nonce": {response{200, 30, nonced, []byte(`<script nonce="abd">1</script>`)}, false},
		"no policy":     {response{200, 30, nil, []byte(`<script nonce="abc">1</script>`)}, false},
		"an error":      {response{503, 30, nonced, []byte(`<script nonce="abc">1</script>`)}, false},
	} {
		if err := w.whole(test.response); (err == nil) != test.right {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.cheap(response{status: 200, length: 29}) == nil || w.cheap(response{status: 503, length: 30}) == nil || w.cheap(response{status: 200, length: 30}) != nil {
		t.Error("status or length do not count")
	}
	untouched := &want{variant: bare, page: p}
	if untouched.whole(response{status: 200, body: []byte("else")}) == nil || untouched.whole(response{status: 200, body: p.body}) != nil {
		t.Error("without a filter the body does not count")
	}
}

func TestBudget(t *testing.T) {
	for _, test := range []struct {
		html      bool
		size      int
		must, aim string
	}{
		{false, 7, "0.80", "0.87"},
		{true, 500, "0.75", "0.85"},
		{true, 1_000, "0.75", "0.85"},
		{true, 10_000, "0.55", "0.70"},
		{true, 100_000, "0.30", "0.40"},
		{true, 215_443, "0.26", "0.35"}, // a third of the way, by the logarithm
		{true, 1_000_000, "0.18", "0.25"},
		{true, 2_000_000, "0.18", "0.25"},
	} {
		must, aim := budget(page{html: test.html, body: make([]byte, test.size)})
		if got, want := fmt.Sprintf("%.2f %.2f", must, aim), test.must+" "+test.aim; got != want {
			t.Errorf("%d bytes: %s, want %s", test.size, got, want)
		}
	}
}

// A ratio is the rounds' median; what misses its budget is named.
func TestRow(t *testing.T) {
	second := func(n int64, busy time.Duration) rate {
		return rate{responses: n, elapsed: time.Second, processor: busy}
	}
	p := page{name: "100KB", html: true, body: make([]byte, 100_000)}
	with := func(variant string, rates ...rate) *subject {
		return &subject{variant: variant, wants: []*want{{page: p}}, rates: [][]rate{rates}}
	}
	subjects := []*subject{
		with(alone, second(5000, 0), second(5000, 0), second(5000, 0)),
		with(bare, second(1000, time.Second), second(500, time.Second/2), second(1000, time.Second)),
		with(all, second(250, time.Second), second(125, time.Second/2), second(900, time.Second)),
		with(inventory, second(400, time.Second), second(200, time.Second/2), second(1, time.Second)),
		with(lua, second(200, time.Second), second(100, time.Second/2), second(100, time.Second)),
	}
	r := &Report{Rates: []Row{newRow(p, 0, subjects)}}
	row := r.Rates[0]
	if s := row.Variants[all]; s.Share != 0.25 || s.Verdict != missed || s.Highest != 0.9 || s.PerSecond != 250 || s.Microseconds != 4000 {
		t.Errorf("all: %+v", s)
	}
	if s := row.Variants[inventory]; s.Share != 0.4 || s.Verdict != better {
		t.Errorf("inventory: %+v", s)
	}
	if row.OfLua != 1.25 {
		t.Errorf("%.2f times Lua, want 1.25", row.OfLua)
	}
	if got := r.Missed(); len(got) != 2 || !strings.HasPrefix(got[0], "100KB, all: 0.25 ") || !strings.Contains(got[1], "1.25 times the Lua filter's rate") {
		t.Errorf("missed: %q", got)
	}
	if got := r.Doubts(); len(got) != 0 {
		t.Errorf("doubts: %q", got)
	}
}

func TestFigures(t *testing.T) {
	for _, test := range []struct {
		value, must, aim float64
		want             string
	}{{5.1, 5, 3.5, missed}, {5, 5, 3.5, met}, {3.5, 5, 3.5, better}, {5, 5, 0, met}, {7, 0, 0, ""}} {
		if got := newFigure("x", "MB", test.value, test.must, test.aim).Verdict; got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
	r := &Report{Memory: []Memory{{Variant: bare, After: 70, Slow: 80}, {Variant: all, Warm: 180, After: 188.1, Slow: 201, Streams: 2, Open: 1}}}
	r.judgeMemory()
	if got := r.Missed(); len(got) != 2 || !strings.Contains(got[0], "slow streams, all: 121.0 MB") || !strings.Contains(got[1], "growth") {
		t.Errorf("missed: %q", got)
	}
	if got := r.Doubts(); len(got) != 1 {
		t.Errorf("doubts: %q", got)
	}
}
