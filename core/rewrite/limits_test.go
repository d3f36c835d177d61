package rewrite

import (
	"crypto/sha256"
	"encoding/base64"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

// A tag or block at its limit is treated as any other, one byte more is passed through.
func TestLimits(t *testing.T) {
	tag := func(n int) string { return "<script " + strings.Repeat("a", n-len("<script >")) + ">" }
	block := func(n int) string {
		const ends = "<script></script"
		return "<script>" + strings.Repeat(" ", n-len(ends)) + "</script>"
	}
	spaces := func(n int) string { return strings.Repeat(" ", n-len("<script></script")) }
	attrs := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(" a" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
		}
		return "<script" + b.String() + ">"
	}
	approved := mustApprove(hashOf(spaces(DefaultMaxBlock)), hashOf(spaces(DefaultMaxBlock+1)), hashOf(spaces(300)), hashOf(spaces(301)))
	inv := Options{Trust: Inventory, Scripts: true, Approved: approved}
	for _, c := range []struct {
		name string
		o    Options
		make func(int) string
		at   int
		over Counts
	}{
		{"tag", both, tag, DefaultMaxTag, Counts{Oversized: 1}},
		{"small tag", Options{Trust: All, Scripts: true, MaxTag: 300}, tag, 300, Counts{Oversized: 1}},
		{"least tag", Options{Trust: All, Scripts: true, MaxTag: 1}, tag, 4 * MaxTagName, Counts{Oversized: 1}},
		{"block", inv, block, DefaultMaxBlock, Counts{Oversized: 1}},
		{"small block", Options{Trust: Inventory, Scripts: true, Approved: approved, MaxBlock: 300}, block, 300, Counts{Oversized: 1}},
		{"attributes", both, attrs, MaxAttrs, Counts{Suspect: 1}},
	} {
		for _, size := range []int{c.at - 1, c.at, c.at + 1} {
			in := c.make(size)
			want := Counts{Stamped: 1}
			if size > c.at {
				want = c.over
			} else if size < c.at && c.o.Trust == Inventory {
				want = Counts{Unapproved: 1}
			}
			for _, n := range []int{1009, len(in), len(in) - 1} {
				out, got := chunked(&c.o, Page{Nonce: "m"}, in, n)
				if got != want || len(out) != len(in)+10*got.Stamped {
					t.Errorf("%s of %d in chunks of %d: %+v", c.name, size, n, got)
				}
			}
		}
	}
}

// After a tag or block past its limit the stream goes on.
func TestAfterLimit(t *testing.T) {
	long := strings.Repeat("x", DefaultMaxBlock)
	for _, c := range []struct{ in, want string }{
		{`<script a="` + long + `"></script><script></script>`, `<script a="` + long + `"></script><script +></script>`},
		{`<img src="` + long + `"><script></script>`, `<img src="` + long + `"><script +></script>`},
		{`<svg><font a="` + long + `"></font></svg><script></script>`, `<svg><font a="` + long + `"></font></svg><script></script>`},
		{`<svg><` + long + `></svg><script></script>`, `<svg><` + long + `></svg><script></script>`},
	} {
		for _, n := range []int{1000, len(c.in)} {
			if got, _ := chunked(&both, Page{Nonce: "m"}, c.in, n); got != strings.ReplaceAll(c.want, "+", `nonce="m"`) {
				t.Errorf("%.40q in chunks of %d: %.80q", c.in, n, got)
			}
		}
	}
	in := `<base href="` + long + `"><script>a</script>`
	for _, n := range []int{1000, len(in)} {
		if got, c := chunked(&inventoryAll, Page{Nonce: "m", URL: "https://a.example/"}, in, n); got != in || c.Unapproved != 1 {
			t.Errorf("a base past the limit: %+v", c)
		}
	}
	block := `<script>` + long + `</script><script>a</script><svg><script>` + long + `</script><script>a</script>`
	for _, n := range []int{1000, len(block)} {
		if got, c := chunked(&inventoryAll, Page{Nonce: "m"}, block, n); strings.Count(got, "nonce") != 2 || c.Oversized != 2 {
			t.Errorf("blocks past the limit: %+v", c)
		}
	}
}

func TestDepth(t *testing.T) {
	for n, want := range map[int]Reason{MaxDepth: Going, MaxDepth + 1: Depth} {
		in := strings.Repeat("<svg>", n) + "<script/>"
		if _, c := everyChunk(t, in); c.GaveUp != want {
			t.Errorf("depth %d: %+v", n, c)
		}
	}
	for n, want := range map[int]Reason{MaxTagName: Going, MaxTagName + 1: Depth} {
		if _, c := everyChunk(t, "<svg><"+strings.Repeat("x", n)+">"); c.GaveUp != want {
			t.Errorf("name of %d: %+v", n, c)
		}
	}
}

