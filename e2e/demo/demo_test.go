package demo

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// get answers a request with the given headers, "Name: value".
func get(t *testing.T, path string, headers ...string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	New().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestPagesCarryTheNonceThatTheyAreGiven(t *testing.T) {
	const nonce = ` nonce="abcdefghijklmnopqrstuvwx"`
	for _, path := range []string{"/", "/tea/jade-needle", "/search", "/search?q=jasmine", "/cart", "/checkout", "/nowhere"} {
		cart := "Cookie: cart=jade-needle:2"
		_, with := get(t, path, cart, "x-csp-nonce: abcdefghijklmnopqrstuvwx")
		tags := strings.Count(with, "<script") + strings.Count(with, "<style") + strings.Count(with, `rel="stylesheet"`)
		if stamped := strings.Count(with, nonce); stamped != tags {
			t.Errorf("%s: %d of %d tags carry the nonce", path, stamped, tags)
		}
		_, without := get(t, path, cart)
		if want := strings.ReplaceAll(with, nonce, ""); without != want {
			t.Errorf("%s without the request header is not the same page without the attribute", path)
		}
	}
}

func TestOldPagesAreAsTheyWereUploaded(t *testing.T) {
	for path, file := range map[string]string{"/old/": "index.html", "/old/delivery.html": "delivery.html", "/old/shop.js": "shop.js"} {
		want, err := files.ReadFile("old/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if status, got := get(t, path, "x-csp-nonce: abcdefghijklmnopqrstuvwx"); status != http.StatusOK || got != string(want) {
			t.Errorf("%s: status %d, or not the file %s", path, status, file)
		}
	}
}

func TestTheHoleIsWhereItIsMeantToBe(t *testing.T) {
	query := url.QueryEscape(Attack)
	if _, page := get(t, "/search?q="+query); !strings.Contains(page, "You searched for: "+Attack) {
		t.Error("the search page does not reflect its query")
	} else if strings.Count(page, Attack) != 1 {
		t.Error("the search page reflects its query in more places than one")
	}
	for _, path := range []string{"/?q=", "/cart?q=", "/tea/", "/old/?q="} {
		if _, page := get(t, path+query); strings.Contains(page, Attack) {
			t.Errorf("%s reflects it too", path)
		}
	}
}

func TestCart(t *testing.T) {
	server := httptest.NewServer(New())
	defer server.Close()
	post := func(cookie, tea, quantity string) (int, string) {
		form := url.Values{"tea": {tea}, "quantity": {quantity}}
		r, _ := http.NewRequest(http.MethodPost, server.URL+"/cart", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", cookie)
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		_, _ = io.Copy(io.Discard, response.Body)
		set, _, _ := strings.Cut(response.Header.Get("Set-Cookie"), ";")
		return response.StatusCode, set
	}
	for _, c := range []struct {
		cookie, tea, quantity string
		status                int
		want                  string
	}{
		{"", "jade-needle", "1", http.StatusSeeOther, "cart=jade-needle:1"},
		{"cart=jade-needle:1", "rowan-hip", "2", http.StatusSeeOther, "cart=jade-needle:1.rowan-hip:2"},
		{"cart=jade-needle:19", "jade-needle", "1", http.StatusSeeOther, "cart=jade-needle:20"},
		{"cart=jade-needle:19", "jade-needle", "2", http.StatusSeeOther, "cart=jade-needle:20"},
		{"cart=jade-needle:9999999999.bad.x:y:z", "rowan-hip", "20", http.StatusSeeOther, "cart=jade-needle:20.rowan-hip:20"},
		{"", "jade-needle", "21", http.StatusBadRequest, ""},
		{"", "jade-needle", "0", http.StatusBadRequest, ""},
		{"", "jade-needle", "", http.StatusBadRequest, ""},
		{"", "no-such-tea", "1", http.StatusSeeOther, "cart="},
	} {
		if status, got := post(c.cookie, c.tea, c.quantity); status != c.status || got != c.want {
			t.Errorf("%s tins of %q to %q: %d %q, want %d %q", c.quantity, c.tea, c.cookie, status, got, c.status, c.want)
		}
	}
	if _, page := get(t, "/cart", "Cookie: cart=jade-needle:2.amber-breakfast:1"); !strings.Contains(page, "£34.80") || !strings.Contains(page, "<b>3</b>") {
		t.Error("the cart's page does not say £34.80 for 3 tins")
	}
}
