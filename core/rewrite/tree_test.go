package rewrite

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// treeInputs are the documents of html5lib's tree construction tests.
func treeInputs(t testing.TB) []string {
	files, err := filepath.Glob("testdata/html5lib/tree/*.dat")
	if err != nil || len(files) < 30 {
		t.Fatal("tests are missing", err)
	}
	var all []string
	for _, f := range files {
		for _, part := range strings.Split("\n"+readFile(t, f), "\n#data\n")[1:] {
			in, rest, _ := strings.Cut(part, "\n#errors")
			if !strings.Contains(rest, "#document-fragment") && !strings.Contains(rest, "#script-off") {
				all = append(all, in)
			}
		}
	}
	return all
}

// Documents that follow the tree into the corners where a tag may be ignored or an element left.
var hard = []string{
	`<svg><script>a</script></svg><script></script>`,
	`<svg></p><style><script></script></style>`,
	`<svg></br><style><script></script></style>`,
	`<svg><p><style><script></script></style>`,
	`<svg><font><style><script></script></style></font></svg>`,
	`<svg><font color=a><style><script></script></style></font></svg>`,
	`<div><svg></div><style><script></script></style>`,
	`<div><svg></div></svg><style><script></script></style>`,
	`<svg></path><style><script></script></style>`,
	`<svg></path></svg><style><script></script></style>`,
	`<svg><g><desc></g><style><script></script></style>`,
	`<svg><desc></svg><style><script></script></style>`,
	`<svg><desc><p></desc><style><script></script></style>`,
	`<svg><foreignObject><p></foreignObject></svg></p></foreignObject><style><script></script></style>`,
	`<svg><foreignObject><div><p>a</p></div></foreignObject><style><script></script></style></svg>`,
	`<svg><foreignObject><table><tr><td></table></foreignObject><style><script></script></style></svg>`,
	`<table><tr><td><svg><foreignObject><td><style><script></script></style>`,
	`<table><tr><td><svg><desc></td><style><script></script></style>`,
	`<table><svg></table><style><script></script></style>`,
	`<math><mi><style><script></script></style></mi></math>`,
	`<math><mi><mglyph><style><script></script></style></mglyph></mi></math>`,
	`<math><annotation-xml><style><script></script></style></annotation-xml></math>`,
	`<math><annotation-xml encoding="text/HTML"><style><script></script></style></annotation-xml></math>`,
	`<math><annotation-xml><svg><style><script></script></style></svg><style><script></script></style>`,
	`<math><annotation-xml encoding=" text/html"><style><script></script></style>`,
	`<svg/><style><script></script></style>`,
	`<svg><svg></svg><style><script></script></style></svg><style><script></script></style>`,
	`<svg><math><style><script></script></style></math><style><script></script></style></svg>`,
	`<select><style><script></script></style></select>`,
	`<select><script></script><option></select><style><script></script></style>`,
	`<select><svg><path/></svg><option></select><style><script></script></style>`,
	`<select><svg><title><script></script></title></svg></select>`,
	`<select><input><style><script></script></style>`,
	`<select><textarea><script></script></textarea><style><script></script></style>`,
	`<select><select><style><script></script></style>`,
	`<select><template><style><script></script></style></template></select><style><script></script></style>`,
	`<select><template></select></template><style><script></script></style>`,
	`<template><col><style><script></script></style></template><style><script></script></style>`,
	`<template><basefont><col><style><script></script></style></template>`,
	`<template><td><col><style><script></script></style></template>`,
	`<template><svg></template><style><script></script></style>`,
	`<template><template></template><style><script></script></style></template>`,
	`</template><svg></template><style><script></script></style>`,
	`<frameset><style><script></script></style>`,
	`<body><frameset><style><script></script></style>`,
	`a<frameset><style><script></script></style>`,
	`<frameset><frameset><noframes><style></noframes></frameset></frameset>`,
	`<noscript><p></noscript><script></script>`,
	`<head><noscript><style></noscript><script></script>`,
	`<svg><desc><template><style><script></script></style></template></desc><style><script></script></style></svg>`,
	`<svg><a><b></a><style><script></script></style></svg>`,
	`<svg><title></b></title><style><script></script></style></svg>`,
	`<svg><![CDATA[<style>]]><style><script></script></style></svg>`,
	`<svg><desc><![CDATA[<style>]]></desc></svg><script></script>`,
	`<svg><desc><b><![CDATA[<style>]]></desc></svg><script></script>`,
	`<svg></b><![CDATA[<style>]]></svg><script></script>`,
	`<plaintext><script></script>`,
	`<xmp><script></xmp><script></script>`,
	`<p><table><script></script><tr><style>a</style></table>`,
	`<a><svg><a></a></a><style><script></script></style>`,
	`<svg><script/><style/><script></script></svg>`,
	`<svg><script><g></script><style><script></script></style></svg>`,
	`<image><isindex><script></script>`,
	`<svg><select><style><script></script></style></select></svg>`,
	`<svg><desc><select><style><script></script></style></select></desc></svg>`,
	`<svg><desc><br></br></p><style><script></script></style></desc></svg>`,
	`<svg><desc><p></desc></p><style><script></script></style></desc></svg>`,
	`<body><svg><body><style><script></script></style>`,
	`<svg><html><style><script></script></style>`,
}

