package csp

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"strings"
)

// digests holds the digests of one content, made when first asked for.
type digests struct {
	content []byte
	have    uint8
	sum     [SHA512 + 1][sha512.Size]byte
}

func (g *digests) of(a HashAlgorithm) []byte {
	if g.have&(1<<a) == 0 {
		g.have |= 1 << a
		switch a {
		case SHA256:
			d := sha256.Sum256(g.content)
			copy(g.sum[a][:], d[:])
		case SHA384:
			d := sha512.Sum384(g.content)
			copy(g.sum[a][:], d[:])
		case SHA512:
			g.sum[a] = sha512.Sum512(g.content)
		}
	}
	return g.sum[a][:a.Size()]
}

// decodeDigest reads base64 or base64url, padded or not, into buf.
func decodeDigest(buf *[sha512.Size]byte, text string) []byte {
	text = strings.TrimRight(text, "=")
	if base64.RawStdEncoding.DecodedLen(len(text)) > len(buf) {
		return nil
	}
	var norm [88]byte
	n := copy(norm[:], text)
	for i := range norm[:n] {
		switch norm[i] {
		case '-':
			norm[i] = '+'
		case '_':
			norm[i] = '/'
		}
	}
	m, err := base64.RawStdEncoding.Decode(buf[:], norm[:n])
	if err != nil {
		return nil
	}
	return buf[:m]
}

// matches reports whether the hash-source is that of the content.
func (g *digests) matches(s *Source) bool {
	var buf [sha512.Size]byte
	a, text := s.Hash()
	want := decodeDigest(&buf, text)
	return len(want) == a.Size() && string(want) == string(g.of(a))
}

// HashSource makes the source expression that lets this inline content through.
// The algorithm is SHA256, SHA384 or SHA512; any other gives the zero Source.
func HashSource(a HashAlgorithm, content []byte) Source {
	if a.Size() == 0 {
		return Source{}
	}
	g := digests{content: content}
	text := "'" + a.String() + "-" + base64.StdEncoding.EncodeToString(g.of(a)) + "'"
	return parseSource(text, 0)
}

// integrity is "Does integrity metadata match source list" (CSP3 6.7.2.4): all
// hashes of the attribute have to be in the policy. The browser then checks the
// response against the attribute. It gives the last of them, nil if not all are.
func (m *matcher) integrity() *Source {
	var listed *Source
	for rest := m.r.Integrity; rest != ""; {
		var token string
		token, rest = nextToken(rest)
		a, digest := integrityToken(token)
		if a == NoHash {
			continue // SRI 3.3.2: what is not understood is left out
		}
		if listed = m.listed(a, digest); listed == nil {
			return nil
		}
	}
	return listed
}

func nextToken(s string) (token, rest string) {
	s, _ = trimSpace(s)
	for i := range len(s) {
		if is(s[i], classSpace) {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// integrityToken reads "sha384-digest?options" (SRI 3.5).
func integrityToken(t string) (HashAlgorithm, string) {
	if i := strings.IndexByte(t, '?'); i >= 0 {
		t = t[:i]
	}
	for a := SHA256; a <= SHA512; a++ {
		name := a.String()
		if hasPrefixFold(t, name) && len(t) > len(name) && t[len(name)] == '-' && isBase64Value(t[len(name)+1:]) {
			return a, t[len(name)+1:]
		}
	}
	return NoHash, ""
}

// listed finds the hash-source of a digest.
func (m *matcher) listed(a HashAlgorithm, digest string) *Source {
	var x, y [sha512.Size]byte
	want := decodeDigest(&x, digest)
	if want == nil {
		return nil
	}
	for i := range m.d.Sources {
		s := &m.d.Sources[i]
		if b, text := s.Hash(); b == a && string(decodeDigest(&y, text)) == string(want) {
			return s
		}
	}
	return nil
}

// inline is "Does element match source list" (CSP3 6.7.3.3).
func (m *matcher) inline() Decision {
	// In default-src Chromium lets 'strict-dynamic' silence 'unsafe-inline' for
	// styles too; by CSP3 it does so for scripts alone.
	script := m.r.Activity != InlineStyle && m.r.Activity != StyleAttr || m.d.Name == "default-src"
	if m.d.inlineInForce(script) {
		return m.allow(m.keyword(UnsafeInline), ByKeyword)
	}
	element := m.r.Activity == InlineScript || m.r.Activity == InlineStyle || m.r.Activity == SpeculationRules
	if element {
		if s := m.nonce(); s != nil {
			return m.allow(s, ByNonce)
		}
	}
	inserted := (m.r.Activity == InlineScript || m.r.Activity == SpeculationRules) && !m.r.ParserInserted
	if s := m.keyword(StrictDynamic); s != nil && inserted {
		return m.allow(s, ByStrictDynamic)
	}
	if s := m.keyword(InlineSpeculationRules); s != nil && m.r.Activity == SpeculationRules && m.d.Name != "default-src" {
		return m.allow(s, ByKeyword)
	}
	return m.inlineHash(element || m.keyword(UnsafeHashes) != nil, element)
}

func (m *matcher) inlineHash(hashes, element bool) Decision {
	g := digests{content: m.r.Content}
	if m.r.Activity == JavaScriptURL {
		g.content = withJavaScript(g.content) // browsers hash the URL, scheme included
	}
	for i := range m.d.Sources {
		s := &m.d.Sources[i]
		if s.kind == KindHash && hashes && g.matches(s) {
			return m.allow(s, ByHash)
		}
		if m.t != nil {
			m.t.add(s, m.inlineOutcome(s, hashes, element))
		}
	}
	return m.block(NoMatch)
}

func (m *matcher) inlineOutcome(s *Source, hashes, element bool) Outcome {
	switch {
	case s.kind == KindHash && !hashes:
		return NeedUnsafeHashes
	case s.kind == KindHash:
		return OtherHash
	case s.kind == KindNonce && !element:
		return NoNonceHere
	case s.kind == KindNonce:
		return OtherNonce
	case s.keyword == UnsafeInline:
		return Silenced
	case s.keyword == StrictDynamic && m.r.Activity == InlineScript:
		return ParserInserted
	}
	return m.otherOutcome(s)
}

const javascriptPrefix = "javascript:"

// withJavaScript puts the scheme before the code, if it is not there.
func withJavaScript(content []byte) []byte {
	if len(content) >= len(javascriptPrefix) && equalFold(string(content[:len(javascriptPrefix)]), javascriptPrefix) {
		content = content[len(javascriptPrefix):]
	}
	return append([]byte(javascriptPrefix), content...)
}
