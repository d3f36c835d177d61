package csp

import "strings"

// Outcome says what became of one source expression.
type Outcome string

// The outcomes.
const (
	Matched          Outcome = "matched"
	OtherScheme      Outcome = "scheme differs"
	OtherHost        Outcome = "host differs"
	OtherPort        Outcome = "port differs"
	OtherPath        Outcome = "path differs"
	OtherOrigin      Outcome = "other origin"
	OtherNonce       Outcome = "nonce differs"
	OtherHash        Outcome = "hash differs"
	NoNonceHere      Outcome = "nonces do not apply here"
	NoIntegrity      Outcome = "the element's integrity does not list only hashes of the policy"
	NeedUnsafeHashes Outcome = "hashes need 'unsafe-hashes' here"
	Silenced         Outcome = "silenced by a nonce, hash or 'strict-dynamic'"
	ParserInserted   Outcome = "the script was inserted by the parser"
	NotApplicable    Outcome = "does not apply here"
	NotUnderstood    Outcome = "not understood"
	IgnoredNone      Outcome = "'none' is ignored next to other sources"
	NothingAllowed   Outcome = "'none' lets nothing through"
)

// matchURL is "Does url match expression" (CSP3 6.7.2.8), as Chromium does it.
func (s *Source) matchURL(u *URL, self *Origin, redirected bool) Outcome {
	switch s.kind {
	case KindScheme:
		if schemeMatch(s.text[:s.scheme], u.Scheme) == schemeNo {
			return OtherScheme
		}
		return Matched
	case KindHost:
		if s.text == "*" {
			return matchStar(u, self)
		}
		return s.matchHost(u, self, redirected)
	case KindKeyword:
		if s.keyword == Self {
			return matchSelf(u, self)
		}
		return NotApplicable
	case KindUnknown:
		return NotUnderstood
	}
	return NotApplicable
}

// matchStar: "*" stands for network schemes and the page's own (step 1).
func matchStar(u *URL, self *Origin) Outcome {
	switch u.Scheme {
	case "http", "https", "ws", "wss":
		return Matched
	}
	if self.Scheme != "" && self.Scheme == u.Scheme {
		return Matched
	}
	return OtherScheme
}

// matchSelf is step 4.
func matchSelf(u *URL, self *Origin) Outcome {
	if self.Scheme == "" {
		return OtherOrigin
	}
	if self.Host == "" { // file:
		if self.Scheme == u.Scheme {
			return Matched
		}
		return OtherOrigin
	}
	if !equalFold(u.Host, self.Host) {
		return OtherHost
	}
	if u.Scheme == self.Scheme {
		if u.Port == self.Port {
			return Matched
		}
		return OtherPort
	}
	if u.Scheme != "https" && u.Scheme != "wss" && (self.Scheme != "http" || u.Scheme != "ws") {
		return OtherScheme
	}
	if u.Port == self.Port {
		return Matched
	}
	return OtherPort
}

func effectivePort(scheme string, port int) int {
	if port == 0 {
		return defaultPort(scheme)
	}
	return port
}

type schemeResult uint8

const (
	schemeNo schemeResult = iota
	schemeUpgrade
	schemeSame
)

// schemeMatch is scheme-part matching (CSP3 6.7.2.9). b is in lower case. As in
// Chromium ws and wss do not stand for http and https: CSP3 lists these because
// Fetch turns ws into http before it asks.
func schemeMatch(a, b string) schemeResult {
	switch {
	case equalFold(a, b):
		return schemeSame
	case b == "https" && equalFold(a, "http"), b == "wss" && equalFold(a, "ws"):
		return schemeUpgrade
	}
	return schemeNo
}

// matchHost is steps 2 and 3.
func (s *Source) matchHost(u *URL, self *Origin, redirected bool) Outcome {
	scheme := s.text[:s.scheme]
	if scheme == "" {
		scheme = self.Scheme
	}
	sm := schemeMatch(scheme, u.Scheme)
	if sm == schemeNo || scheme == "" {
		return OtherScheme
	}
	if u.Host == "" || !hostMatch(s.text[s.hostOff():s.hostEnd], u.Host) {
		return OtherHost
	}
	pm := s.portMatch(scheme, u)
	switch {
	case pm == portNo, pm == portUpgrade && sm != schemeUpgrade:
		return OtherPort
	case sm == schemeUpgrade && pm == portSame:
		return OtherPort
	}
	if !redirected && !pathMatch(s.text[s.pathOff:s.pathEnd], u.Path) {
		return OtherPath
	}
	return Matched
}

// hostMatch is host-part matching (CSP3 6.7.2.10), but as in browsers IPv4
// addresses match as names do. host is in lower case.
func hostMatch(pattern, host string) bool {
	if pattern == "*" {
		return true
	}
	if strings.HasPrefix(pattern, "*.") {
		n := len(host) - len(pattern) + 1
		return n > 0 && equalFold(pattern[1:], host[n:])
	}
	return equalFold(pattern, host)
}

type portResult uint8

const (
	portNo portResult = iota
	portAny
	portUpgrade
	portSame
)

// portMatch is port-part matching (CSP3 6.7.2.11). Beyond it Chromium lets port
// 80 stand for 443 where http stands for https, and only there.
func (s *Source) portMatch(scheme string, u *URL) portResult {
	if s.pathOff == s.hostEnd {
		if u.Port == 0 {
			return portAny
		}
		return portNo
	}
	port := s.text[s.hostEnd+1 : s.pathOff]
	if port == "*" {
		return portAny
	}
	have, want := effectivePort(u.Scheme, u.Port), portNumber(port)
	switch {
	case want == 80 && have == 443, want == 443 && have == 443 && equalFold(scheme, "http"):
		return portUpgrade
	case have == want && have != 0:
		return portSame
	}
	return portNo
}

// portNumber reads a port-part, of at most maxPortDigits digits.
func portNumber(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// pathMatch is path-part matching (CSP3 6.7.2.12): a path that ends with "/" is
// a prefix, any other is exact. As in Chromium both are percent-decoded whole, so
// "%2F" is a separator.
func pathMatch(pattern, path string) bool {
	if pattern == "" || pattern == "/" && path == "" {
		return true
	}
	i, j, last := 0, 0, byte(0)
	for i < len(pattern) {
		if j >= len(path) {
			return false
		}
		var a, b byte
		a, i = decodeByte(pattern, i)
		b, j = decodeByte(path, j)
		if a != b {
			return false
		}
		last = a
	}
	return j == len(path) || last == '/'
}

// decodeByte reads one byte, percent-decoded, and gives the next index.
func decodeByte(s string, i int) (byte, int) {
	if s[i] == '%' && i+2 < len(s) {
		hi, lo := unhex(s[i+1]), unhex(s[i+2])
		if hi < 16 && lo < 16 {
			return hi<<4 | lo, i + 3
		}
	}
	return s[i], i + 1
}

func unhex(c byte) byte {
	switch {
	case is(c, classDigit):
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}
