package admin

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed style.css
var styleSheet []byte

var (
	loginTemplate  = parse("login.html")
	listTemplate   = parse("list.html")
	groupsTemplate = parse("groups.html")
	groupTemplate  = parse("group.html")
)

func parse(page string) *template.Template {
	return template.Must(template.ParseFS(templates, "templates/frame.html", "templates/header.html", "templates/rows.html", "templates/"+page))
}

// A Frame is what every page has.
type Frame struct {
	Title string
	Root  string // path of the dashboard, without the last slash
	Site  string
	Sites []string // all of them, where there are several
	Tabs  []Tab
	Here  string // the Href of the tab
}

// Query is what addresses end with that are about the page's site.
func (f Frame) Query() template.URL {
	if len(f.Sites) == 0 || f.Site == f.Sites[0] {
		return ""
	}
	return template.URL("?site=" + url.QueryEscape(f.Site))
}

// siteParam is the same for addresses that have other parameters.
func (f *Frame) siteParam() string {
	if f.Query() == "" {
		return ""
	}
	return "&site=" + url.QueryEscape(f.Site)
}

func (a *Admin) frame(title string, r *http.Request, here string) Frame {
	f := Frame{Title: title, Root: a.root, Site: a.site(r), Tabs: navigation(), Here: here}
	if sites := a.Sites(); len(sites) > 1 {
		f.Sites = sites
	}
	return f
}

// render writes a page whole or, where its template fails, not at all.
func (a *Admin) render(w http.ResponseWriter, status int, t *template.Template, data any) {
	var page bytes.Buffer
	if err := t.ExecuteTemplate(&page, "frame.html", data); err != nil {
		a.fail(w, "make a page", err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w)
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(styleSheet)
}
