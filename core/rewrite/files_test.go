package rewrite

import (
	"os"
	"testing"
)

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pageNames are the real pages of testdata/pages.
var pageNames = []string{"chrome-sample", "cloudflare.com", "demo", "ecma402-spec", "html-parsing-spec"}

func pages(t testing.TB) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, n := range pageNames {
		list[n] = readFile(t, "testdata/pages/"+n+".html")
	}
	return list
}
