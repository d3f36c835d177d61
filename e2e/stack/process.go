package stack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	// grace is how long a process gets to end after it was asked to: longer
	// than the collector waits for requests under way.
	grace = 20 * time.Second
	// maxLine bounds a log line that does not end.
	maxLine = 64 << 10
)

// A process is one program of the stack. It is in a process group of its own,
// so that a Ctrl-C on the terminal reaches only us, who end them in order.
type process struct {
	name string
	pid  int
	done chan struct{} // closed when it has ended
	err  error         // how it ended; to be read once done is closed
}

// start starts a program. What it says goes to log, each line with its name,
// save for its standard output if the command names another place for that.
func start(name string, command *exec.Cmd, log io.Writer) (*process, error) {
	p := &process{name: name, done: make(chan struct{})}
	// One writer for both, so that a line of one does not break into the other's.
	prefixed := &lines{prefix: name + " | ", to: log}
	command.Stderr = prefixed
	if command.Stdout == nil {
		command.Stdout = prefixed
	}
	command.SysProcAttr = ownGroup()
	command.WaitDelay = grace // for the pipes, should it leave a child behind
	started := make(chan error)
	go func() {
		defer close(p.done)
		p.run(command, started)
		prefixed.flush()
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return p, nil
}

// run starts the command and waits for its end on one thread: the kernel ends
// a child when the thread that started it ends (PR_SET_PDEATHSIG), not when
// the process does.
func (p *process) run(command *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := command.Start(); err != nil {
		started <- err
		return
	}
	p.pid = command.Process.Pid
	started <- nil
	p.err = command.Wait()
}

// stop asks the process to end, and makes it if it does not.
func (p *process) stop() {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
		p.signal(syscall.SIGKILL)
		<-p.done
	}
}

// signal sends to the whole group, unless the process has ended: then its
// number may be another's by now.
func (p *process) signal(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.pid, s)
	}
}

// ended says how a process ended that was to go on.
func (p *process) ended() error {
	how := "without an error"
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		how = exit.String()
	} else if p.err != nil {
		how = p.err.Error()
	}
	return fmt.Errorf("%s ended by itself (%s); its log above may say why", p.name, how)
}

// lines passes a log on line by line, so that those of several processes do
// not mix.
type lines struct {
	prefix string
	to     io.Writer

	mu   sync.Mutex
	rest []byte // a line that has not ended yet
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found && len(l.rest) < maxLine {
			return len(p), nil
		}
		l.rest = rest
		// Nobody is helped if a process hangs because we cannot show its log.
		_, _ = fmt.Fprintf(l.to, "%s%s\n", l.prefix, line)
	}
}

// flush ends a line that did not end.
func (l *lines) flush() {
	l.mu.Lock()
	pending := len(l.rest) > 0
	l.mu.Unlock()
	if pending {
		_, _ = l.Write([]byte("\n"))
	}
}
