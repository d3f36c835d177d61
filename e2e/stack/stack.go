// Package stack starts and stops the whole of edgecsp on one machine: the
// collector, an application (the demo shop unless told otherwise), and Envoy
// with the repository's envoy.yaml in front of both. `make run` and the
// end-to-end tests use it.
//
// It builds nothing: it is given an Envoy, and expects the collector and the
// filter where `make collector filter` put them.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/edgecsp/edgecsp/e2e/demo"
)

const (
	// Site is the name of the site in envoy.yaml.
	Site = "shop"
	// SecretVariable is the environment variable that envoy.yaml has the
	// filter read the site's secret from.
	SecretVariable = "EDGECSP_SECRET"

	// readyIn is how long a part may take until it answers.
	readyIn = 30 * time.Second
	// askEvery is how often it is asked meanwhile.
	askEvery = 50 * time.Millisecond
	// linkIn is how long the collector may take to make a login link.
	linkIn = 10 * time.Second
)

// Options say what to start.
type Options struct {
	Root   string // the checkout, where envoy.yaml and build/ are
	Envoy  string // path of the envoy program, or its name if it is on PATH
	Data   string // folder for the database and the like; made if need be
	Ports  Ports
	Secret string // of the site

	// App is the application behind Envoy; nil is the demo shop.
	App http.Handler
	// Edit changes what Envoy gets of envoy.yaml, beside the ports; may be nil.
	Edit func(*Config)
	// TLS says that Edit made the listener speak TLS.
	TLS bool
	// Workers is the number of Envoy's worker threads; 0 is one per processor.
	Workers int
	// Log gets what the parts say, from several goroutines, a line at a time.
	Log io.Writer
}

func (o Options) collector() string { return filepath.Join(o.Root, "build", "edgecsp") }
func (o Options) filter() string    { return filepath.Join(o.Root, "build", "edgecsp.wasm") }
func (o Options) database() string  { return filepath.Join(o.Data, "edgecsp.db") }

// A Stack is a running stack.
type Stack struct {
	options Options
	stops   []func() // stop what runs, in the order in which it was started
	ended   chan error
	cancel  context.CancelFunc
	done    chan struct{} // closed when everything has ended
	err     error         // to be read once done is closed
}

// Start starts the parts and returns when all answer. They run until ctx ends,
// Stop is called or one of them ends by itself: then all are stopped.
func Start(ctx context.Context, options Options) (*Stack, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &Stack{options: options, ended: make(chan error, 3), cancel: cancel, done: make(chan struct{})}
	if err := s.start(ctx); err != nil {
		s.stopParts()
		cancel()
		return nil, err
	}
	go s.supervise(ctx)
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	if err := s.options.resolve(); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.options.Data, 0o700); err != nil {
		return fmt.Errorf("making the folder for data: %w", err)
	}
	if err := s.startCollector(ctx); err != nil {
		return err
	}
	if err := s.startApp(); err != nil {
		return err
	}
	return s.startEnvoy(ctx)
}

// resolve makes the paths absolute: the programs run in another folder than we.
func (o *Options) resolve() error {
	for _, path := range []*string{&o.Root, &o.Data} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	found, err := exec.LookPath(o.Envoy)
	if err != nil {
		return fmt.Errorf("there is no Envoy at %q (%w); e2e/tools/envoy.sh gets one, and ENVOY=/path names one of your own", o.Envoy, err)
	}
	o.Envoy, err = filepath.Abs(found)
	return err
}

// check looks for what would make the start fail in a way that is harder to
// understand.
func (s *Stack) check() error {
	var faults []error
	for _, built := range []struct{ file, target string }{{s.options.collector(), "collector"}, {s.options.filter(), "filter"}} {
		if _, err := os.Stat(built.file); err != nil {
			faults = append(faults, fmt.Errorf("%w; run: make %s", err, built.target))
		}
	}
	return errors.Join(append(faults, s.options.Ports.check())...)
}

func (s *Stack) startCollector(ctx context.Context) error {
	command := exec.Command(s.options.collector(), "serve",
		"--public", address(s.options.Ports.Public),
		"--private", address(s.options.Ports.Private),
		"--db", s.options.database(),
		"--site", Site,
		"--secret-env", SecretVariable)
	// There goes a link for the first login, which who has LoginLink need not see.
	command.Stdout = io.Discard
	return s.startProcess(ctx, "collector", command, "http://"+address(s.options.Ports.Private)+"/readyz")
}

func (s *Stack) startEnvoy(ctx context.Context) error {
	file, err := s.envoyConfig()
	if err != nil {
		return err
	}
	// Hot restart shares memory between Envoys on one machine, which several
	// stacks would fight over.
	command := exec.Command(s.options.Envoy, "-c", file, "--log-level", "warn", "--disable-hot-restart")
	if s.options.Workers > 0 {
		command.Args = append(command.Args, "--concurrency", fmt.Sprint(s.options.Workers))
	}
	// Any answer will do here: TLS is for the tests to speak.
	if s.options.TLS {
		return s.startProcess(ctx, "envoy", command, "tcp://"+address(s.options.Ports.Site))
	}
	return s.startProcess(ctx, "envoy", command, "http://"+address(s.options.Ports.Site)+"/")
}

