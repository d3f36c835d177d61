package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// host is the site's name in every request: pages have addresses below it.
const host = "bench.example"

// A page is something that the upstream serves at /name.
type page struct {
	name string
	html bool
	body []byte
}

// sizes are the synthetic pages.
var sizes = []struct {
	name string
	size int
}{{"1KB", 1_000}, {"10KB", 10_000}, {"100KB", 100_000}, {"1MB", 1_000_000}}

// pages returns what is measured: a small JSON answer that no filter has to
// touch, synthetic pages of four sizes and the real pages of core/rewrite.
func pages(root string) ([]page, error) {
	list := []page{{name: "json", body: []byte(`{"a":1}`)}}
	for _, s := range sizes {
		list = append(list, page{name: s.name, html: true, body: synthetic(s.size)})
	}
	files, err := filepath.Glob(filepath.Join(root, "core/rewrite/testdata/pages/*.html"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("there are no real pages below %s (%v); start it in the checkout, or name that with -root", root, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		list = append(list, page{name: strings.TrimSuffix(filepath.Base(file), ".html"), html: true, body: body})
	}
	return list, nil
}

const (
	head = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Garden tools, seeds and pots</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/site.css">
<script src="/static/site.js" defer></script>
<style>body { margin: 0; font: 16px/1.5 sans-serif } nav a { color: #063 }</style>
<script>window.shop = { currency: "EUR", locale: "en" };</script>
</head>
<body>
<nav><a href="/">Home</a> <a href="/offers">Offers</a> <a href="/basket">Basket</a></nav>
`
	foot = "</body>\n</html>\n"

	// article is about 600 bytes, with a tag in every 40 as pages have them.
	article = `<article class="product" id="p%d"><a href="/products/%d"><img src="/img/%d.jpg" alt="A watering can" width="320" height="240" loading="lazy"></a>
<h2>Watering can, %d litres</h2><p>Galvanised steel with a <em>brass rose</em>; it holds water, and does not tip over.
Made to be left out in the rain &amp; the sun for many years.</p>
<ul><li><b>Colour:</b> zinc</li><li><b>Weight:</b> 1.2 kg</li><li><a href="/products/%d/reviews">31 reviews</a></li></ul>
<form action="/basket" method="post"><input type="hidden" name="id" value="%d"><button>Into the basket</button></form></article>
`
	// widget stands once in perWidget articles, as inline scripts do.
	widget    = "<script>shop.seen = (shop.seen || 0) + 1;</script>\n"
	perWidget = 12
)

// tagsOf counts the tags of a synthetic page that a nonce goes on: four in the
// head and one a widget.
func tagsOf(body []byte) int { return 4 + bytes.Count(body, []byte(widget)) }

// synthetic returns a page of exactly size bytes.
func synthetic(size int) []byte {
	b := []byte(head)
	for i := 1; ; i++ {
		piece := fmt.Sprintf(article, i, i, i, i, i, i)
		if i%perWidget == 1 {
			piece += widget
		}
		if len(b)+len(piece)+len(foot)+len("<p></p>") > size {
			break
		}
		b = append(b, piece...)
	}
	text := strings.Repeat("words and more words, ", size/20+1)
	b = append(b, "<p>"...)
	b = append(b, text[:size-len(b)-len(foot)-len("</p>")]...)
	return append(append(b, "</p>"...), foot...)
}
