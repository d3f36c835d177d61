package rewrite

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// ourTags lists the tags of a document as the stream sees them, byte by byte; the last tells whether it gave up.
func ourTags(in string) ([]string, bool) {
	var s Stream
	s.Reset(&both, Page{Nonce: "m", Charset: "utf-8"})
	var list []string
	open := 0
	for i := range len(in) {
		before := s.state
		s.Scan([]byte{in[i]})
		switch {
		case s.state == stOpen || s.state == stRawOpen:
			if before != s.state || len(s.region.buf()) == 1 {
				open = i
			}
		case (before == stOpen || before == stRawOpen || before == stAttrs) && (s.state == stData || s.state == stRaw || s.state == stRest) && in[i] == '>':
			if before == stRawOpen && s.state == stRaw {
				break
			}
			kind, n := recognize([]byte(in[open : i+1]))
			if kind == muStart || kind == muEnd || kind == muLong {
				list = append(list, tagToken([]byte(in[open:i+1]), kind, n))
			}
		}
	}
	return list, s.counts.GaveUp != Going
}

func theirTags(in string) []string {
	z := html.NewTokenizer(strings.NewReader(in))
	var list []string
	for {
		switch z.Next() {
		case html.ErrorToken:
			return list
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			attrs := map[string]string{}
			for _, a := range t.Attr {
				if _, dup := attrs[a.Key]; !dup {
					attrs[a.Key] = a.Val
				}
			}
			list = append(list, fmt.Sprintf("start %s %q %v", t.Data, attrs, t.Type == html.SelfClosingTagToken))
		case html.EndTagToken:
			list = append(list, "end "+z.Token().Data)
		}
	}
}

// definedInBoth leaves out what a tokenizer without a tree takes differently, and where x/net/html departs from HTML 13.2.5: it reads noscript as
// without scripting, knows no CDATA on its own, and decodes every named reference.
func definedInBoth(in string) bool {
	low := strings.ToLower(in)
	for _, w := range []string{"<svg", "<math", "<select", "<template", "<frameset", "noscript", "<![cdata[", "&", "\x00", "\r", "<!doctype"} {
		if strings.Contains(low, w) && (w != "<!doctype" || strings.Contains(low[strings.Index(low, w):], "[")) {
			return false
		}
	}
	return true
}

func TestSameTags(t *testing.T) {
	inputs := append(treeInputs(t), hard...)
	for _, c := range tokenTests(t) {
		if in, ok := unescape(c.Input, c.DoubleEscaped); ok {
			inputs = append(inputs, in)
		}
	}
	compared := 0
	for _, in := range inputs {
		if definedInBoth(in) {
			compared++
			compareTags(t, in)
		}
	}
	if compared < 1000 {
		t.Errorf("only %d inputs were compared", compared)
	}
}

func TestSameTagsOfPages(t *testing.T) {
	for name, page := range pages(t) {
		ours, gaveUp := ourTags(page)
		theirs := theirTags(page)
		if gaveUp || len(ours) < 50 {
			t.Errorf("%s: gave up after %d tags", name, len(ours))
		}
		for i := range min(len(ours), len(theirs)) {
			if ours[i] != theirs[i] && !strings.Contains(ours[i], inexact) {
				t.Fatalf("%s: tag %d\nours   %s\ntheirs %s", name, i, ours[i], theirs[i])
			}
		}
		if len(ours) != len(theirs) {
			t.Errorf("%s: %d tags, theirs are %d", name, len(ours), len(theirs))
		}
	}
}

func compareTags(t *testing.T, in string) {
	t.Helper()
	ours, gaveUp := ourTags(in)
	theirs := theirTags(in)
	if gaveUp {
		theirs = theirs[:min(len(ours), len(theirs))]
	}
	if d := cmp.Diff(theirs, ours); d != "" {
		t.Errorf("%q (theirs -, ours +)\n%s", in, d)
	}
}

func FuzzSameTags(f *testing.F) {
	for _, in := range hard {
		f.Add(in)
	}
	f.Add(`<a b='c"' d=e/f g =h i/><!--x--!><script><!--<script></script>--></script><p a=">`)
	f.Fuzz(func(t *testing.T, in string) {
		if definedInBoth(in) {
			compareTags(t, in)
		}
	})
}
