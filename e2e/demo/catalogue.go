package demo

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// tea is one thing that the shop sells.
type tea struct {
	Slug   string
	Name   string
	Origin string
	Notes  string
	Text   string
	Pence  int    // for a tin of 100 g
	Stock  int    // tins
	Tint   string // the colour of its pages, as CSS has it
}

// Price is the price of one tin, as "£7.50".
func (t tea) Price() string { return pounds(t.Pence) }

// catalogue is what the shop sells. It does not change.
func catalogue() []tea {
	return []tea{
		{"first-flush", "First Flush", "Darjeeling, India", "muscatel, apricot, cut grass",
			"Picked in the last week of March, when the bushes wake. Brew it at 85 °C for three minutes, and leave the milk in the jug.",
			1250, 14, "#5f7a3a"},
		{"smoke-and-pine", "Smoke & Pine", "Fujian, China", "pine smoke, cocoa, dried longan",
			"Withered over pine fires the old way. A tin of it will scent the cupboard, the drawer below it, and most of the hall.",
			980, 32, "#7a4a32"},
		{"jade-needle", "Jade Needle", "Shizuoka, Japan", "sea air, sweet pea, chestnut",
			"Deep-steamed and needle-rolled. Use water that has gone quiet, about 70 °C, and pour it off to the last drop.",
			1420, 6, "#2f7f6d"},
		{"amber-breakfast", "Amber Breakfast", "Assam, India", "malt, honey on toast, plum",
			"Strong enough to stand a spoon in before nine, and kind enough to be drunk after it. Made for milk.",
			640, 120, "#b0702a"},
		{"moon-blossom", "Moon Blossom", "Guangxi, China", "jasmine, pear, clean linen",
			"Green tea laid down seven nights running with fresh jasmine, which opens after dark and gives all it has.",
			1100, 21, "#7d6aa8"},
		{"rowan-hip", "Rowan & Hip", "The Borders, Scotland", "rosehip, rowan, heather honey",
			"No tea leaf at all: what the hedge gives in October, dried slowly. Good cold, with ice, when it is July again.",
			720, 45, "#a8443d"},
	}
}

// teaBySlug finds a tea by the name that its address has.
func teaBySlug(slug string) (tea, bool) {
	teas := catalogue()
	at := slices.IndexFunc(teas, func(t tea) bool { return t.Slug == slug })
	if at < 0 {
		return tea{}, false
	}
	return teas[at], true
}

// search lists the teas whose name, origin or notes hold query.
func search(query string) []tea {
	query = strings.ToLower(strings.TrimSpace(query))
	if query == "" {
		return nil
	}
	return slices.DeleteFunc(catalogue(), func(t tea) bool {
		return !strings.Contains(strings.ToLower(t.Name+" "+t.Origin+" "+t.Notes), query)
	})
}

// line is one line of a cart.
type line struct {
	Tea      tea
	Quantity int
}

// Price is the price of the whole line, as "£7.50".
func (l line) Price() string { return pounds(l.Tea.Pence * l.Quantity) }

// The cart lives in a cookie, "slug:quantity" joined by dots, so that the shop
// keeps nothing and the tests can see where cookies go.
const (
	cartCookie  = "cart"
	maxQuantity = 20 // tins of one tea
)

// cartOf reads the cart of a request and leaves out what makes no sense.
func cartOf(r *http.Request) []line {
	cookie, err := r.Cookie(cartCookie)
	if err != nil {
		return nil
	}
	var lines []line
	for _, item := range strings.Split(cookie.Value, ".") {
		slug, quantity, _ := strings.Cut(item, ":")
		if n, err := strconv.Atoi(quantity); err == nil {
			lines = add(lines, slug, n)
		}
	}
	return lines
}

// add puts n tins of a tea into the cart, up to maxQuantity in all.
func add(lines []line, slug string, n int) []line {
	t, found := teaBySlug(slug)
	if !found || n < 1 {
		return lines
	}
	at := slices.IndexFunc(lines, func(l line) bool { return l.Tea.Slug == slug })
	if at < 0 {
		return append(lines, line{t, min(n, maxQuantity)})
	}
	lines[at].Quantity += min(n, maxQuantity-lines[at].Quantity)
	return lines
}

// setCart sends the cart back to the browser.
func setCart(w http.ResponseWriter, lines []line) {
	items := make([]string, len(lines))
	for i, l := range lines {
		items[i] = l.Tea.Slug + ":" + strconv.Itoa(l.Quantity)
	}
	cookie := &http.Cookie{Name: cartCookie, Value: strings.Join(items, "."), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if len(lines) == 0 {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}

// total is the price of a whole cart, as "£7.50".
func total(lines []line) string {
	pence := 0
	for _, l := range lines {
		pence += l.Tea.Pence * l.Quantity
	}
	return pounds(pence)
}

// count is the number of tins in a cart.
func count(lines []line) int {
	n := 0
	for _, l := range lines {
		n += l.Quantity
	}
	return n
}

func pounds(pence int) string { return fmt.Sprintf("£%d.%02d", pence/100, pence%100) }
