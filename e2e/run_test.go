package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/e2e/stack"
)

// demoProgram is what `make run` starts.
const demoProgram = "../build/edgecsp-demo"

// endsIn is how long everything may take to end after Ctrl-C.
const endsIn = 15 * time.Second

// A run is a started demoProgram.
type run struct {
	t       *testing.T
	command *exec.Cmd
	ports   stack.Ports
	output  *output
	ended   chan error
}

// output gathers what a program says, while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// startRun starts the program on free ports; further arguments count more.
func startRun(t *testing.T, args ...string) *run {
	t.Helper()
	if _, err := os.Stat(demoProgram); err != nil {
		t.Fatalf("%v; run: make demo", err)
	}
	ports, err := stack.FreePorts()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{
		"-root", "..", "-envoy", envoy, "-data", filepath.Join(t.TempDir(), "demo"),
		"-site-port", strconv.Itoa(ports.Site), "-app-port", strconv.Itoa(ports.App),
		"-public-port", strconv.Itoa(ports.Public), "-private-port", strconv.Itoa(ports.Private),
	}, args...)
	r := &run{t: t, command: exec.Command(demoProgram, args...), ports: ports, output: &output{}, ended: make(chan error, 1)}
	r.command.Stdout, r.command.Stderr = r.output, r.output
	// Children that outlive it would hold its output open.
	r.command.WaitDelay = time.Second
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.ended <- r.command.Wait() }()
	t.Cleanup(func() { _ = r.command.Process.Kill() })
	return r
}

// waitFor waits until the program has said something.
func (r *run) waitFor(text string) {
	r.t.Helper()
	for start := time.Now(); !strings.Contains(r.output.String(), text); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > patience || len(r.ended) > 0 {
			r.t.Fatalf("it has not said %q; it said:\n%s", text, r.output)
		}
	}
}

// wait waits for the program's end and returns its exit status.
func (r *run) wait() int {
	r.t.Helper()
	select {
	case err := <-r.ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			r.t.Errorf("its end: %v", err)
		}
		return r.command.ProcessState.ExitCode()
	case <-time.After(endsIn):
		r.t.Fatalf("it has not ended after %v; it said:\n%s", endsIn, r.output)
		return -1
	}
}

// expectNothingLeft fails the test if a port is still taken or a child runs.
func (r *run) expectNothingLeft(children []int) {
	r.t.Helper()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		left := r.left(children)
		if left == "" {
			return
		}
		if time.Since(start) > endsIn {
			r.t.Fatalf("still there after %v: %s", endsIn, left)
		}
	}
}

func (r *run) left(children []int) string {
	for _, port := range []int{r.ports.Site, r.ports.App, r.ports.Public, r.ports.Private} {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return err.Error()
		}
		listener.Close()
	}
	for _, pid := range children {
		if syscall.Kill(pid, 0) == nil && !zombie(pid) {
			return fmt.Sprintf("process %d", pid)
		}
	}
	return ""
}

// zombie says that a process has ended and only waits for its parent to ask. In
// a container nobody may ask.
func zombie(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && bytes.Contains(status, []byte(") Z "))
}

// children lists the processes that the program started.
func (r *run) children() []int {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ps", "-e", "-o", "pid=,ppid=").Output()
	if err != nil {
		r.t.Fatal(err)
	}
	var children []int
	for line := range strings.Lines(string(out)) {
		var pid, parent int
		if _, err := fmt.Sscan(line, &pid, &parent); err == nil && parent == r.command.Process.Pid {
			children = append(children, pid)
		}
	}
	return children
}

func TestRunSaysWhatToOpenAndEndsOnCtrlC(t *testing.T) {
	r := startRun(t)
	r.waitFor("Ctrl-C ends everything")
	for _, url := range []string{
		fmt.Sprintf("http://localhost:%d/", r.ports.Site),
		fmt.Sprintf("http://localhost:%d/", r.ports.App),
		fmt.Sprintf("http://127.0.0.1:%d/csp/admin/login?token=", r.ports.Private),
	} {
		if !strings.Contains(r.output.String(), url) {
			t.Errorf("it does not say %s:\n%s", url, r.output)
		}
	}
	children := r.children()
	if len(children) != 2 {
		t.Fatalf("it has %d children, want the collector and Envoy", len(children))
	}
	if err := r.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if status := r.wait(); status != 0 {
		t.Errorf("exit status %d, want 0; it said:\n%s", status, r.output)
	}
	r.expectNothingLeft(children)
}

