package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
)

// A Cell is one line of the table.
type Cell struct {
	Server, Mix string
	Connections int
	Load
	Ratio        float64 // of the bare handler's rate
	CPUPerReport time.Duration
	PeakRSS      int64   // bytes
	DiskBytes    float64 // per report, once checkpointed
	Counted      int64   // in the database afterwards
}

var connections = []int{1, 32, 128}

func measureCells(ctx context.Context, o *options, r *Result, out io.Writer) error {
	tokens, err := mint(time.Now())
	if err != nil {
		return err
	}
	tab := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, "server\tmix\tconnections\treports/s\tof bare\tp50\tp99\tCPU/report\tpeak MB\tdisk B/report\tfailed\t")
	servers := []string{"bare", "sqlite"}
	if o.postgres != "none" {
		servers = append(servers, "postgres")
	}
	for _, mix := range mixes {
		if o.only != "" && o.only != mix.name {
			continue
		}
		for _, n := range connections {
			bare := 0.0
			for _, name := range servers {
				c, err := measure(ctx, o, name, mix.name, mix.groups, n, tokens)
				if err != nil {
					return fmt.Errorf("%s, %s, %d connections: %w", name, mix.name, n, err)
				}
				if name == "bare" {
					bare = c.PerSec
				}
				c.Ratio = c.PerSec / bare
				r.Cells = append(r.Cells, c)
				fmt.Fprintf(tab, "%s\t%s\t%d\t%.0f\t%.2f\t%s\t%s\t%s\t%d\t%.0f\t%d\t\n", c.Server, c.Mix, c.Connections, c.PerSec, c.Ratio,
					c.P50.Round(10*time.Microsecond), c.P99.Round(10*time.Microsecond), c.CPUPerReport.Round(100*time.Nanosecond), c.PeakRSS>>20, c.DiskBytes, c.Failed)
			}
		}
	}
	return tab.Flush()
}

func measure(ctx context.Context, o *options, name, mix string, groups, n int, tokens []string) (c Cell, err error) {
	c = Cell{Server: name, Mix: mix, Connections: n}
	database := filepath.Join(o.dir, fmt.Sprintf("%s-%d.db", mix, n))
	if name == "postgres" {
		if database, err = newDatabase(ctx, o); err != nil {
			return c, err
		}
	}
	child, addr, err := spawn(name, database, o.profile)
	if err != nil {
		return c, err
	}
	defer func() { _ = child.Process.Kill() }() // where it has not been waited for
	next := func(w, i int) string {
		if groups == 0 {
			return body(i*n + w)
		}
		return body((i*n + w) % groups)
	}
	if _, err := drive(ctx, addr, n, o.cell/4, tokens, next); err != nil { // warm up
		return c, err
	}
	before := cpuTime(child.Process.Pid)
	if c.Load, err = drive(ctx, addr, n, o.cell, tokens, next); err != nil {
		return c, err
	}
	c.CPUPerReport = (cpuTime(child.Process.Pid) - before) / time.Duration(max(c.Requests, 1))
	c.PeakRSS = peakRSS(child.Process.Pid)
	_ = child.Process.Signal(syscall.SIGINT)
	_ = child.Wait()
	if name == "bare" {
		return c, nil
	}
	return c, c.look(ctx, o, database)
}

// look opens the database afterwards: what was acknowledged has to be there.
func (c *Cell) look(ctx context.Context, o *options, database string) error {
	s, err := sqlstore.Open(ctx, database, sqlstore.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	totals, err := s.Totals(ctx, site, time.Now().Add(-48*time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		return err
	}
	for _, t := range totals {
		c.Counted += t.Count
	}
	if c.Counted < int64(c.Requests-c.Failed) {
		return fmt.Errorf("%d reports are there of %d acknowledged", c.Counted, c.Requests-c.Failed)
	}
	size, err := diskSize(ctx, o, database)
	c.DiskBytes = float64(size) / float64(c.Counted)
	return err
}

func spawn(name, database, profile string) (*exec.Cmd, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	cmd := exec.Command(self, "-serve", name, "-database", database, "-profile", profile)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	return cmd, strings.TrimSpace(addr), err
}

// cpuTime reads what a process has used, in ticks of 10 ms (proc(5)); of
// PostgreSQL its own processes are not counted.
func cpuTime(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

func peakRSS(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	kb, _ := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 64)
	return kb << 10
}

func fileSize(path string) (size int64) {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(path + suffix); err == nil {
			size += info.Size()
		}
	}
	return size
}
