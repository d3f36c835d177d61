package command

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

const goodSecret = "0123456789abcdef"

// output is a buffer that a running command writes and a test reads.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func world(env map[string]string) (w World, stdout, stderr *output) {
	stdout, stderr = new(output), new(output)
	return World{
		Getenv: func(name string) string { return env[name] }, Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr, Now: time.Now, Rand: rand.Reader,
	}, stdout, stderr
}

// TestMistakes: each is told in one line that says what, where, and what would
// be right.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	env := map[string]string{"EDGECSP_SECRET": goodSecret, "SHORT": goodSecret[1:], "LONG": strings.Repeat("x", 4097)}
	serve := "serve --site shop --public 127.0.0.1:0 --private 127.0.0.1:0 --db " + filepath.Join(dir, "x.db")
	for _, test := range []struct {
		args string
		want []string
	}{
		{"nonsense", []string{`unknown command "nonsense"`}},
		{"serve --nonsense", []string{"unknown flag: --nonsense", "edgecsp serve --help"}},
		{"serve extra", []string{`unknown command "extra"`}},
		{"serve", []string{"--site is missing"}},
		{"serve --site Shop", []string{`--site "Shop"`, "a-z"}},
		{serve + " --base-path csp", []string{`--base-path "csp"`, "/csp"}},
		{serve + " --base-path /", []string{"--base-path"}},
		{serve + " --base-path /csp/", []string{"--base-path"}},
		{serve + " --base-path /a/../b", []string{"--base-path"}},
		{serve + " --base-path /{x}", []string{"--base-path"}},
		{serve + " --secret-env NONE", []string{"no secret in environment variable NONE", "openssl"}},
		{serve + " --secret-env SHORT", []string{"variable SHORT has 15 bytes", "16 to 4096"}},
		{serve + " --secret-env LONG", []string{"variable LONG has 4097 bytes", "16 to 4096"}},
		{serve + " --secret-file " + filepath.Join(dir, "none"), []string{"--secret-file", "no such file"}},
		{serve + " --secret-file " + file("empty", "\n"), []string{"no secret in file", "empty"}},
		{serve + " --secret-file " + file("short", goodSecret[1:]+"\n"), []string{"has 15 bytes"}},
		{serve + " --secret-file " + file("long", strings.Repeat("x", 5000)), []string{"bytes, and 16 to 4096"}},
		{serve + " --public " + taken.Addr().String(), []string{"--public " + taken.Addr().String(), "address already in use", "EDGECSP_PUBLIC"}},
		{serve + " --private " + taken.Addr().String(), []string{"--private " + taken.Addr().String(), "address already in use", "EDGECSP_PRIVATE"}},
		{serve + " --public nonsense", []string{"--public nonsense", "missing port"}},
		{serve + " --db " + filepath.Join(dir, "no", "x.db"), []string{"--db", "no such file or directory", "directory that may be written"}},
		{serve + " --db " + file("text.db", strings.Repeat("text ", 500)), []string{"--db", "not a database"}},
		{"login-link --db " + filepath.Join(dir, "none.db"), []string{"none.db", "no such file", "edgecsp serve"}},
		{"version extra", []string{"extra"}},
	} {
		w, stdout, stderr := world(env)
		code := Main(t.Context(), strings.Fields(test.args), w)
		line := stderr.String()
		if code != ExitFailed || stdout.String() != "" || strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "edgecsp: ") {
			t.Errorf("%s: %d, %q, %q", test.args, code, stdout, line)
		}
		for _, want := range test.want {
			if !strings.Contains(line, want) {
				t.Errorf("%s: %q has no %q", test.args, line, want)
			}
		}
		for _, v := range env {
			if strings.Contains(line, v) {
				t.Errorf("%s: the secret is in %q", test.args, line)
			}
		}
	}
}

type answerNo struct{}

func (answerNo) Error() string { return "no" }
func (answerNo) ExitCode() int { return 1 }

func TestExitCode(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
	}{{io.EOF, ExitFailed}, {answerNo{}, 1}, {fmt.Errorf("wrapped: %w", answerNo{}), 1}} {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("%v: %d, want %d", test.err, got, test.want)
		}
	}
}