func TestRunEndsOnCtrlCWhileItStarts(t *testing.T) {
	r := startRun(t)
	r.waitFor("level=INFO msg=listening") // the collector; Envoy comes after it
	children := r.children()
	if err := r.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if status := r.wait(); status != 0 || strings.Contains(r.output.String(), "Open:") {
		t.Errorf("exit status %d, want 0 before all is up; it said:\n%s", status, r.output)
	}
	r.expectNothingLeft(children)
}

// Somebody may be reading a page while Ctrl-C is pressed.
func TestRunEndsWithConnectionsOpen(t *testing.T) {
	r := startRun(t)
	r.waitFor("Ctrl-C ends everything")
	children := r.children()
	transport := &http.Transport{} // keeps its connections
	for _, port := range []int{r.ports.Site, r.ports.App, r.ports.Public, r.ports.Private} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", port), nil)
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
	}
	if err := r.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := r.wait(); status != 0 {
		t.Errorf("exit status %d, want 0; it said:\n%s", status, r.output)
	}
	r.expectNothingLeft(children)
}

func TestRunLeavesNothingWhenKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("only Linux ends children with their parent; nothing to test")
		return
	}
	r := startRun(t)
	r.waitFor("Ctrl-C ends everything")
	children := r.children()
	if err := r.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.wait()
	r.expectNothingLeft(children)
}

func TestRunEndsWhenAPartEnds(t *testing.T) {
	r := startRun(t)
	r.waitFor("Ctrl-C ends everything")
	children := r.children()
	if err := syscall.Kill(children[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if status := r.wait(); status == 0 || !strings.Contains(r.output.String(), "ended by itself (signal: killed)") {
		t.Errorf("exit status %d; it said:\n%s", status, r.output)
	}
	r.expectNothingLeft(children)
}

func TestRunSaysWhichPortIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for _, c := range []struct{ flag, purpose, remedy string }{
		{"-site-port", "the site", "SITE_PORT="},
		{"-app-port", "the demo shop", "APP_PORT="},
		{"-public-port", "the collector's public listener", "PUBLIC_PORT="},
		{"-private-port", "the collector's dashboard", "PRIVATE_PORT="},
	} {
		r := startRun(t, c.flag, strconv.Itoa(port))
		status, want := r.wait(), fmt.Sprintf("port %d, for %s", port, c.purpose)
		if said := r.output.String(); status != 1 || !strings.Contains(said, want) || !strings.Contains(said, "is taken") || !strings.Contains(said, c.remedy) {
			t.Errorf("%s: exit status %d; it said:\n%s", c.flag, status, said)
		}
	}
}

func TestRunSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"Envoy", `no Envoy at "/nowhere/envoy"`, []string{"-envoy", "/nowhere/envoy"}},
		{"the built programs", "run: make collector", []string{"-root", t.TempDir()}},
	} {
		r := startRun(t, c.args...)
		if status := r.wait(); status != 1 || !strings.Contains(r.output.String(), c.want) {
			t.Errorf("without %s: exit status %d; it said:\n%s", c.name, status, r.output)
		}
	}
}

// A configuration that the filter refuses must not pass for one that works.
func TestRunSaysWhyTheFilterRefusesItsConfiguration(t *testing.T) {
	root := t.TempDir()
	config, err := stack.ReadConfig("../envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config.SetFilterJSON(strings.Replace(config.FilterJSON(), `"site"`, `"sight"`, 1))
	if err := config.Write(filepath.Join(root, "envoy.yaml")); err != nil {
		t.Fatal(err)
	}
	build, err := filepath.Abs("../build")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(build, filepath.Join(root, "build")); err != nil {
		t.Fatal(err)
	}
	r := startRun(t, "-root", root)
	if status := r.wait(); status != 1 || !strings.Contains(r.output.String(), "sight: unknown key") {
		t.Errorf("exit status %d; it said:\n%s", status, r.output)
	}
}
