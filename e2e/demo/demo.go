// Package demo is the shop that edgecsp is shown and tested with: an ordinary
// small web application with inline and external scripts and styles, an inline
// event handler, a few old static pages, and one deliberate hole.
//
// What it does for its Content Security Policy is one line: its own script and
// style tags carry the nonce that the edge hands it in the request header
// x-csp-nonce. Without the filter in front there is no such header, and the
// tags carry none.
package demo

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
)

//go:embed templates static old
var files embed.FS

// shop holds the templates, a set for each page, by the page's name.
type shop struct {
	pages map[string]*template.Template
}

// page is what every template gets.
type page struct {
	Title string
	Nonce string // of this response, or empty
	Tins  int    // in the cart
	Data  any    // the page's own
}

// New returns the shop. It keeps no state: the cart is in the visitor's cookie.
func New() http.Handler {
	s := shop{pages: parse("home", "product", "search", "cart", "checkout", "thanks", "missing")}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /tea/{slug}", s.product)
	mux.HandleFunc("GET /search", s.search)
	mux.HandleFunc("GET /cart", s.cart)
	mux.HandleFunc("POST /cart", s.addToCart)
	mux.HandleFunc("POST /cart/empty", s.emptyCart)
	mux.HandleFunc("GET /checkout", s.checkout)
	mux.HandleFunc("POST /checkout", s.order)
	mux.HandleFunc("GET /stock.json", stock)
	mux.Handle("GET /static/", http.FileServerFS(files))
	mux.HandleFunc("GET /favicon.ico", icon) // browsers ask, and the old pages name none
	// Plain files, as somebody uploaded them years ago. Nothing stamps them.
	mux.Handle("GET /old/", http.FileServerFS(files))
	mux.HandleFunc("/", s.missing)
	return http.NewCrossOriginProtection().Handler(mux)
}

// parse reads the layout and the named pages. The files are in the program,
// so an error in one is an error in the program.
func parse(names ...string) map[string]*template.Template {
	layout := template.Must(template.ParseFS(files, "templates/layout.html"))
	pages := make(map[string]*template.Template)
	for _, name := range names {
		pages[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	return pages
}

// show writes a page.
func (s shop) show(w http.ResponseWriter, r *http.Request, status int, name, title string, data any) {
	var body bytes.Buffer
	err := s.pages[name].ExecuteTemplate(&body, "layout.html", page{
		Title: title,
		Nonce: r.Header.Get("X-Csp-Nonce"),
		Tins:  count(cartOf(r)),
		Data:  data,
	})
	if err != nil {
		http.Error(w, "the shop cannot make this page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	// A visitor who went away is nothing to do anything about.
	_, _ = body.WriteTo(w)
}

func (s shop) home(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, "home", "Loose-leaf tea", catalogue())
}

func (s shop) product(w http.ResponseWriter, r *http.Request) {
	t, found := teaBySlug(r.PathValue("slug"))
	if !found {
		s.missing(w, r)
		return
	}
	s.show(w, r, http.StatusOK, "product", t.Name, t)
}

// Attack is a query for the search page that makes use of its hole: a script
// that the page reflects. It turns the page's warning sign on, no more.
const Attack = `<script>document.documentElement.className='hacked'</script>`

// search shows what was searched for and what was found.
//
// THE HOLE: the query goes into the page as it came, so whoever makes somebody
// follow a link to this page runs a script in it (reflected cross-site
// scripting). It is here on purpose, to show what a Content Security Policy is
// for. In your own application write {{.}} and let html/template escape it.
func (s shop) search(w http.ResponseWriter, r *http.Request) {
	query := r.FormValue("q")
	s.show(w, r, http.StatusOK, "search", "Search", struct {
		Query     string
		Unescaped template.HTML
		Attack    string
		Found     []tea
	}{query, template.HTML(query), Attack, search(query)})
}

func (s shop) cart(w http.ResponseWriter, r *http.Request) {
	lines := cartOf(r)
	s.show(w, r, http.StatusOK, "cart", "Your cart", struct {
		Lines []line
		Total string
	}{lines, total(lines)})
}

func (s shop) addToCart(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("quantity"))
	if err != nil || n < 1 || n > maxQuantity {
		http.Error(w, "quantity must be a number from 1 to "+strconv.Itoa(maxQuantity), http.StatusBadRequest)
		return
	}
	setCart(w, add(cartOf(r), r.FormValue("tea"), n))
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
}

func (s shop) emptyCart(w http.ResponseWriter, r *http.Request) {
	setCart(w, nil)
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
}

func (s shop) checkout(w http.ResponseWriter, r *http.Request) {
	lines := cartOf(r)
	if len(lines) == 0 {
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
		return
	}
	s.show(w, r, http.StatusOK, "checkout", "Checkout", total(lines))
}

func (s shop) order(w http.ResponseWriter, r *http.Request) {
	setCart(w, nil)
	r.Header.Del("Cookie") // so that the page shows the cart as it is now
	s.show(w, r, http.StatusOK, "thanks", "Thank you", r.FormValue("name"))
}

func (s shop) missing(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusNotFound, "missing", "Not here", nil)
}

// stock answers how many tins there are of each tea, for static/shop.js.
func stock(w http.ResponseWriter, _ *http.Request) {
	tins := make(map[string]int)
	for _, t := range catalogue() {
		tins[t.Slug] = t.Stock
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(tins)
}

func icon(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "static/img/leaf.svg")
}

// OldPages gives the files of the old static pages as they are served under
// /old/, for who computes the hashes of what is inline in them.
func OldPages() fs.FS {
	old, err := fs.Sub(files, "old")
	if err != nil {
		panic(err) // "old" is a valid path
	}
	return old
}
