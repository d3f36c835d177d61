package rewrite

import (
	"strings"
	"testing"
)

// <meta name=csp-nonce> is kept in step by option, at every split; nothing else that looks like it is.
func TestMetaNonce(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`<meta name="csp-nonce" content="old"><script>a</script>`, `<meta name="csp-nonce" content="N0NCE"><script nonce="N0NCE">a</script>`},
		{`<META content=old NAME=CSP-Nonce>`, `<META content="N0NCE" NAME=CSP-Nonce>`},
		{`<meta name=csp-nonce content>`, `<meta name=csp-nonce content="N0NCE">`},
		{`<meta name=csp-nonce content='a b' />`, `<meta name=csp-nonce content="N0NCE" />`},
		{`<meta charset=utf-8 name=csp-nonce content=x>`, `<meta charset=utf-8 name=csp-nonce content="N0NCE">`},
		{`<meta name=csp-nonce>`, `<meta name=csp-nonce>`},
		{`<meta name=csp-nonces content=x><meta property=csp-nonce content=x>`, `<meta name=csp-nonces content=x><meta property=csp-nonce content=x>`},
		{`<meta name=csp-nonce content=a content=b>`, `<meta name=csp-nonce content=a content=b>`},
		{`<!--<meta name=csp-nonce content=x>--><title><meta name=csp-nonce content=x></title>`, `<!--<meta name=csp-nonce content=x>--><title><meta name=csp-nonce content=x></title>`},
		{`<meta name=csp-nonce http-equiv=content-security-policy content="img-src *">`, `<meta name=csp-nonce http-equiv=content-security-policy content="img-src *">`},
	} {
		for _, place := range []Place{Nowhere, Head} {
			o := &Options{Trust: All, Scripts: true, MetaNonce: true, Place: place}
			for split := range len(c.in) + 1 {
				var s Stream
				s.Reset(o, Page{Nonce: "N0NCE", Document: true, Snippet: []byte("<i>")})
				out := s.Write(nil, []byte(c.in[:split]))
				out = s.Write(out, []byte(c.in[split:]))
				out = s.Close(out)
				if got := strings.Replace(string(out), "<i>", "", 1); got != c.want {
					t.Fatalf("%s, split at %d, place %d: %s, want %s", c.in, split, place, out, c.want)
				}
			}
		}
	}
}

func TestMetaNonceIsAnOption(t *testing.T) {
	page := `<meta name=csp-nonce content=old>`
	for _, o := range []*Options{{Trust: All, Scripts: true}, {Trust: Upstream, Scripts: true, MetaNonce: true}, {MetaNonce: true}} {
		var s Stream
		s.Reset(o, Page{Nonce: "N0NCE"})
		if got := string(s.Close(s.Write(nil, []byte(page)))); got != page || s.Counts().MetaNonces != 0 {
			t.Errorf("%+v: %s", o, got)
		}
	}
}
