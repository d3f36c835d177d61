package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"
)

const (
	// readyIn is how long an Envoy may take until it answers.
	readyIn = 30 * time.Second
	// askEvery is how often it is asked meanwhile.
	askEvery = 2 * time.Millisecond
	// endsIn is how long it may take to end.
	endsIn = 10 * time.Second
	// secretVariable and secret are what the filter signs tokens with.
	secretVariable = "EDGECSP_SECRET"
	secret         = "benchmark benchmark benchmark 00"
)

//go:embed envoy.json.tmpl
var envoyTemplate string

// envoy is a running Envoy.
type envoy struct {
	pid     int
	address string
	ready   time.Duration // from the program's start to the first answer
	done    chan struct{} // closed when it has ended
	log     *bytes.Buffer // to be read once done is closed
}

// startEnvoy starts an Envoy in front of the upstream, with HTTP filters (JSON
// objects), and returns when it has answered a request.
func startEnvoy(program, folder, name string, filters []any, workers int, upstream *upstream) (*envoy, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, name+".json")
	if err := writeConfig(file, address, upstream.address(), filters); err != nil {
		return nil, err
	}
	e := &envoy{address: address, done: make(chan struct{}), log: &bytes.Buffer{}}
	command := exec.Command(program, "-c", file, "--concurrency", strconv.Itoa(workers), "--log-level", "warn", "--disable-hot-restart")
	command.Env = append(os.Environ(), secretVariable+"="+secret)
	command.Stdout, command.Stderr = e.log, e.log
	command.SysProcAttr = endsWithUs()
	began := time.Now()
	if err := e.start(command); err != nil {
		return nil, fmt.Errorf("starting Envoy: %w", err)
	}
	if err := e.wait(); err != nil {
		e.stop()
		return nil, fmt.Errorf("starting Envoy for %q: %w; it said:\n%s", name, err, e.log)
	}
	e.ready = time.Since(began)
	return e, nil
}

// start starts the program on a thread that stays: the kernel ends a child
// when the thread that started it ends (PR_SET_PDEATHSIG).
func (e *envoy) start(command *exec.Cmd) error {
	started := make(chan error)
	go func() {
		defer close(e.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := command.Start(); err != nil {
			started <- err
			return
		}
		e.pid = command.Process.Pid
		started <- nil
		_ = command.Wait()
	}()
	return <-started
}

// wait asks until there is a 200.
func (e *envoy) wait() error {
	request := requestFor(page{name: "json"}, "")
	for late := time.Now().Add(readyIn); time.Now().Before(late); time.Sleep(askEvery) {
		select {
		case <-e.done:
			return errors.New("it ended by itself")
		default:
		}
		c, err := dial(e.address, late)
		if err != nil {
			continue
		}
		a, err := c.get(request, false)
		c.close()
		if err == nil && a.status == 200 {
			return nil
		}
	}
	return fmt.Errorf("no answer within %v", readyIn)
}

func (e *envoy) stop() {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		select {
		case <-e.done:
			return
		default:
			_ = syscall.Kill(e.pid, s)
		}
		select {
		case <-e.done:
		case <-time.After(endsIn):
		}
	}
}

// processorTime is what all threads of the Envoy have used so far.
func (e *envoy) processorTime() (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", e.pid))
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil { // a thread that has just ended
			continue
		}
		field, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		sum += time.Duration(ns)
	}
	if sum == 0 {
		return 0, errors.New("no processor time of Envoy's: it has ended, or this kernel has no /proc/PID/task/*/schedstat")
	}
	return sum, nil
}

// resident is the Envoy's resident size in bytes.
func (e *envoy) resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", e.pid))
	if err != nil {
		return 0, fmt.Errorf("reading Envoy's size: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("reading Envoy's size: %q", text)
	}
	n, err := strconv.ParseInt(fields[1], 10, 64)
	return n * int64(os.Getpagesize()), err
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

func writeConfig(file, address, upstream string, filters []any) error {
	t, err := template.New("envoy.json").Funcs(template.FuncMap{"json": func(v any) (string, error) {
		b, err := json.Marshal(v)
		return string(b), err
	}}).Parse(envoyTemplate)
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	err = execute(t, f, address, upstream, filters)
	return errors.Join(err, f.Close())
}

func execute(t *template.Template, to io.Writer, address, upstream string, filters []any) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	_, upstreamPort, err := net.SplitHostPort(upstream)
	if err != nil {
		return err
	}
	return t.Execute(to, map[string]any{"Port": port, "Upstream": upstreamPort, "Filters": filters})
}
