package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/e2e/browser"
	"github.com/edgecsp/edgecsp/e2e/stack"
)

// patience is how long a test waits for what should take a moment.
const patience = 60 * time.Second

// What all tests share.
var (
	// chromium is a context of the one browser; newTab makes tabs in it.
	chromium context.Context
	// envoy is the path of the Envoy to use.
	envoy string
	// authority signs the certificate of sites with TLS; chromium trusts it.
	authority certificates
)

func TestMain(m *testing.M) {
	status, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		status = 1
	}
	os.Exit(status)
}

func runTests(m *testing.M) (int, error) {
	home, err := os.MkdirTemp("", "edgecsp-e2e")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(home)
	if envoy, err = findEnvoy(); err != nil {
		return 0, err
	}
	if authority, err = newCertificates(home); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := browser.Trust(ctx, home, authority.authority); err != nil {
		return 0, err
	}
	var stop context.CancelFunc
	if chromium, stop, err = browser.Start(context.Background(), home); err != nil {
		return 0, err
	}
	defer stop()
	return m.Run(), nil
}

// findEnvoy asks the script that `make` asks; it heeds ENVOY.
func findEnvoy() (string, error) {
	command := exec.Command("tools/envoy.sh")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%v: %w", command, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// startStack starts everything on free ports with a fresh database, and stops
// it when the test ends. change may be nil.
func startStack(t *testing.T, change func(*stack.Options)) *stack.Stack {
	t.Helper()
	ports, err := stack.FreePorts()
	if err != nil {
		t.Fatal(err)
	}
	options := stack.Options{
		Root:    "..",
		Envoy:   envoy,
		Data:    filepath.Join(t.TempDir(), "data"),
		Ports:   ports,
		Secret:  "a secret of the tests, long enough",
		Workers: 1,
		Log:     t.Output(),
	}
	if change != nil {
		change(&options)
	}
	s, err := stack.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}
