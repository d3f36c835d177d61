package rewrite

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// take rewrites a page into a ledger, whole and at some splits: what is found must not depend on them.
func take(t *testing.T, g *Ledger, o *Options, url, in string) {
	t.Helper()
	p := Page{Nonce: "m", URL: url, Charset: "utf-8"}
	for _, n := range []int{1, 3, len(in)} {
		one := NewLedger()
		p.Inventory = one
		chunked(o, p, in, n)
		all := NewLedger()
		p.Inventory = all
		whole(o, p, in)
		if d := cmp.Diff(all.Entries(), one.Entries()); d != "" {
			t.Errorf("chunks of %d of %q:\n%s", n, in, d)
		}
	}
	p.Inventory = g
	whole(o, p, in)
}

const hashOfA = "sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="

func TestInventory(t *testing.T) {
	for _, o := range []*Options{{}, &both, &inventoryAll, {Trust: Upstream, Scripts: true}} {
		g := NewLedger()
		take(t, g, o, "https://shop.example/x", strings.Join([]string{
			`<base href="/app/">`, `<meta http-equiv=content-security-policy content="script-src 'self'">`,
			`<script>a</script>`, `<style>a</style>`, `<svg><style>a</style><script>a</script></svg>`,
			`<script src=x.js?v=1></script>`, `<link rel=stylesheet href=//cdn.example/x.css>`, `<script src=data:,x></script>`,
			`<p onclick=a style="a"></p>`, `<a href=" java&Tab;script:a">`, `<script type=application/json>a</script>`,
			`<!-- <script>b</script> -->`,
		}, ""))
		want := []Entry{
			{Found: BaseURL, Text: "https://shop.example/app/", Name: "base"},
			{Found: MetaPolicy, Text: "script-src 'self'", Name: "meta"},
			{Found: InlineScript, Hash: hashOfA, Sample: "a", Name: "script", Seen: 2},
			{Found: InlineStyle, Hash: hashOfA, Sample: "a", Name: "style", Seen: 2},
			{Found: ExternalScript, Text: "https://shop.example/x.js?v=1", Name: "script"},
			{Found: ExternalStyle, Text: "https://cdn.example/x.css", Name: "link"},
			{Found: ExternalScript, Text: "data:,x", Name: "script"},
			{Found: EventHandler, Hash: hashOfA, Sample: "a", Name: "onclick"},
			{Found: StyleAttribute, Hash: hashOfA, Sample: "a", Name: "style"},
			{Found: ScriptURL, Hash: "sha256-", Sample: "java\tscript:a", Name: "href"},
		}
		got := g.Entries()
		for i := range got {
			if got[i].Found == ScriptURL {
				got[i].Hash = got[i].Hash[:len("sha256-")]
			}
			if i < len(want) && want[i].Seen == 0 {
				want[i].Seen = 1
			}
			if got[i].Found == ExternalScript && o.Trust != Inventory { // an approved base is needed to resolve against
				got[i].Text = strings.Replace(got[i].Text, "/app/", "/", 1)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("trust %d:\n%s", o.Trust, d)
		}
	}
}

func TestSample(t *testing.T) {
	long := strings.Repeat("x", 60)
	for _, c := range []struct{ in, want string }{
		{" \n\t a b ", "a b"},
		{long[:39] + " " + long, long[:39] + " "},
		{long, long[:40]},
		{strings.Repeat("\u00e9", 50), strings.Repeat("\u00e9", 40)},
		{long[:39] + "\U0001F600", long[:39]},
		{long[:38] + "\U0001F600", long[:38] + "\U0001F600"},
		{"a\r\nb\rc\x00", "a\nb\nc\uFFFD"},
	} {
		if got := sample([]byte(c.in)); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestBlockText(t *testing.T) {
	var scratch []byte
	for _, c := range []struct {
		in   string
		cs   charset
		want string
		ok   bool
	}{
		{"a", csUnknown, "a", true},
		{"\u00e9", csUTF8, "\u00e9", true},
		{"\u00e9", csASCII, "", false},
		{"\u00e9", csUnknown, "", false},
		{"\xe9", csUTF8, "", false},
		{"\r\na\rb\r", csUnknown, "\na\nb\n", true},
		{"a\x00", csUnknown, "a\uFFFD", true},
	} {
		if got, ok := blockText([]byte(c.in), c.cs, &scratch); string(got) != c.want || ok != c.ok {
			t.Errorf("%q: %q %v", c.in, got, ok)
		}
	}
}

func TestVarying(t *testing.T) {
	g := NewLedger()
	for i := range 3 {
		take(t, g, &both, "https://shop.example/x?"+fmt.Sprint(i), fmt.Sprintf(`<script nonce=n%d>window.config = %d</script><script>a</script>`, i, i))
	}
	take(t, g, &both, "https://shop.example/y", `<script>window.config = 9</script>`)
	want := []Entry{
		{Found: InlineScript, Hash: g.Entries()[0].Hash, Sample: "window.config = 0", Name: "script", Seen: 4, Varying: true},
		{Found: InlineScript, Hash: hashOfA, Sample: "a", Name: "script", Seen: 3},
	}
	if d := cmp.Diff(want, g.Entries()); d != "" {
		t.Error(d)
	}
}

// Code that differs from page to page only is several entries, up to a limit.
func TestVariants(t *testing.T) {
	for _, n := range []int{MaxVariants, MaxVariants + 1} {
		g := NewLedger()
		for range 2 {
			for i := range n {
				take(t, g, &both, fmt.Sprint("https://shop.example/", i), fmt.Sprintf(`<script>window.config = %d</script>`, i))
			}
		}
		e := g.Entries()
		if varying := n > MaxVariants; len(e) != map[bool]int{false: n, true: 1}[varying] || e[0].Varying != varying {
			t.Errorf("%d variants: %+v", n, e)
		}
	}
}

func TestOrdinal(t *testing.T) {
	g := NewLedger()
	take(t, g, &both, "", `<script>(function () { return a })()</script><script>(function () { return b })()</script>`)
	if e := g.Entries(); len(e) != 2 || e[0].Ordinal != 0 || e[1].Ordinal != 1 || e[0].Varying || e[1].Varying {
		t.Errorf("%+v", e)
	}
}

func TestLedgerLimits(t *testing.T) {
	for _, extra := range []int{0, 1} {
		g := NewLedger()
		var b strings.Builder
		for i := range MaxEntries + extra {
			fmt.Fprintf(&b, "<script>%d</script>", i)
		}
		p := Page{Nonce: "m", Inventory: g}
		whole(&both, p, b.String())
		if len(g.Entries()) != MaxEntries || g.Dropped() != extra {
			t.Errorf("%d entries, %d dropped", len(g.Entries()), g.Dropped())
		}
	}
	g := NewLedger()
	for i := range MaxPlaces + 1 {
		whole(&both, Page{Inventory: g}, fmt.Sprintf("<p onclick=x%d>", i))
	}
	if len(g.places) != MaxPlaces {
		t.Errorf("%d places", len(g.places))
	}
}

// What is skipped as unremarkable in a whole page is looked at tag by tag where tags are cut.
func TestInventoryOfPages(t *testing.T) {
	for name, page := range pages(t) {
		found := func(n int) []Entry {
			p := Page{Nonce: "m", URL: "https://shop.example/", Charset: "utf-8", Inventory: NewLedger()}
			chunked(&both, p, page, n)
			return p.Inventory.Entries()
		}
		all := found(len(page))
		if d := cmp.Diff(all, found(3)); d != "" || len(all) == 0 && name != "chrome-sample" {
			t.Errorf("%s: %d entries\n%s", name, len(all), d)
		}
	}
}
