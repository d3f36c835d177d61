package rewrite

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// walkPlain checks one call of skipPlain by the Go loop: where it stops must be on that loop's way, and no further than its end. The assembly may
// stop early, for the caller to look.
func walkPlain(t *testing.T, b []byte, i int) (stopped, end int) {
	t.Helper()
	got, want := skipPlain(b, i), skipPlainGo(b, i)
	at := i
	for at != got {
		at = indexFrom(b, at, '<')
		if at == got {
			break
		}
		if at >= want {
			t.Fatalf("%q from %d: %d, want %d or a tag before it", b, i, got, want)
		}
		at = skipTag(b, plainTag(b, at))
	}
	return got, want
}

// everyPlain calls skipPlain for every part of text, with other bytes around it that must not matter.
func everyPlain(t *testing.T, text []byte) {
	t.Helper()
	for n := 0; n <= len(text); n++ {
		var first []int
		for _, around := range []string{"<b>", `">`, "'>", "=<script>"} {
			b := append(append(bytes.Repeat([]byte(around), 8), text[:n]...), strings.Repeat(around, 8)...)
			b = b[8*len(around):][:n]
			for i := 0; i <= n; i++ {
				got, _ := walkPlain(t, b, i)
				if len(first) <= i {
					first = append(first, got)
				} else if got != first[i] {
					t.Fatalf("%q from %d depends on what is around it: %d, %d", b, i, got, first[i])
				}
			}
		}
	}
}

// TestSkipPlain compares the loop that is built in, which is assembly in wasm, with the one in Go, at every offset and length.
func TestSkipPlain(t *testing.T) {
	for _, text := range []string{
		"", "<", "text without tags, longer than a word", "<p><b>x</b></p> and more text", `<a href="x>y" b='<script>' c=d/e f g = h>`, "<a/b/c=/>text<br/><img/ src=x>",
		"<a =b ==c \"d'e>", `<a b="">`, `<a b='c"d>e'f="'">`, "<a b=>c</b d='>'>", "<section><stylish><scripted><script>", "</section></select></sel>", "</p></body>text</html>text</template></b><b></b>",
		"<a b= c><a b =c><a b\t\n\f\r=\n'c>'>", "<sPaN A=B><STYLE><Z>", "<!-- a --><?b><![CDATA[c]]></ d><>", "<a b=\"c\"\"d\"e='f'g>", "<" + strings.Repeat("s", 70) + "><p>text",
		"<p\x00q a\x00=\x00><a b=\"\x00\xff\">\x80<b\xff>", "<a b='0123456789abcdef'>0123456789abcdef<b c=\"01234567\">", "< a><5><a<b><a b<c=d<e>",
	} {
		everyPlain(t, []byte(text))
	}
}

// Every byte value stands at every place of a tag.
func TestSkipPlainBytes(t *testing.T) {
	const tag = `x<a b="c" d='e'f=g h = i/><p>0123456789`
	b := []byte(tag)
	for i := range tag {
		for c := range 256 {
			b[i] = byte(c)
			for from := range len(b) {
				walkPlain(t, b, from)
			}
		}
		b[i] = tag[i]
	}
}

// Seeded tags, most of which the loop must pass by itself.
func TestSkipPlainRandom(t *testing.T) {
	pieces := []string{
		"<", ">", "<p", "</p>", "<a", " ", "/", "=", `"`, "'", "x", "href", "style", "<div class=\"a b\">", "<i a='b'>", "<b c=d>", "text ", "\x00", "\n", "<span", "</", "<script>", "\xff", "\t= ",
	}
	r := rand.New(rand.NewPCG(5, 3))
	for range 300 {
		var text []byte
		for range 1 + r.IntN(14) {
			if r.IntN(20) == 0 {
				text = append(text, byte(r.IntN(256)))
			}
			text = append(text, pieces[r.IntN(len(pieces))]...)
		}
		everyPlain(t, text)
	}
	page := []byte(strings.Repeat(`text <div class="a" id='b' c=d e><br/></div> `, 50) + "<script>")
	if got, want := walkPlain(t, page, 0); want-got > 60 {
		t.Errorf("stopped at %d, far before %d", got, want)
	}
}
