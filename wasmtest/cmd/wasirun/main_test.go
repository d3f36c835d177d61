package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// guestSource is a program that shows what it sees, and ends as no program
// does by itself. It is written without fmt to be quick to compile: wazero
// under the race detector takes long over every megabyte.
const guestSource = `package main

import (
	"os"
	"runtime"
	"time"
)

func main() {
	text, err := os.ReadFile("testdata.txt")
	if err != nil {
		println(err.Error())
	}
	os.Stdout.WriteString(string(text) + "|" + os.Getenv("WASIRUN_TEST") + "|" + os.Args[1])
	os.Stderr.WriteString("to standard error")
	if time.Now().Before(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)) {
		println("the wall clock is wrong")
	}
	start := time.Now()
	time.Sleep(20 * time.Millisecond)
	if slept := time.Since(start); slept < 20*time.Millisecond || slept > 5*time.Second {
		println("a sleep of 20 ms took", slept.String())
	}
	for range 200 {
		runtime.GC()
	}
	os.Exit(7)
}
`

func TestRun(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "testdata.txt"), "read by a relative path")
	program := build(t, dir, guestSource)
	t.Chdir(dir)
	var stdout, stderr bytes.Buffer
	environ := []string{"WASIRUN_TEST=variable", "PWD=/somewhere/else"}
	status, err := run(context.Background(), []string{program, "argument"}, environ, strings.NewReader(""), &stdout, &stderr)
	if status != 7 || err != nil {
		t.Errorf("exit status %d, error %v; want 7 and none", status, err)
	}
	if got, want := stdout.String(), "read by a relative path|variable|argument"; got != want {
		t.Errorf("standard output is %q, want %q", got, want)
	}
	if got, want := stderr.String(), "to standard error"; got != want {
		t.Errorf("standard error is %q, want %q", got, want)
	}
}

func TestRunFails(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.wasm")
	write(t, broken, "no wasm")
	for _, program := range []string{broken, filepath.Join(t.TempDir(), "absent.wasm")} {
		var out bytes.Buffer
		status, err := run(context.Background(), []string{program}, nil, strings.NewReader(""), &out, &out)
		if status != exitFailed || err == nil {
			t.Errorf("%s: exit status %d, error %v; want %d and an error", program, status, err, exitFailed)
		}
	}
}

// build compiles source for wasip1 and returns the program's path.
func build(t *testing.T, dir, source string) string {
	t.Helper()
	write(t, filepath.Join(dir, "main.go"), source)
	program := filepath.Join(dir, "main.wasm")
	command := exec.Command("go", "build", "-o", program, filepath.Join(dir, "main.go"))
	command.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return program
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
