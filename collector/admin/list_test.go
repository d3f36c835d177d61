package admin

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

// payloads are written into every field; none may become more than text.
var payloads = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`,
	`https://evil.example/phish`, `</dd></details></table><form action="//evil.example">`, `{{.Root}}`, `<!--`, `&lt;script&gt;`,
	"\u202Egnp.exe", "\x1b[2J\x00\r\n", `<base href="//evil.example">`, `</title><style>*{display:none}</style>`,
}

func hostile(p string) store.Record {
	return store.Record{Report: report.Report{
		Disposition: report.Enforce, Directive: p, Blocked: p, Page: p, Referrer: p, SourceFile: p, Line: 1, Column: 2,
		Sample: p, Detail: p, Policy: p, UserAgent: p, Status: 200,
	}, Session: p}
}

// TestHostileReports compares the page's elements and attributes with those of
// the same page with harmless reports: nothing in a report adds one.
func TestHostileReports(t *testing.T) {
	for _, tab := range tabs {
		harmless := newBench(t)
		harmless.fill(t, tab.view, "x")
		want := skeleton(t, harmless.page(t, "/csp/admin"+tab.Href))
		for _, p := range payloads {
			b := newBench(t)
			b.fill(t, tab.view, p)
			page := b.page(t, "/csp/admin"+tab.Href)
			if got := skeleton(t, page); got != want {
				t.Errorf("%s: %q changes the page:\n%s\nwant\n%s", tab.Name, p, got, want)
			}
			if i := strings.IndexAny(page, "\u202E\x1b\x00\r"); i >= 0 {
				t.Errorf("%s: %q: a control character at %d", tab.Name, p, i)
			}
		}
	}
}

func (b *bench) fill(t *testing.T, v store.View, p string) {
	r := hostile(p)
	switch v {
	case store.Others:
		r.Report.Kind = report.Deprecation
	case store.Unverified:
		r.Lane = store.Forged
	}
	b.add(t, r)
}

// skeleton returns a page's elements with their attributes, without its text.
func skeleton(t *testing.T, page string) string {
	t.Helper()
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF {
				t.Fatal(z.Err())
			}
			return b.String()
		case html.TextToken:
		default:
			fmt.Fprintln(&b, z.Token())
		}
	}
}