// TestTree holds the rewriter to x/net/html's parser: a document and what became of it are the same tree but for the nonces, and unless
// the stream gave up, every element that should have one has it.
func TestTree(t *testing.T) {
	for _, in := range append(treeInputs(t), hard...) {
		checkTree(t, in)
		for _, tail := range []string{"<style><script></script></style>", "</svg><script>", "--><title><script></script></title>"} {
			checkTree(t, in+tail)
		}
	}
}

func TestHardAtEverySplit(t *testing.T) {
	for _, in := range hard {
		everySplit(t, &both, Page{Nonce: "m"}, in)
		sameAtEverySplit(t, in, "Data state", "")
	}
}

const testNonce = "NnNnNnNn"

func checkTree(t testing.TB, in string) {
	t.Helper()
	if strings.Contains(in, testNonce) || templateInForeign(in) {
		return
	}
	out, counts := whole(&both, Page{Nonce: testNonce, Charset: "utf-8"}, in)
	before, err1 := html.Parse(strings.NewReader(in))
	after, err2 := html.Parse(strings.NewReader(out))
	if err1 != nil || err2 != nil {
		return // nested too deep for the oracle
	}
	strip(before)
	stamped := strip(after)
	for n := range stamped {
		if !earns(n) {
			t.Errorf("%q: nonce on %s of %s in %q", in, n.Data, n.Namespace, out)
		}
	}
	if a, b := rendered(before), rendered(after); a != b {
		t.Errorf("%q became %q:\n%s\n%s", in, out, a, b)
	}
	if n := strings.Count(out, `nonce="`+testNonce); n != counts.Stamped {
		t.Errorf("%q: %d in %q, counted %d", in, n, out, counts.Stamped)
	}
	if counts.GaveUp == Going && counts.Suspect == 0 {
		walk(after, func(n *html.Node) {
			if earns(n) && !stamped[n] {
				t.Errorf("%q: no nonce on %s of %q", in, n.Data, out)
			}
		})
	}
}

// templateInForeign tells whether a template may stand in svg or math, where x/net/html ignores the rest of the document. The
// differential test in Chromium has such documents.
func templateInForeign(in string) bool {
	in = strings.ToLower(in)
	_, afterSVG, _ := strings.Cut(in, "<svg")
	_, afterMath, _ := strings.Cut(in, "<math")
	return strings.Contains(afterSVG, "<template") || strings.Contains(afterMath, "<template")
}

// earns tells whether All would stamp an element.
func earns(n *html.Node) bool {
	switch {
	case n.Type != html.ElementNode:
		return false
	case n.Namespace == "svg" || n.Namespace == "":
		return n.Data == "script" || n.Data == "style" || n.Data == "link" && n.Namespace == "" && linkEarns(n)
	}
	return false
}

func linkEarns(n *html.Node) bool {
	for _, a := range n.Attr {
		if a.Key == "rel" && strings.Contains(strings.ToLower(a.Val), "stylesheet") {
			return true
		}
	}
	return false
}

// strip takes the nonces off and returns the elements that had the test's.
func strip(n *html.Node) map[*html.Node]bool {
	had := map[*html.Node]bool{}
	walk(n, func(n *html.Node) {
		n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool {
			had[n] = had[n] || a.Key == "nonce" && a.Val == testNonce
			return a.Key == "nonce"
		})
	})
	maps.DeleteFunc(had, func(_ *html.Node, had bool) bool { return !had })
	return had
}

func walk(n *html.Node, f func(*html.Node)) {
	f(n)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, f)
	}
}

func rendered(n *html.Node) string {
	var b strings.Builder
	dump(&b, n, 0)
	return b.String()
}

func dump(b *strings.Builder, n *html.Node, depth int) {
	b.WriteString(strings.Repeat(" ", depth))
	b.WriteString(n.Namespace + "|" + n.Data)
	for _, a := range n.Attr {
		b.WriteString(" " + a.Namespace + ":" + a.Key + "=" + a.Val)
	}
	b.WriteByte('\n')
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		dump(b, c, depth+1)
	}
}