func everyChunk(t *testing.T, in string) (string, Counts) {
	t.Helper()
	want, counts := whole(&both, Page{Nonce: "m"}, in)
	for _, n := range []int{1, 7, 64} {
		if got, c := chunked(&both, Page{Nonce: "m"}, in, n); got != want || c != counts {
			t.Errorf("chunks of %d of %.30q differ: %+v %+v", n, in, c, counts)
		}
	}
	return want, counts
}

// hostileSize is how long the bodies are that must neither cost memory nor time: a hundred megabytes, less under the race detector and in wasm.
const hostileSize = 100 << 20 / slow

func TestHostileBodies(t *testing.T) {
	for _, c := range []struct{ name, start, fill string }{
		{"tags", "", "<"},
		{"attribute", `<script a="`, "x"},
		{"attributes", `<script `, "a "},
		{"name", "<", "x"},
		{"foreign names", "<svg>", "<x>"},
		{"comment", "<!--", "-"},
		{"comments", "", "<!--->"},
		{"script", "<script>", "x"},
		{"script of tags", "<script>", "</scrip"},
		{"escaped script", "<script><!--", "<script"},
		{"svg script", "<svg><script>", "x"},
		{"templates", "", "<template>"},
		{"cdata", "<svg><![CDATA[", "]"},
		{"title", "<title>", "</titl"},
		{"doctype", "<!doctype", "x"},
	} {
		for _, o := range []*Options{&both, {Trust: Inventory, Scripts: true, Styles: true, Approved: mustApprove(hashOfA), Place: BodyEnd}} {
			t.Run(c.name, func(t *testing.T) { hostile(t, o, c.start, c.fill) })
		}
	}
}