func TestRowShowsAll(t *testing.T) {
	b := newBench(t)
	b.add(t, store.Record{Session: "SESSION", PolicyVersion: 42, Report: report.Report{
		Disposition: report.ReportOnly, Directive: "script-src-elem", Blocked: "https://b.example/x.js", Page: "https://p.example/cart",
		SourceFile: "https://s.example/s.js", Line: 12, Column: 34, Sample: "alert(document.domain)", Referrer: "https://r.example/",
		Policy: "script-src 'none'", UserAgent: "Browser/1", Status: 418,
	}})
	page := b.page(t, "/csp/admin/")
	for _, want := range []string{
		"2026-11-20 12:00:00", "just now", "report only", "script-src-elem", "https://b.example/x.js", "https://p.example/cart",
		"https://s.example/s.js:12:34", "alert(document.domain)", "https://r.example/", "script-src &#39;none&#39;", "Browser/1", "418", "SESSION", "42", "genuine",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if strings.Contains(page, `href="https:`) {
		t.Error("a reported address is a link")
	}
}

func TestLongAddresses(t *testing.T) {
	for _, n := range []int{MaxShown - 1, MaxShown, MaxShown + 1, 4096} {
		address := "https://host.example/" + strings.Repeat("é", n-25) + ".end"
		got := row(&store.Record{Report: report.Report{Kind: report.CSPViolation, Blocked: address}}, time.Time{})
		if chars := len([]rune(got.Blocked)); chars != min(n, MaxShown) || !strings.HasPrefix(got.Blocked, "https://host.example/é") || !strings.HasSuffix(got.Blocked, "é.end") {
			t.Errorf("%d characters: %d shown: %s", n, chars, got.Blocked)
		}
		if whole := len(got.Details) == 1 && got.Details[0] == (Detail{"Blocked", address}); whole != (n > MaxShown) {
			t.Errorf("%d characters: details %v", n, got.Details)
		}
	}
}

func TestLanesAreApart(t *testing.T) {
	b := newBench(t)
	b.add(t, store.Record{Report: report.Report{Blocked: "one-genuine"}},
		store.Record{Lane: store.Expired, Report: report.Report{Blocked: "two-expired"}},
		store.Record{Lane: store.Forged, Report: report.Report{Blocked: "three-forged"}},
		store.Record{Report: report.Report{Kind: report.Crash, Blocked: "four-other"}})
	for path, want := range map[string]string{"/": "one-genuine two-expired", "/unverified": "three-forged", "/others": "four-other"} {
		page := b.page(t, "/csp/admin"+path)
		for _, name := range []string{"one-genuine", "two-expired", "three-forged", "four-other"} {
			if strings.Contains(page, name) != strings.Contains(want, name) {
				t.Errorf("%s: %s shown: %v", path, name, !strings.Contains(want, name))
			}
		}
	}
}

func TestPages(t *testing.T) {
	b := newBench(t)
	for i := range PageSize + 1 {
		b.add(t, store.Record{Report: report.Report{Blocked: fmt.Sprintf("report-%03d.", i)}})
	}
	first := b.page(t, "/csp/admin/")
	if strings.Contains(first, "report-000.") || !strings.Contains(first, "report-001.") || strings.Index(first, "report-050.") > strings.Index(first, "report-001.") {
		t.Error("the first page is not the newest, newest first")
	}
	older := hrefs(t, first, "next")
	if len(older) != 1 || len(hrefs(t, first, "prev")) != 0 {
		t.Fatalf("older: %v", older)
	}
	second := b.page(t, older[0])
	if !strings.Contains(second, "report-000.") || strings.Contains(second, "report-001.") {
		t.Error("the second page is not the rest")
	}
	newer := hrefs(t, second, "prev")
	if len(newer) != 1 || len(hrefs(t, second, "next")) != 0 {
		t.Fatalf("newer: %v", newer)
	}
	if back := b.page(t, newer[0]); !strings.Contains(back, "report-050.") || strings.Contains(back, "report-000.") {
		t.Error("newer does not lead back")
	}
	for _, odd := range []string{"?before=-1", "?before=x", "?before=99999999999999999999", "?after=0&before=", "?live=2"} {
		if page := b.page(t, "/csp/admin/"+odd); !strings.Contains(page, "report-050.") {
			t.Errorf("%s is not the first page", odd)
		}
	}
}

func hrefs(t *testing.T, page, rel string) (out []string) {
	t.Helper()
	for line := range strings.Lines(skeleton(t, page)) {
		if _, rest, ok := strings.Cut(line, `rel="`+rel+`" href="`); ok {
			href, _, _ := strings.Cut(rest, `"`)
			out = append(out, html.UnescapeString(href))
		}
	}
	return out
}

func TestLive(t *testing.T) {
	b := newBench(t)
	b.add(t, store.Record{})
	cookie := b.login(t)
	for target, want := range map[string]string{"/csp/admin/": "", "/csp/admin/?live=1": "2", "/csp/admin/unverified?live=1": "2", "/csp/admin/?live=1&before=9": ""} {
		if got := b.do("GET", target, "", cookie).Header().Get("Refresh"); got != want {
			t.Errorf("%s: Refresh %q, want %q", target, got, want)
		}
	}
}

func TestEmptyStates(t *testing.T) {
	b := newBench(t)
	for path, want := range map[string]string{
		"/": "No violations yet", "/others": "None yet", "/unverified": "None, and that is good", "/?before=1": "No more reports",
	} {
		if page := b.page(t, "/csp/admin"+path); !strings.Contains(page, want) {
			t.Errorf("%s: no %q", path, want)
		}
	}
	if page := b.page(t, "/csp/admin/"); !strings.Contains(page, "/csp/report/csp/") {
		t.Error("it does not say where reports go")
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 999 * time.Millisecond: "just now", time.Second: "1 s ago", 59 * time.Second: "59 s ago", time.Minute: "1 min ago",
		59 * time.Minute: "59 min ago", time.Hour: "1 h ago", 47 * time.Hour: "47 h ago", 48 * time.Hour: "2 days ago",
	} {
		if got := ago(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