// envoyConfig names the file that Envoy is to read: the repository's own, if
// nothing in it is to be different.
func (s *Stack) envoyConfig() (string, error) {
	original := filepath.Join(s.options.Root, "envoy.yaml")
	config, err := ReadConfig(original)
	if err != nil {
		return "", err
	}
	changed := config.setPorts(s.options.Ports)
	if s.options.Edit != nil {
		s.options.Edit(config)
	} else if !changed {
		return original, nil
	}
	edited := filepath.Join(s.options.Data, "envoy.yaml")
	return edited, config.Write(edited)
}

// startProcess starts a program in the checkout, where the paths in envoy.yaml
// start from, and waits until it is ready.
func (s *Stack) startProcess(ctx context.Context, name string, command *exec.Cmd, ready string) error {
	command.Dir = s.options.Root
	command.Env = append(os.Environ(), SecretVariable+"="+s.options.Secret)
	p, err := start(name, command, s.options.Log)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, p.stop)
	if err := waitFor(ctx, p, ready); err != nil {
		return err
	}
	go func() {
		<-p.done
		s.ended <- p.ended()
	}()
	return nil
}

func (s *Stack) startApp() error {
	app := s.options.App
	if app == nil {
		app = demo.New()
	}
	listener, err := net.Listen("tcp", address(s.options.Ports.App))
	if err != nil {
		return fmt.Errorf("starting the demo shop: %w", err)
	}
	server := &http.Server{Handler: app, ReadHeaderTimeout: readyIn, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true) // where Edit makes Envoy speak it
	s.stops = append(s.stops, func() { _ = server.Close() })
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.ended <- fmt.Errorf("the demo shop ended by itself: %w", err)
		}
	}()
	return nil
}

// waitFor asks a process until it answers, ends, or takes too long. ready is
// a URL that is answered with 200, or tcp://HOST:PORT that accepts.
func waitFor(ctx context.Context, p *process, ready string) error {
	late := time.After(readyIn)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.done:
			return p.ended()
		case <-late:
			return fmt.Errorf("%s does not answer at %s after %v; its log above may say why", p.name, ready, readyIn)
		case <-time.After(askEvery):
		}
		if answers(ctx, ready) {
			return nil
		}
	}
}

func answers(ctx context.Context, ready string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if hostport, ok := strings.CutPrefix(ready, "tcp://"); ok {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", hostport)
		if err != nil {
			return false
		}
		connection.Close()
		return true
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, ready, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// supervise waits for the end and brings it about.
func (s *Stack) supervise(ctx context.Context) {
	select {
	case <-ctx.Done():
	case s.err = <-s.ended:
	}
	s.stopParts()
	s.cancel()
	close(s.done)
}

// stopParts stops what is running, the last started first: what faces visitors
// before what it needs.
func (s *Stack) stopParts() {
	for _, stop := range slices.Backward(s.stops) {
		stop()
	}
}

// Wait waits until everything has ended, and returns why if one part ended by
// itself.
func (s *Stack) Wait() error {
	<-s.done
	return s.err
}

// Stop ends everything and waits for it.
func (s *Stack) Stop() error {
	s.cancel()
	return s.Wait()
}

// SiteURL is where the site is, without a slash at the end. Its host is
// localhost while the dashboard's is 127.0.0.1: cookies ignore ports, so with
// one host for both the browser would send the operator's session to the site
// as well, and to whatever answers there.
func (s *Stack) SiteURL() string {
	if s.options.TLS {
		return fmt.Sprintf("https://localhost:%d", s.options.Ports.Site)
	}
	return fmt.Sprintf("http://localhost:%d", s.options.Ports.Site)
}

// AppURL is where the application itself is, without the filter.
func (s *Stack) AppURL() string { return fmt.Sprintf("http://localhost:%d", s.options.Ports.App) }

// PublicURL is the collector's public listener, past Envoy.
func (s *Stack) PublicURL() string { return "http://" + address(s.options.Ports.Public) }

// DashboardURL is the collector's private listener.
func (s *Stack) DashboardURL() string { return "http://" + address(s.options.Ports.Private) }

// LoginLink has the collector make a link that logs one person in, once.
func (s *Stack) LoginLink(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, linkIn)
	defer cancel()
	var complaint strings.Builder
	command := exec.CommandContext(ctx, s.options.collector(), "login-link",
		"--db", s.options.database(), "--private", address(s.options.Ports.Private))
	command.Stderr = &complaint
	link, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("asking the collector for a login link: %w: %s", err, complaint.String())
	}
	return strings.TrimSpace(string(link)), nil
}
