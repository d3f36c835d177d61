package e2e

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/edgecsp/edgecsp/e2e/stack"
)

// A tab is a tab of the browser, in a context of its own: with cookies and a
// cache that no other test shares.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu      sync.Mutex
	console []string // warnings and errors since the last open
}

func newTab(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	messages := chromedp.Console(ctx)
	tab := &tab{t: t, ctx: ctx}
	go func() {
		for message, err := range messages {
			if err != nil {
				return // the tab is closed
			}
			tab.note(message)
		}
	}()
	return tab
}

func (b *tab) note(m chromedp.ConsoleMessage) {
	switch m.Type {
	case chromedp.ConsoleError, chromedp.ConsoleException, chromedp.ConsoleWarning:
		b.mu.Lock()
		defer b.mu.Unlock()
		b.console = append(b.console, m.Text)
	}
}

// complaints are the warnings and errors on the console since the last open.
// Messages arrive in order, so all are there once one of ours is.
func (b *tab) complaints() []string {
	b.t.Helper()
	const marker = "end of the complaints"
	js[bool](b, `console.warn("`+marker+`") || true`)
	for start := time.Now(); time.Since(start) < patience; time.Sleep(5 * time.Millisecond) {
		b.mu.Lock()
		console := slices.Clone(b.console)
		b.mu.Unlock()
		if at := slices.Index(console, marker); at >= 0 {
			return console[:at]
		}
	}
	b.t.Fatal("the console's messages do not arrive")
	return nil
}

// do runs actions, within the tests' patience.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// open opens a page and returns the response to it, the last one after
// redirects.
func (b *tab) open(url string) *network.Response {
	b.t.Helper()
	b.mu.Lock()
	b.console = nil
	b.mu.Unlock()
	return eval(b, chromedp.NavigateResponse(url))
}

// eval runs an action that has a result, within the tests' patience.
func eval[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// js evaluates a JavaScript expression in the page.
func js[T any](b *tab, expression string) T {
	b.t.Helper()
	return eval(b, chromedp.Evaluate[T](expression))
}

// until waits until a JavaScript expression is true.
func (b *tab) until(expression string) {
	b.t.Helper()
	for start := time.Now(); !js[bool](b, expression); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > patience {
			b.t.Fatalf("still not true: %s", expression)
		}
	}
}

// header is a response header's value, with several joined by newlines as
// Chromium has them.
func header(response *network.Response, name string) string {
	for key, value := range response.Headers {
		if strings.EqualFold(key, name) {
			text, _ := value.(string)
			return text
		}
	}
	return ""
}

// A dashboard is a tab in which somebody has logged in to the dashboard.
type dashboard struct {
	*tab
	url string
}

// logIn opens a one-time link and logs in with it, as an operator does.
func logIn(t *testing.T, s *stack.Stack) dashboard {
	t.Helper()
	link, err := s.LoginLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := dashboard{newTab(t), s.DashboardURL() + "/csp/admin/"}
	d.open(link)
	d.do(chromedp.Click("main form button"))
	d.do(chromedp.WaitVisible("nav"))
	return d
}

// row waits until the newest reports on the dashboard have one whose text has
// all the given parts, and returns that row's text. It fails the test if that
// takes longer than the limit, counted from since.
func (d dashboard) row(since time.Time, limit time.Duration, parts ...string) string {
	d.t.Helper()
	for {
		d.open(d.url)
		rows := js[[]string](d.tab, `[...document.querySelectorAll("tbody tr")].map(row => row.innerText)`)
		at := slices.IndexFunc(rows, func(row string) bool {
			return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(row, part) })
		})
		took := time.Since(since)
		if at >= 0 && took <= limit {
			d.t.Logf("on the dashboard after %v: %q", took.Round(time.Millisecond), rows[at])
			return rows[at]
		}
		if took > limit {
			d.t.Fatalf("no row with all of %q within %v; there are:\n%s", parts, limit, strings.Join(rows, "\n--\n"))
		}
		time.Sleep(50 * time.Millisecond)
	}
}
