package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// script runs a copy of one of the tools' scripts in a checkout of its own, as
// if only the named programs were installed, and returns what it said and its
// exit status. The fakes are programs by name, as shell text.
func script(t *testing.T, name string, environ, programs []string, fakes map[string]string) (string, int) {
	t.Helper()
	checkout := t.TempDir()
	text, err := os.ReadFile(filepath.Join("tools", name))
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(checkout, "bin")
	copied := filepath.Join(checkout, "e2e", "tools", name)
	for _, dir := range []string{bin, filepath.Dir(copied)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, copied, string(text))
	for _, program := range append(programs, "cat", "dirname", "head", "mkdir", "rm", "sed", "tr") {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, program)); err != nil {
			t.Fatal(err)
		}
	}
	for program, text := range fakes {
		write(t, filepath.Join(bin, program), "#!/bin/sh\n"+text+"\n")
	}
	command := exec.Command("/bin/sh", copied)
	command.Env = append(environ, "PATH="+bin)
	out, err := command.CombinedOutput()
	if command.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), command.ProcessState.ExitCode()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestEnvoyScript(t *testing.T) {
	version := func(v string) string {
		return "echo; echo 'envoy  version: 0123abc/" + v + "/Clean/RELEASE/BoringSSL'; echo"
	}
	for _, c := range []struct {
		name    string
		environ []string
		fakes   map[string]string
		status  int
		says    string
	}{
		{"the oldest that will do", nil, map[string]string{"envoy": version("1.33.0")}, 0, "/bin/envoy\n"},
		{"a later major version", nil, map[string]string{"envoy": version("2.0.1")}, 0, "/bin/envoy\n"},
		{"one too old, no Python", nil, map[string]string{"envoy": version("1.32.9")}, 1, "version 1.32.9, but the filter needs 1.33 or later"},
		{"something else, no Python", nil, map[string]string{"envoy": "echo hello"}, 1, "version unknown"},
		{"nothing at all", nil, nil, 1, "install Python 3, or set ENVOY=/path/to/envoy"},
		{"Python without venv", nil, map[string]string{"python3": "exit 1"}, 1, "install python3-venv"},
		{"a wrong ENVOY", []string{"ENVOY=/nowhere"}, map[string]string{"envoy": version("1.40.0")}, 1, "ENVOY=/nowhere is no program"},
		{"ENVOY is no Envoy", []string{"ENVOY=/bin/sh"}, nil, 1, "does not answer --version"},
		{"ENVOY before PATH", []string{"ENVOY=" + envoy}, map[string]string{"envoy": version("1.40.0")}, 0, envoy + "\n"},
	} {
		said, status := script(t, "envoy.sh", c.environ, nil, c.fakes)
		if status != c.status || !strings.Contains(said, c.says) {
			t.Errorf("%s: exit status %d, want %d and %q; it said:\n%s", c.name, status, c.status, c.says, said)
		}
	}
}

func TestInstallScriptNamesWhatIsMissing(t *testing.T) {
	user := map[string]string{"id": "echo 1000"}
	failing, idle := "no network", "still not found"
	if _, err := os.Stat("/etc/debian_version"); err != nil {
		failing, idle = "this is no Debian", "this is no Debian" // it tries nothing there
	}
	for _, c := range []struct {
		name    string
		environ []string
		fakes   map[string]string
		says    string
	}{
		{"nothing there", nil, user, "chromium libnss3-tools strace"},
		{"no certutil", []string{"CHROMIUM=/bin/sh"}, user, "what is not here: "},
		{"a wrong CHROMIUM", []string{"CHROMIUM=/nowhere"}, user, "CHROMIUM=/nowhere is no program"},
		{"apt-get fails", nil, map[string]string{"id": "echo 0", "apt-get": "echo no network >&2; exit 100"}, failing},
		{"apt-get helps nothing", nil, map[string]string{"id": "echo 0", "apt-get": "exit 0"}, idle},
	} {
		said, status := script(t, "install.sh", c.environ, []string{"env"}, c.fakes)
		if status == 0 || !strings.Contains(said, c.says) {
			t.Errorf("%s: exit status %d, want another and %q; it said:\n%s", c.name, status, c.says, said)
		}
	}
}

// Package lists may be absent, as on a fresh machine: then the first try fails.
func TestInstallScriptInstallsOnlyWhatIsMissing(t *testing.T) {
	const aptGet = `
d=$(dirname "$0")
echo "apt-get $*"
case "$*" in
update*) : > "$d/updated" ;;
*) [ -e "$d/updated" ] || exit 100; cp "$d/postgres" "$d/certutil"; cp "$d/postgres" "$d/strace" ;;
esac`
	said, status := script(t, "install.sh", nil, []string{"env", "cp"},
		map[string]string{"id": "echo 0", "postgres": "exit 0", "chromium": "exit 0", "apt-get": aptGet})
	if _, err := os.Stat("/etc/debian_version"); err != nil {
		if status == 0 || !strings.Contains(said, "this is no Debian") {
			t.Errorf("exit status %d; it said:\n%s", status, said)
		}
		return
	}
	want := "apt-get update --quiet\napt-get install --yes --quiet --no-install-recommends libnss3-tools strace\n"
	if status != 0 || !strings.Contains(said, want) {
		t.Errorf("exit status %d, want 0 and %q; it said:\n%s", status, want, said)
	}
}
