package admin

import (
	"net/http"
	"strconv"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

const (
	// PageSize is how many reports a page lists.
	PageSize = 50
	// RefreshEvery is how often a live page loads itself anew.
	RefreshEvery = 2 * time.Second
)

// A Tab is one of the dashboard's lists.
type Tab struct {
	Path  string // below the dashboard's root, as a ServeMux pattern
	Href  string // below the dashboard's root
	Name  string
	About string
	view  store.View
}

var tabs = [...]Tab{
	{"/{$}", "/", "Violations", "What broke the policy on pages that were really fetched. Expired: the page was over a day old.", store.Violations},
	{"/others", "/others", "Other reports", "What browsers report beside the policy: deprecations, crashes, network errors and more.", store.Others},
	{"/unverified", "/unverified", "Unverified", "These came without a valid token. Anybody can have sent them: nothing is concluded from them.", store.Unverified},
}

// navigation returns all tabs: the lists of reports and that of groups.
func navigation() []Tab {
	return []Tab{tabs[0], {Href: "/groups", Name: "Groups"}, tabs[1], tabs[2]}
}

type listData struct {
	Frame
	Tab          *Tab
	Rows         []Row
	Live         bool
	First        bool   // the newest page
	Newer, Older string // addresses of the neighbours, "" for none
	ReportPath   string // where the public listener takes reports
}

// A Row is a report as it is shown. Its text has been made visible.
type Row struct {
	Time, Ago             string
	Kind                  string // "" for CSP violations
	Disposition           string
	DispositionClass      string
	Directive             string
	Blocked, Page, Source string // shortened
	Sample, Detail        string
	Lane                  string
	Details               []Detail
	Group                 int64
}

// A Detail is shown on demand.
type Detail struct{ Name, Value string }

func (a *Admin) list(tab *Tab) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		query := store.Query{Site: a.site(r), View: tab.view, Limit: PageSize, Before: id(q.Get("before"))}
		if query.Before == 0 {
			query.After = id(q.Get("after"))
		}
		page, err := a.Store.List(r.Context(), query)
		if err != nil {
			a.fail(w, "list reports", err)
			return
		}
		data := a.listData(tab, page, r)
		data.First = query.Before == 0 && query.After == 0
		data.Live = data.First && q.Get("live") == "1"
		if data.Live {
			w.Header().Set("Refresh", strconv.Itoa(int(RefreshEvery.Seconds())))
		}
		a.render(w, http.StatusOK, listTemplate, data)
	}
}

// id reads a record id; what is none is 0.
func id(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func (a *Admin) listData(tab *Tab, page store.Page, r *http.Request) listData {
	d := listData{Frame: a.frame(tab.Name, r, tab.Href), Tab: tab, ReportPath: a.Base + "/report/csp/"}
	now := a.Now()
	for i := range page.Records {
		d.Rows = append(d.Rows, row(&page.Records[i], now))
	}
	here := a.root + tab.Href
	if n := len(page.Records); n > 0 {
		if page.Newer {
			d.Newer = here + "?after=" + strconv.FormatInt(page.Records[0].ID, 10) + d.siteParam()
		}
		if page.Older {
			d.Older = here + "?before=" + strconv.FormatInt(page.Records[n-1].ID, 10) + d.siteParam()
		}
	}
	return d
}

func row(r *store.Record, now time.Time) Row {
	p := &r.Report
	row := Row{
		Time: r.Received.UTC().Format("2006-01-02 15:04:05"), Ago: ago(now.Sub(r.Received)),
		Directive: report.Visible(p.Directive), Sample: report.Visible(p.Sample), Detail: report.Visible(p.Detail),
		Lane: report.Visible(string(r.Lane)), Group: r.Group,
	}
	row.Blocked = row.long("Blocked", p.Blocked)
	row.Page = row.long("Page", p.Page)
	row.Source = row.long("Source", source(p))
	row.detail("Policy", p.Policy)
	row.detail("Referrer", p.Referrer)
	row.detail("Browser", p.UserAgent)
	row.detail("Page's status", number(p.Status))
	row.detail("Network", r.Network)
	row.detail("Session", r.Session)
	row.detail("Policy version", number(int(r.PolicyVersion)))
	if p.Kind != report.CSPViolation {
		row.Kind = report.Visible(string(p.Kind))
	}
	switch p.Disposition {
	case report.Enforce:
		row.Disposition, row.DispositionClass = "blocked", "enforce"
	case report.ReportOnly:
		row.Disposition, row.DispositionClass = "report only", "report"
	}
	return row
}

// MaxShown is how many characters of an address a row shows; the whole of a
// longer one is among its details.
const MaxShown = 140

// long returns what a row shows of an address: its host at the start and its
// file name and line at the end.
func (row *Row) long(name, value string) string {
	value = report.Visible(value)
	chars := []rune(value)
	if len(chars) <= MaxShown {
		return value
	}
	row.detail(name, value)
	const tail = 40
	return string(chars[:MaxShown-tail-1]) + "…" + string(chars[len(chars)-tail:])
}

func (row *Row) detail(name, value string) {
	if value != "" {
		row.Details = append(row.Details, Detail{name, report.Visible(value)})
	}
}

// number returns "" for 0, which is unknown.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// source returns "file:line:column", without what is unknown.
func source(r *report.Report) string {
	s := r.SourceFile
	if r.Line > 0 {
		if s == "" {
			s = "line "
		} else {
			s += ":"
		}
		s += strconv.Itoa(r.Line)
		if r.Column > 0 {
			s += ":" + strconv.Itoa(r.Column)
		}
	}
	return s
}

func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "just now"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s ago"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min ago"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h ago"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days ago"
}
