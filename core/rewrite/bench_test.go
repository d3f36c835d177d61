package rewrite

import (
	"bytes"
	"io"
	"testing"

	"golang.org/x/net/html"
)

// chunkSizes are those of the benchmarks; 0 is the whole page.
var chunkSizes = []struct {
	name  string
	bytes int
}{{"1KiB", 1 << 10}, {"16KiB", 16 << 10}, {"whole", 0}}

// BenchmarkStamp stamps every script, style and link.
func BenchmarkStamp(b *testing.B) {
	benchPages(b, func(string) (*Options, *Ledger) { return &both, nil })
}

// BenchmarkLedger stamps the same and takes the inventory.
func BenchmarkLedger(b *testing.B) {
	benchPages(b, func(string) (*Options, *Ledger) { return &both, NewLedger() })
}

// BenchmarkApproved stamps what is approved, which is all that the page holds.
func BenchmarkApproved(b *testing.B) {
	benchPages(b, func(page string) (*Options, *Ledger) {
		g := NewLedger()
		whole(&Options{}, Page{URL: "https://shop.example/", Inventory: g, Charset: "utf-8"}, page)
		var list []string
		for _, e := range g.Entries() {
			if e.Found <= InlineStyle {
				list = append(list, e.Hash)
			}
		}
		return &Options{Trust: Inventory, Scripts: true, Styles: true, Approved: mustApprove(list...)}, nil
	})
}

func benchPages(b *testing.B, setUp func(page string) (*Options, *Ledger)) {
	for _, name := range pageNames {
		page := readFile(b, "testdata/pages/"+name+".html")
		o, g := setUp(page)
		for _, size := range chunkSizes {
			b.Run(name+"/"+size.name, func(b *testing.B) { benchPage(b, o, g, []byte(page), size.bytes) })
		}
	}
}

func benchPage(b *testing.B, o *Options, g *Ledger, page []byte, size int) {
	if size == 0 {
		size = len(page)
	}
	var s Stream
	dst := make([]byte, 0, 2*len(page))
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		s.Reset(o, Page{Nonce: "AAAAAAAAAAAAAAAAAAAAAA", URL: "https://shop.example/", Charset: "utf-8", Inventory: g})
		for rest := page; len(rest) > 0; {
			n := min(size, len(rest))
			if s.Scan(rest[:n]) {
				dst = s.Append(dst[:0])
			}
			rest = rest[n:]
		}
		dst = s.Close(dst[:0])
	}
}

// BenchmarkNetHTML only reads the tokens, with x/net/html.
func BenchmarkNetHTML(b *testing.B) {
	for _, name := range pageNames {
		page := []byte(readFile(b, "testdata/pages/"+name+".html"))
		b.Run(name+"/whole", func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				z := html.NewTokenizer(bytes.NewReader(page))
				for z.Next() != html.ErrorToken {
				}
				if z.Err() != io.EOF {
					b.Fatal(z.Err())
				}
			}
		})
	}
}
