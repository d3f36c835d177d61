package admin

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

// groupPath returns the address of the first group on the list.
func groupPath(t *testing.T, page string) string {
	t.Helper()
	m := regexp.MustCompile(`href="(/csp/admin/groups/\d+[^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no group in the page: %s", page)
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}

func TestGroups(t *testing.T) {
	b := newBench(t)
	for i := range 3 {
		b.add(t, store.Record{Client: uint64(i+1) << 40, Net: 1 << 50, Report: report.Report{
			Disposition: report.Enforce, Directive: "script-src-elem", Blocked: "https://b.example/x.js", Page: fmt.Sprintf("https://p.example/orders/%d", i), Sample: "alert(1)"}})
	}
	list := b.page(t, "/csp/admin/groups")
	for _, want := range []string{"script-src-elem", "https://b.example/x.js", "https://p.example/orders/*", "alert(*)", "<b>3</b>", "3 clients, 1 networks", "open", "genuine"} {
		if !strings.Contains(list, want) {
			t.Errorf("no %q in the list", want)
		}
	}
	path := groupPath(t, list)
	page := b.page(t, path)
	for _, want := range []string{"script-src-elem", "3 of them where the browser blocked", "about 3 clients in 1 networks", "2026-11-20</time>", "https://p.example/orders/2", `value="100"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the group's page", want)
		}
	}
	cookie := b.login(t)
	for state, want := range map[string]int{"resolved": 303, "regressed": 400, "": 400} {
		if w := b.do("POST", path+"/state", "state="+state, cookie); w.Code != want {
			t.Errorf("state %q: %d, want %d", state, w.Code, want)
		}
	}
	if w := b.do("POST", path+"/state", "state=ignored", ""); w.Code != 303 || w.Header().Get("Location") != "/csp/admin/login" {
		t.Errorf("without login: %d", w.Code)
	}
	if w := b.do("POST", path+"/state", "state=ignored", cookie, "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("from another page: %d", w.Code)
	}
	if page := b.page(t, path); !strings.Contains(page, "state-resolved") {
		t.Error("the group is not resolved")
	}
	for target, want := range map[string]int{"/csp/admin/groups/99": 404, "/csp/admin/groups/x": 404, "/csp/admin/groups?view=x": 400, "/csp/admin/groups?after=x": 400, "/csp/admin/groups?state=x": 200} {
		if w := b.do("GET", target, "", cookie); w.Code != want {
			t.Errorf("%s: %d, want %d", target, w.Code, want)
		}
	}
}

func TestGroupPages(t *testing.T) {
	b := newBench(t)
	for i := range PageSize + 1 {
		b.add(t, store.Record{Report: report.Report{Directive: "img-src", Blocked: fmt.Sprintf("https://h%d.example", i)}})
	}
	first := b.page(t, "/csp/admin/groups?directive=img-src&view=violations")
	m := regexp.MustCompile(`rel="next" href="([^"]*)"`).FindStringSubmatch(first)
	if m == nil || strings.Count(first, "<tr>") != PageSize+1 {
		t.Fatalf("%d rows, next %q", strings.Count(first, "<tr>"), m)
	}
	second := b.page(t, strings.ReplaceAll(m[1], "&amp;", "&"))
	if strings.Count(second, "<tr>") != 2 || strings.Contains(second, `rel="next"`) {
		t.Errorf("%d rows on the second page", strings.Count(second, "<tr>"))
	}
}

// TestHostileGroups is TestHostileReports for groups.
func TestHostileGroups(t *testing.T) {
	pages := func(p string) string {
		b := newBench(t)
		b.fill(t, store.Violations, p)
		list := b.page(t, "/csp/admin/groups?directive="+url.QueryEscape(p))
		if p != "x" {
			list += b.page(t, "/csp/admin/groups")
		} else {
			list += list
		}
		return skeleton(t, strings.ReplaceAll(list, `value="`+p, `value="x`)) + skeleton(t, b.page(t, groupPath(t, b.page(t, "/csp/admin/groups"))))
	}
	count := func(s string) string { return regexp.MustCompile(`="[^"]*"`).ReplaceAllString(s, "") }
	b := newBench(t)
	b.fill(t, store.Violations, "x")
	want := skeleton(t, b.page(t, groupPath(t, b.page(t, "/csp/admin/groups"))))
	for _, p := range payloads {
		if got := pages(p); !strings.HasSuffix(got, want) {
			t.Errorf("%q changes the group's page:\n%s\nwant\n%s", p, got, want)
		} else if strings.Count(count(got), "<script") > 0 {
			t.Errorf("%q makes a script", p)
		}
	}
}

// TestSites: with several sites each has its own lists, and addresses keep the site.
func TestSites(t *testing.T) {
	b := newBench(t)
	b.sites = 2
	b.add(t, store.Record{Report: report.Report{Blocked: "https://of-shop.example"}})
	r := store.Record{Site: "blog", Lane: store.Genuine, Received: b.now, Report: report.Report{Kind: report.CSPViolation, Blocked: "https://of-blog.example"}}
	if err := b.store.Add(t.Context(), []store.Record{r}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/csp/admin/", "/csp/admin/groups"} {
		shop, blog, odd := b.page(t, path), b.page(t, path+"?site=blog"), b.page(t, path+"?site=%3Cb%3E")
		if !strings.Contains(shop, "of-shop") || strings.Contains(shop, "of-blog") || !strings.Contains(blog, "of-blog") || strings.Contains(blog, "of-shop") || !strings.Contains(odd, "of-shop") {
			t.Errorf("%s: sites are mixed", path)
		}
		if !strings.Contains(blog, `/csp/admin/others?site=blog"`) || strings.Contains(shop, `/csp/admin/others?site=`) {
			t.Errorf("%s: addresses lose the site", path)
		}
	}
	path := groupPath(t, b.page(t, "/csp/admin/groups?site=blog"))
	if w := b.do("POST", strings.Replace(path, "?", "/state?", 1), "state=ignored&site=blog", b.login(t)); w.Code != 303 || !strings.Contains(w.Header().Get("Location"), "?site=blog") {
		t.Errorf("state: %d to %s", w.Code, w.Header().Get("Location"))
	}
	if w := b.do("GET", strings.Split(path, "?")[0], "", b.login(t)); w.Code != 404 {
		t.Errorf("a group of another site: %d", w.Code)
	}
}

func TestDays(t *testing.T) {
	day := time.Date(2026, 11, 19, 23, 0, 0, 0, time.UTC)
	got := days([]store.HourCount{{Hour: day.Add(-time.Hour), Count: 1}, {Hour: day, Count: 2}, {Hour: day.Add(time.Hour), Count: 12}})
	if len(got) != 2 || got[0].Date != "2026-11-20" || got[0].Share != 100 || got[1].Count != 3 || got[1].Share != 25 {
		t.Errorf("%+v", got)
	}
}
