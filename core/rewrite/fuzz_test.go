package rewrite

import (
	"strings"
	"testing"
)

// pieces are what FuzzTree makes documents of; each byte of its input chooses one.
var pieces = []string{
	"<svg>", "</svg>", "<math>", "</math>", "<style>", "</style>", "<script>", "</script>", "<title>", "</title>", "<select>", "</select>",
	"<template>", "</template>", "<table>", "</table>", "<tr>", "<td>", "</td>", "</tr>", "<p>", "</p>", "<div>", "</div>", "<b>", "</b>",
	"<foreignObject>", "</foreignObject>", "<desc>", "</desc>", "<mi>", "</mi>", "<annotation-xml>", `<annotation-xml encoding="text/html">`,
	"</annotation-xml>", "<mglyph>", "<g>", "</g>", "<g/>", "<svg/>", "<script/>", "<![CDATA[", "]]>", "<!--", "-->", "--!>", "<font>",
	"<font size=1>", "</font>", "<col>", "<colgroup>", "<caption>", "<input>", "<textarea>", "</textarea>", "<noscript>", "</noscript>",
	"<iframe>", "</iframe>", "<xmp>", "</xmp>", "<noframes>", "</noframes>", "<option>", "<br>", "</br>", "<body>", "</body>", "<html>", "</html>",
	"<head>", "</head>", "<link rel=stylesheet>", "<a>", "</a>", "<h1>", "</h1>", "<li>", "</li>", "<ul>", "</ul>", "<button>", "</button>",
	"<form>", "</form>", "<object>", "</object>", "<!doctype html>", "x", " ", "<", "'", `"`, "<p a='", `<p a="`, "<p a=", ">", "/>", "</",
}

func FuzzTree(f *testing.F) {
	f.Add([]byte{0, 26, 20, 27, 4, 6, 7, 5, 1, 6})
	f.Add([]byte{10, 12, 11, 13, 4, 6})
	f.Add([]byte{14, 16, 17, 0, 28, 18, 4, 6})
	f.Fuzz(func(t *testing.T, choice []byte) {
		var b strings.Builder
		for _, c := range choice[:min(len(choice), 40)] {
			b.WriteString(pieces[int(c)%len(pieces)])
		}
		in := b.String()
		checkTree(t, in)
		checkTree(t, in+"<style><script></script></style>")
	})
}

// FuzzSplit checks that the output of any bytes does not depend on where they are cut.
func FuzzSplit(f *testing.F) {
	for _, in := range hard {
		f.Add(in, uint16(7))
	}
	f.Fuzz(func(t *testing.T, in string, cut uint16) {
		for _, o := range []*Options{&both, &inventoryAll, {Place: BodyEnd}, {Trust: All, Scripts: true, Place: Head}} {
			p := Page{Nonce: "m", Snippet: []byte("SNIPPET"), Document: cut%2 == 0}
			want, counts := whole(o, p, in)
			got, c := cutAt(o, p, in, int(cut)%(len(in)+1))
			p.Inventory = NewLedger()
			one, c1 := chunked(o, p, in, 1)
			if got != want || c != counts || one != want || c1 != counts {
				t.Errorf("cut at %d of %q:\n got %q %+v\n and %q %+v\nwant %q %+v", cut, in, got, c, one, c1, want, counts)
			}
			if less := strings.NewReplacer(` nonce="m"`, "", `nonce="m"`, "", "SNIPPET", "").Replace(want); o.Place != Nowhere && len(less) > len(in) {
				t.Errorf("%q became longer: %q", in, less)
			}
		}
	})
}

// inventoryAll stamps what inventory trust approves, for inputs with the script "a" or an empty one.
var inventoryAll = Options{Trust: Inventory, Scripts: true, Styles: true, Approved: mustApprove("sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
	"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), MaxTag: 300, MaxBlock: 400}

func mustApprove(list ...string) *Approvals {
	a, err := NewApprovals(list)
	if err != nil {
		panic(err)
	}
	return a
}