// TestServe runs the whole command: settings from the environment, the link, a
// report, a second link beside it, and the stop.
func TestServe(t *testing.T) {
	db := filepath.Join(t.TempDir(), "x.db")
	env := map[string]string{
		"EDGECSP_SECRET": goodSecret, "EDGECSP_SITE": "shop", "EDGECSP_DB": db, "EDGECSP_PUBLIC": "127.0.0.1:0",
		"EDGECSP_PRIVATE": "nonsense", "EDGECSP_BASE_PATH": "/x",
	}
	w, stdout, stderr := world(env)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan int, 1)
	go func() { done <- Main(ctx, []string{"serve", "--private", "127.0.0.1:0"}, w) }()
	link := wait(t, stdout, `http://127\.0\.0\.1:\d+/x/admin/login\?token=[\w-]{43}`)
	public := wait(t, stderr, `127\.0\.0\.1:\d+`)
	resp, err := http.Post("http://"+public+"/x/report/csp/forged", "", strings.NewReader(`{"csp-report":{"blocked-uri":"inline"}}`))
	if err != nil || resp.StatusCode != 204 {
		t.Errorf("report: %v, %v", resp, err)
	}
	lw, out, errs := world(env)
	if code := Main(t.Context(), []string{"login-link", "--private", "127.0.0.1:9402"}, lw); code != ExitOK {
		t.Errorf("login-link: %d, %s", code, errs)
	}
	if !regexp.MustCompile(`^http://127\.0\.0\.1:9402/x/admin/login\?token=[\w-]{43}\n$`).MatchString(out.String()) {
		t.Errorf("login-link printed %q", out)
	}
	_, token, _ := strings.Cut(strings.TrimSpace(out.String()), "?")
	base, _, _ := strings.Cut(link, "?")
	resp, err = http.Post(base, "application/x-www-form-urlencoded", strings.NewReader(token))
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != 200 || resp.Request.URL.Path != "/x/admin/login" { // no cookie jar: sent back to the login page
		t.Errorf("login: %s at %s", resp.Status, resp.Request.URL)
	}
	cancel()
	if code := <-done; code != ExitOK {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if strings.Contains(stderr.String(), "token") || strings.Contains(stderr.String(), "inline") {
		t.Errorf("the log tells too much: %s", stderr)
	}
}

func wait(t *testing.T, o *output, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for range 500 {
		if s := re.FindString(o.String()); s != "" {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %s in %q", pattern, o)
	return ""
}

func TestSecretFileLineEnd(t *testing.T) {
	for _, end := range []string{"", "\n", "\r\n"} {
		path := filepath.Join(t.TempDir(), "secret")
		for _, n := range []int{16, 4096} {
			want := strings.Repeat("s", n)
			if err := os.WriteFile(path, []byte(want+end), 0o600); err != nil {
				t.Fatal(err)
			}
			w, _, _ := world(nil)
			if got, err := readSecret(w, "UNUSED", path); err != nil || string(got) != want {
				t.Errorf("%d bytes and %q: %d bytes, %v", n, end, len(got), err)
			}
		}
	}
}

// TestHelp: every command has a description and an example that is a command line.
func TestHelp(t *testing.T) {
	w, _, _ := world(nil)
	commands := []*cobra.Command{newRoot(w)}
	for len(commands) > 0 {
		cmd := commands[0]
		commands = append(commands[1:], cmd.Commands()...)
		if cmd.Short == "" || !cmd.HasSubCommands() && !strings.Contains(cmd.Example, "  "+cmd.CommandPath()) {
			t.Errorf("%s: %q, example %q", cmd.CommandPath(), cmd.Short, cmd.Example)
		}
	}
	for _, args := range [][]string{{}, {"--help"}, {"serve", "--help"}, {"login-link", "--help"}, {"version"}} {
		w, stdout, stderr := world(nil)
		if code := Main(t.Context(), args, w); code != ExitOK || !strings.Contains(stdout.String(), "edgecsp") || stderr.String() != "" {
			t.Errorf("%v: %d %q %q", args, code, stdout, stderr)
		}
	}
}
