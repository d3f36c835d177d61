// Package browser runs a headless Chromium for tests.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/chromedp/chromedp"
)

// ErrMissing says that there is no browser to be found.
var ErrMissing = errors.New("no Chromium on PATH; `make tools` installs one, and CHROMIUM=/path names one of your own")

// Find returns the path of the browser to use: $CHROMIUM, or the first of the
// usual names on PATH. e2e/tools/install.sh looks in the same order.
func Find() (string, error) {
	if named := os.Getenv("CHROMIUM"); named != "" {
		return exec.LookPath(named)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}

// Start starts a browser with a fresh profile. home is its home folder, where
// it looks for the authorities that it trusts (see Trust). Tabs are made with
// chromedp.NewContext from the context that Start returns; the function ends
// the browser and waits for that.
func Start(ctx context.Context, home string) (context.Context, context.CancelFunc, error) {
	path, err := Find()
	if err != nil {
		return nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.Env("HOME="+home),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-component-update", true),
		// The Reporting API gathers reports for a minute; with this, a second.
		chromedp.Flag("short-reporting-delay", true),
		// The sandbox does not start as root, nor in most containers. Tests
		// open nothing but pages of ours.
		chromedp.NoSandbox,
		chromedp.WindowSize(1200, 900),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	tab, stopTab := chromedp.NewContext(allocator)
	stop := func() { stopTab(); stopAllocator() }
	if err := chromedp.Do(tab); err != nil {
		stop()
		return nil, nil, fmt.Errorf("starting %s: %w", path, err)
	}
	return tab, stop, nil
}

// Trust makes the browsers of a home folder trust a certificate authority (a
// PEM file). NSS keeps that, and its certutil writes it.
func Trust(ctx context.Context, home, authority string) error {
	folder := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("making NSS's folder: %w", err)
	}
	for _, args := range [][]string{
		{"-N", "--empty-password"},
		{"-A", "-t", "C,,", "-n", "edgecsp e2e", "-i", authority},
	} {
		command := exec.CommandContext(ctx, "certutil", append([]string{"-d", "sql:" + folder}, args...)...)
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%v (of Debian's libnss3-tools; `make tools` installs it): %w: %s", command, err, out)
		}
	}
	return nil
}
