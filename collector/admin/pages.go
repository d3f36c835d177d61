package admin

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed style.css
var styleSheet []byte

var (
	loginTemplate = parse("login.html")
	listTemplate  = parse("list.html")
)

func parse(page string) *template.Template {
	return template.Must(template.ParseFS(templates, "templates/frame.html", "templates/"+page))
}

// A Frame is what every page has.
type Frame struct {
	Title string
	Root  string // path of the dashboard, without the last slash
	Site  string
}

func (a *Admin) frame(title string) Frame { return Frame{Title: title, Root: a.root, Site: a.Site} }

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
