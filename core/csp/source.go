package csp

// Kind is the type of a source expression (CSP3 2.3.1) or of another token in
// a directive's value.
type Kind uint8

// The kinds. A source that no browser understands is KindUnknown; a token of a
// directive that has no source list (report-uri, sandbox, ...) is KindToken.
const (
	KindUnknown Kind = iota
	KindKeyword
	KindScheme
	KindHost
	KindNonce
	KindHash
	KindToken
)

// String gives the kind's name in the words of CSP3.
func (k Kind) String() string {
	switch k {
	case KindKeyword:
		return "keyword-source"
	case KindScheme:
		return "scheme-source"
	case KindHost:
		return "host-source"
	case KindNonce:
		return "nonce-source"
	case KindHash:
		return "hash-source"
	case KindToken:
		return "token"
	}
	return "unknown"
}

// HashAlgorithm is the algorithm of a hash-source.
type HashAlgorithm uint8

// The algorithms of CSP3 2.3.1, weakest first.
const (
	NoHash HashAlgorithm = iota
	SHA256
	SHA384
	SHA512
)

// String gives the name as it is written in a policy.
func (a HashAlgorithm) String() string {
	switch a {
	case SHA256:
		return "sha256"
	case SHA384:
		return "sha384"
	case SHA512:
		return "sha512"
	}
	return ""
}

// Size is the length of a digest in bytes.
func (a HashAlgorithm) Size() int {
	switch a {
	case SHA256:
		return 32
	case SHA384:
		return 48
	case SHA512:
		return 64
	}
	return 0
}

// Source is one token of a directive's value, most often a source expression.
// It holds the text as it was written; the accessors give parts of that text.
// The text of every Source holds only visible ASCII without ";" and ",".
type Source struct {
	text    string
	off     uint32 // byte offset in the parsed text
	scheme  uint32 // length of the scheme-part
	hostEnd uint32 // the host-part starts behind "://", or at 0
	pathOff uint32
	pathEnd uint32
	kind    Kind
	keyword Keyword
	hash    HashAlgorithm
	prefix  uint8 // of a nonce or hash: bytes before the value
}

// ParseSource reads one source expression. It refuses a text that could not
// stand in a policy (empty, white space, ";", ",", control or non-ASCII
// characters) and one that no browser would understand.
func ParseSource(text string) (Source, error) {
	if text == "" {
		return Source{}, &ParseError{Problem: "the source expression is empty", Fix: "write one, such as 'self'"}
	}
	if i, p, fix := badByte(text); i >= 0 {
		return Source{}, &ParseError{Offset: i, Value: text, Problem: p, Fix: fix}
	}
	for i := range len(text) {
		if is(text[i], classSpace) {
			return Source{}, &ParseError{Offset: i, Value: text, Problem: "white space in a source expression", Fix: "give one source at a time"}
		}
	}
	s := parseSource(text, 0)
	if s.kind == KindUnknown {
		return Source{}, &ParseError{Value: text, Problem: "not a source expression", Fix: sourceHint(text)}
	}
	return s, nil
}

// KeywordSource makes the source of a keyword; NoKeyword gives the zero Source.
func KeywordSource(k Keyword) Source {
	if k == NoKeyword || k >= keywordCount {
		return Source{}
	}
	return Source{text: keywords[k], kind: KindKeyword, keyword: k}
}

// Text is the token as it was written.
func (s Source) Text() string { return s.text }

// Offset is where the token stands in the text that was parsed, in bytes.
func (s Source) Offset() int { return int(s.off) }

// Kind tells which of the accessors below apply.
func (s Source) Kind() Kind { return s.kind }

// Keyword is NoKeyword unless the kind is KindKeyword.
func (s Source) Keyword() Keyword { return s.keyword }

// Scheme is the scheme-part without ":", as it was written; "" if there is none.
func (s Source) Scheme() string {
	if s.kind != KindScheme && s.kind != KindHost {
		return ""
	}
	return s.text[:s.scheme]
}

// Host is the host-part of a host-source, "*" or "*.example.com" included.
func (s Source) Host() string {
	if s.kind != KindHost {
		return ""
	}
	return s.text[s.hostOff():s.hostEnd]
}

// Port is the port-part, decimal digits or "*"; "" if there is none.
func (s Source) Port() string {
	if s.kind != KindHost || s.pathOff <= s.hostEnd {
		return ""
	}
	return s.text[s.hostEnd+1 : s.pathOff]
}

// Path is the path-part, percent-encoded as it was written and without a query
// or fragment, which browsers ignore; "" if there is none.
func (s Source) Path() string {
	if s.kind != KindHost {
		return ""
	}
	return s.text[s.pathOff:s.pathEnd]
}

// Nonce is the value of a nonce-source.
func (s Source) Nonce() string {
	if s.kind != KindNonce {
		return ""
	}
	return s.text[s.prefix : len(s.text)-1]
}

// Hash is the algorithm and the digest, in base64 or base64url, of a hash-source.
func (s Source) Hash() (HashAlgorithm, string) {
	if s.kind != KindHash {
		return NoHash, ""
	}
	return s.hash, s.text[s.prefix : len(s.text)-1]
}

