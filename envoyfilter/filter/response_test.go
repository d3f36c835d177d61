package filter

import "testing"

// What a browser may show as a page is one: as Fetch and MIME Sniffing have it,
// and as Chromium is seen to read it.
func TestKindOf(t *testing.T) {
	for contentType, want := range map[string]kind{
		"text/html": htmlKind, "TEXT/HTML": htmlKind, " text/html\t": htmlKind, "text/html;charset=utf-8": htmlKind, "text/html ; x": htmlKind,
		"text/html charset=utf-8": htmlKind, "text/html(comment)": htmlKind, "text/html; a=\",\"": htmlKind,
		"text/plain, text/html": htmlKind, "text/html, text/plain": htmlKind, "x, text/html": htmlKind, `text/plain; a="x, text/html"`: otherKind,
		"": unknownKind, "x": unknownKind, "text/": unknownKind, "/html": unknownKind, "*/*": unknownKind, "unknown/unknown": unknownKind,
		"application/unknown": unknownKind, ";charset=utf-8": unknownKind, ",": unknownKind, "Unknown/Unknown; x": unknownKind,
		"text/plain": otherKind, "application/json": otherKind, "text/html-x": otherKind, "xtext/html": otherKind, "application/xhtml+xml": otherKind, "x, text/plain": otherKind,
	} {
		if got := kindOf(contentType); got != want {
			t.Errorf("%q: %d, want %d", contentType, got, want)
		}
	}
}

func TestCharset(t *testing.T) {
	for contentType, want := range map[string]string{
		"text/html": "", "text/html; charset=UTF-16": "UTF-16", `text/html;charset="utf-16le"`: "utf-16le", "text/html; x=1; CHARSET = a ": "a",
		"text/html; charset=a; charset=b": "a", "text/html; charset": "", "text/html; charset=iso-2022-jp, text/plain": "iso-2022-jp",
	} {
		if got := charset(contentType); got != want {
			t.Errorf("%q: %q, want %q", contentType, got, want)
		}
	}
}