func hostile(t *testing.T, o *Options, start, fill string) {
	var s Stream
	s.Reset(o, Page{Nonce: "m", Snippet: []byte("x"), Inventory: NewLedger()})
	out := s.Write(nil, []byte(start))
	given := len(out)
	chunk := []byte(strings.Repeat(fill, 64<<10/len(fill)))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	total := len(start)
	most := 0
	for total < hostileSize {
		out = s.Write(out[:0], chunk)
		given += len(out)
		total += len(chunk)
		most = max(most, s.Held())
	}
	runtime.ReadMemStats(&after)
	held := s.Held()
	end := s.Close(out[:0])
	if most > DefaultMaxBlock || given+len(end) < total {
		t.Errorf("held %d, then %d; gave %d of %d", most, held, given+len(end), total)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
}

// A name past MaxTagName that goes on like an attribute is still a name.
func TestLongNames(t *testing.T) {
	for _, n := range []int{MaxTagName - 1, MaxTagName, MaxTagName + 1, 5 * MaxTagName} {
		in := "<" + strings.Repeat("a", n) + `="x'><script></script>`
		for _, g := range []*Ledger{nil, NewLedger()} {
			got, _ := everySplit(t, &both, Page{Nonce: "m", Inventory: g}, in)
			if want := strings.Replace(in, "<script", `<script nonce="m"`, 1); got != want {
				t.Errorf("%q", got)
			}
		}
	}
}

// Approved blocks are kept for comparison up to MaxKnown; what does not fit is hashed again.
func TestKnownBlocks(t *testing.T) {
	for _, n := range []int{MaxKnown, MaxKnown + 1} {
		text := strings.Repeat("x", n)
		a := mustApprove(hashOf(text))
		var scratch []byte
		for range 2 {
			if !a.inline([]byte(text), csUTF8, &scratch) || a.inline([]byte(text[1:]), csUTF8, &scratch) {
				t.Error("wrong answer for", n)
			}
		}
		if kept := len(a.known.Load().byKey) == 1; kept != (n == MaxKnown) {
			t.Errorf("%d bytes: kept %v", n, kept)
		}
	}
}

// However often an approved block comes with other line breaks, it is kept once.
func TestKnownBlocksInOneForm(t *testing.T) {
	a := mustApprove(hashOf("a\nb\nc\n"), hashOf("\ufffd"))
	var scratch []byte
	for _, text := range []string{"a\r\nb\nc\r", "a\rb\rc\r", "a\nb\r\nc\r\n", "a\nb\nc\n", "\x00", "\ufffd"} {
		if !a.inline([]byte(text), csUTF8, &scratch) {
			t.Errorf("%q is not approved", text)
		}
	}
	if k := a.known.Load(); len(k.byKey) != 2 || k.size != len("a\nb\nc\n\ufffd") {
		t.Errorf("%d known, %d bytes", len(k.byKey), k.size)
	}
}

// The snippet waits for a meta element with the encoding as far as browsers look for one.
func TestPrescan(t *testing.T) {
	o := Options{Place: Head}
	for _, at := range []int{MaxPrescan, MaxPrescan + 1} {
		head := "<!doctype html>"
		head += strings.Repeat(" ", at-len(head))
		want := head + "<meta charset=utf-8>!<p>"
		if at > MaxPrescan {
			want = head + "!<meta charset=utf-8><p>"
		}
		if got, _ := whole(&o, Page{Snippet: []byte("!")}, head+"<meta charset=utf-8><p>"); got != want {
			t.Errorf("at %d: %q", at, got[len(head):])
		}
	}
}

// No chunk allocates, once the buffers have grown.
func TestAllocations(t *testing.T) {
	approved := mustApprove(hashOfA, "https://cdn.example/a.js", "/x.js", "/")
	page := []byte(`<!doctype html><html><head><meta charset=utf-8><base href="/"><script nonce=old>a</script><script src="https://cdn.example/a.js"></script>
		<script src="x.js?a&amp;b"></script><link rel=stylesheet href=/y.css><style>a</style></head><body><svg><g><title>x</title><script>a</script></g></svg>
		<template><p onclick="a&lt;b" style=c></p></template><select><option></select><!-- x --><script>` + strings.Repeat("long ", 200) + `</script></body></html>`)
	snippet := []byte("<i>")
	for _, o := range []*Options{
		&both, {Trust: Upstream, Scripts: true}, {Trust: Inventory, Scripts: true, Styles: true, Approved: approved, Place: Head},
	} {
		for _, g := range []*Ledger{nil, NewLedger()} {
			var s Stream
			dst := make([]byte, 0, 1<<16)
			run := func() {
				s.Reset(o, Page{Nonce: "m", URL: "https://shop.example/x", Charset: "utf-8", Snippet: snippet, Inventory: g})
				for i := 0; i < len(page); i += 100 {
					dst = s.Write(dst[:0], page[i:min(len(page), i+100)])
				}
				dst = s.Close(dst[:0])
			}
			run()
			if n := testing.AllocsPerRun(100, run); n != 0 {
				t.Errorf("trust %d, ledger %v: %v allocations", o.Trust, g != nil, n)
			}
		}
	}
}

func TestEncodings(t *testing.T) {
	const script = "<script></script>"
	const stamped = `<script nonce="m"></script>`
	for _, c := range []struct {
		name, charset, in, want string
		gaveUp                  Reason
	}{
		{"utf-16", "UTF-16", script, script, Encoding},
		{"utf-16 with utf-8 mark", "utf-16le", byteOrderMark + script, byteOrderMark + stamped, Going},
		{"mark le", "utf-8", "\xff\xfe" + script, "\xff\xfe" + script, Encoding},
		{"mark be", "", "\xfe\xff" + script, "\xfe\xff" + script, Encoding},
		{"no mark", "", "<\x00s\x00", "<\x00s\x00", Encoding},
		{"iso-2022-jp", " ISO-2022-JP ", script, script, Encoding},
		{"replacement", "hz-gb-2312", script, script, Encoding},
		{"meta iso-2022-jp", "", "<meta charset=iso-2022-jp>" + script, "<meta charset=iso-2022-jp>" + script, Encoding},
		{"meta content", "", `<meta http-equiv=Content-Type content="text/html; charset='iso-2022-jp'">` + script, `<meta http-equiv=Content-Type content="text/html; charset='iso-2022-jp'">` + script, Encoding},
		{"header wins", "utf-8", "<meta charset=iso-2022-jp>" + script, "<meta charset=iso-2022-jp>" + stamped, Going},
		{"meta utf-16 is utf-8", "", "<meta charset=utf-16>" + script, "<meta charset=utf-16>" + stamped, Going},
		{"escape", "", script + "\x1b(J" + script, stamped + "\x1b(J" + script, Encoding},
		{"escape in utf-8", "utf-8", script + "\x1b(J" + script, stamped + "\x1b(J" + stamped, Going},
		{"escape after meta", "", "<meta charset=utf-8>" + script + "\x1b(J" + script, "<meta charset=utf-8>" + stamped + "\x1b(J" + script, Encoding},
		{"escape after hidden meta", "", "<svg><![CDATA[><meta charset=iso-2022-jp>]]></svg><meta charset=utf-8>\x1b$B" + script,
			"<svg><![CDATA[><meta charset=iso-2022-jp>]]></svg><meta charset=utf-8>\x1b$B" + script, Encoding},
		{"label with white space in it", "utf -8", script + "\x1b(J" + script, stamped + "\x1b(J" + script, Encoding},
		{"long label", "utf-8" + strings.Repeat(" ", maxLabel) + "x", script + "\x1b(J" + script, stamped + "\x1b(J" + script, Encoding},
		{"padded label", strings.Repeat(" ", maxLabel) + "utf-8\t", script + "\x1b(J" + script, stamped + "\x1b(J" + stamped, Going},
		{"latin", "windows-1252", "\xe9" + script, "\xe9" + stamped, Going},
	} {
		got, n := everySplit(t, &both, Page{Nonce: "m", Charset: c.charset}, c.in)
		if got != c.want || n.GaveUp != c.gaveUp {
			t.Errorf("%s: %q %v, want %q", c.name, got, n.GaveUp, c.want)
		}
	}
}

// Non-ASCII inline code is approved only where its text is sure.
func TestApprovedText(t *testing.T) {
	o := Options{Trust: Inventory, Scripts: true, Approved: mustApprove(hashOf("\u00e9"), hashOf("a\nb"))}
	for _, c := range []struct {
		charset, in string
		want        int
	}{
		{"utf-8", "<script>\u00e9</script>", 1},
		{"", "<script>\u00e9</script>", 0},
		{"", "<meta charset=utf-8><script>\u00e9</script>", 1},
		{"", "<meta charset=utf-8><meta charset=latin1><script>\u00e9</script>", 0},
		{"windows-1252", "<meta charset=utf-8><script>\u00e9</script>", 0},
		{"", byteOrderMark + "<script>\u00e9</script>", 1},
		{"", "<script>a\r\nb</script><script>a\rb</script><script>a\nb</script>", 3},
		{"", "<script>a\n\nb</script>", 0},
	} {
		if _, n := everySplit(t, &o, Page{Nonce: "m", Charset: c.charset}, c.in); n.Stamped != c.want {
			t.Errorf("%s %q: %+v", c.charset, c.in, n)
		}
	}
}

func TestNonceIsChecked(t *testing.T) {
	for _, n := range []string{"", `a"`, "a b", "a>", "===", "a===", "a=b"} {
		if got, _ := whole(&both, Page{Nonce: n}, "<script>"); got != "<script>" {
			t.Errorf("%q: %s", n, got)
		}
	}
	if got, _ := whole(&both, Page{Nonce: "aA0+/-_=="}, "<script>"); got != `<script nonce="aA0+/-_==">` {
		t.Error(got)
	}
}

func TestUnknownUpstreamNonces(t *testing.T) {
	list := strings.Fields(strings.Repeat("x ", MaxNonces))
	in := "<script nonce=late></script>"
	list[MaxNonces-1] = "late"
	if got, _ := whole(&both, Page{Nonce: "m", UpstreamNonces: list}, in); got != in {
		t.Error(got)
	}
	if got, _ := whole(&both, Page{Nonce: "m", UpstreamNonces: append([]string{"y"}, list...)}, in); got == in {
		t.Error("looked past the limit")
	}
}

// Long random documents come out the same in random chunks.
func TestRandomChunks(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	for range 30 {
		var b strings.Builder
		for range 3000 {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		in := b.String()
		for _, o := range []*Options{&both, &inventoryAll, {Trust: Upstream, Scripts: true, Place: BodyEnd}} {
			p := Page{Nonce: "m", Snippet: []byte("!")}
			want, counts := whole(o, p, in)
			var cuts []int
			for at := r.IntN(300); at < len(in); at += r.IntN(300) {
				cuts = append(cuts, at)
			}
			if got, c := cutAt(o, p, in, cuts...); got != want || c != counts {
				t.Fatalf("seed %d: %+v, want %+v", seed, c, counts)
			}
		}
	}
}

func TestUnstampedIsIdentity(t *testing.T) {
	for name, page := range pages(t) {
		for _, o := range []*Options{{}, {Trust: Upstream, Scripts: true, Styles: true}, {Trust: Inventory, Scripts: true, Styles: true}, {Trust: All}} {
			for _, n := range []int{1000, len(page)} {
				var s Stream
				s.Reset(o, Page{Nonce: "m", Inventory: NewLedger()})
				for i := 0; i < len(page); i += n {
					if s.Scan([]byte(page[i:min(len(page), i+n)])) {
						t.Errorf("%s: trust %d changed something", name, o.Trust)
					}
				}
			}
		}
	}
}

func hashOf(text string) string {
	h := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(h[:])
}