// Equal compares texts; where a source stood makes no difference.
func (s Source) Equal(o Source) bool { return s.text == o.text && s.kind == o.kind }

func (s Source) hostOff() uint32 {
	if s.scheme == 0 {
		return 0
	}
	return s.scheme + uint32(len("://"))
}

// parseSource types a token whose bytes are known to be of classToken.
func parseSource(text string, off int) Source {
	s := Source{text: text, off: uint32(off)}
	s.parse()
	return s
}

func (s *Source) parse() {
	if s.text[0] == '\'' {
		s.parseQuoted()
		return
	}
	s.parseLocation()
}

// parseQuoted types what stands in single quotes: keyword, nonce or hash.
func (s *Source) parseQuoted() {
	if k := keywordByText(s.text); k != NoKeyword {
		s.kind, s.keyword = KindKeyword, k
		return
	}
	if len(s.text) < 3 || s.text[len(s.text)-1] != '\'' {
		return
	}
	if hasPrefixFold(s.text, "'nonce-") && isBase64Value(s.text[len("'nonce-"):len(s.text)-1]) {
		s.kind, s.prefix = KindNonce, uint8(len("'nonce-"))
		return
	}
	if a, n := hashPrefix(s.text); n > 0 && isBase64Value(s.text[n:len(s.text)-1]) {
		s.kind, s.hash, s.prefix = KindHash, a, uint8(n)
	}
}

// hashPrefix recognises 'sha256-, and 'sha-256-, which Chromium takes too. It
// gives the prefix's length, 0 if there is none.
func hashPrefix(s string) (HashAlgorithm, int) {
	if !hasPrefixFold(s, "'sha") {
		return NoHash, 0
	}
	n := len("'sha")
	if n < len(s) && s[n] == '-' {
		n++
	}
	if len(s) < n+5 || s[n+3] != '-' { // digits, "-", and the closing quote
		return NoHash, 0
	}
	switch s[n : n+3] {
	case "256":
		return SHA256, n + 4
	case "384":
		return SHA384, n + 4
	case "512":
		return SHA512, n + 4
	}
	return NoHash, 0
}

// isBase64Value is CSP3's base64-value: base64 or base64url, at most two "=".
func isBase64Value(s string) bool {
	n := len(s)
	for pad := 0; n > 0 && s[n-1] == '=' && pad < 2; pad++ {
		n--
	}
	return n > 0 && all(s[:n], classBase64)
}

// parseLocation types a scheme-source or host-source (CSP3 2.3.1). As browsers
// do it cuts a query or fragment off the path.
func (s *Source) parseLocation() {
	t, i := s.text, 0
	for i < len(t) && t[i] != ':' && t[i] != '/' {
		i++
	}
	if i+1 == len(t) && t[i] == ':' {
		if isScheme(t[:i]) {
			s.kind, s.scheme = KindScheme, uint32(i)
		}
		return
	}
	host := 0
	if i+2 < len(t) && t[i] == ':' && t[i+1] == '/' {
		if t[i+2] != '/' || !isScheme(t[:i]) {
			return
		}
		s.scheme = uint32(i)
		host = i + len("://")
		for i = host; i < len(t) && t[i] != ':' && t[i] != '/'; {
			i++
		}
	}
	if !isHostPart(t[host:i]) {
		return
	}
	s.hostEnd = uint32(i)
	if i < len(t) && t[i] == ':' {
		port := i + 1
		for i = port; i < len(t) && t[i] != '/'; {
			i++
		}
		if !isPortPart(t[port:i]) {
			return
		}
	}
	s.pathOff, s.pathEnd = uint32(i), uint32(pathEnd(t, i))
	s.kind = KindHost
}

// pathEnd finds where a query or fragment starts.
func pathEnd(t string, i int) int {
	for i < len(t) && t[i] != '?' && t[i] != '#' {
		i++
	}
	return i
}

func isScheme(s string) bool {
	return s != "" && isAlpha(s[0]) && all(s, classScheme)
}

func isPortPart(s string) bool {
	return s == "*" || s != "" && len(s) <= maxPortDigits && all(s, classDigit)
}

// maxPortDigits bounds the digits of a port-part; more cannot be a port even
// with leading zeros.
const maxPortDigits = 9

// isHostPart is CSP3's host-part: "*", or labels with an optional "*." in front
// and an optional dot at the end.
func isHostPart(s string) bool {
	if s == "*" {
		return true
	}
	if len(s) > 2 && s[:2] == "*." {
		s = s[2:]
	}
	label := 0
	for i := range len(s) {
		switch {
		case is(s[i], className):
			label++
		case s[i] == '.' && label > 0:
			label = 0
		default:
			return false
		}
	}
	return s != "" && s[0] != '.'
}

// Match says whether the expression alone lets a URL through (CSP3 6.7.2.8);
// redirected leaves the path out of account.
func (s Source) Match(u URL, self Origin, redirected bool) Outcome {
	return s.matchURL(&u, &self, redirected)
}
