package report

import (
	"strconv"
	"strings"
)

// Limits on what is kept of a report's text, in bytes.
const (
	MaxURL       = 4 << 10
	MaxPolicy    = 16 << 10
	MaxDirective = 64
	// MaxSample holds 40 UTF-16 units of code (CSP3 5.2) and before them the
	// longest name of a Trusted Types sink.
	MaxSample    = 256
	MaxDetail    = 512
	MaxUserAgent = 512
)

// tokenPaths precede the token in the URLs that reports are sent to, which
// stand in every original-policy.
var tokenPaths = [...]string{"/report/csp/", "/report/tripwire/"}

// Redact returns r without what must not be kept: queries, fragments,
// credentials and session tokens are cut from all URLs, also from those in a
// policy or a message; nonces in a policy become NonceRedacted; everything is
// cut to its limit; control characters are made visible (see Visible).
// Redacting twice changes nothing.
func Redact(r Report) Report {
	r.Directive = dropTokens(clean(r.Directive, MaxDirective))
	r.Blocked = redactURL(r.Blocked)
	r.Page = redactURL(r.Page)
	r.Referrer = redactURL(r.Referrer)
	r.SourceFile = redactURL(r.SourceFile)
	r.Sample = dropTokens(clean(r.Sample, MaxSample))
	r.Detail = redactText(r.Detail, MaxDetail)
	r.Policy = redactText(dropNonces(r.Policy), MaxPolicy)
	r.UserAgent = dropTokens(clean(r.UserAgent, MaxUserAgent))
	return r
}

// NonceRedacted stands for every nonce in a policy that is kept: the policy
// still parses, and is the same text for all who got it.
const NonceRedacted = "'nonce-redacted'"

// dropNonces replaces the nonces in a policy, in any case (CSP3 2.3.1).
func dropNonces(s string) string {
	i := nonceIndex(s)
	if i < 0 {
		return s
	}
	var b strings.Builder
	for ; i >= 0; i = nonceIndex(s) {
		b.WriteString(s[:i])
		b.WriteString(NonceRedacted)
		s = s[i+len(nonceMark):]
		end := strings.IndexAny(s, "'"+separators)
		if end < 0 {
			end = len(s)
		}
		s = strings.TrimPrefix(s[end:], "'")
	}
	b.WriteString(s)
	return b.String()
}

const nonceMark = "'nonce-"

func nonceIndex(s string) int {
	for i := 0; ; i++ {
		n := strings.IndexByte(s[i:], '\'')
		if n < 0 || len(s)-i-n < len(nonceMark) {
			return -1
		}
		i += n
		if strings.EqualFold(s[i:i+len(nonceMark)], nonceMark) {
			return i
		}
	}
}

// workingURL is how much of a URL is looked at: a query of any real size stands
// before it.
const workingURL = 4 * MaxURL

// redactURL reduces a URL as CSP3 5.4 "strip URL for use in reports" does, and
// cuts its query and tokens too.
func redactURL(s string) string {
	s = clean(strings.Trim(s, " \t\r\n\f"), workingURL)
	if scheme, rest, ok := cutScheme(s); ok && !isHierarchical(rest) {
		return clean(opaque(scheme, rest), MaxURL)
	}
	return strings.TrimRight(clean(strip(s), MaxURL), " ")
}

// strip cuts query, fragment, credentials and tokens from a URL reference.
func strip(s string) string {
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	if i := authority(s); i >= 0 {
		s = s[:i] + dropCredentials(s[i:])
	}
	return dropTokens(s)
}

// cutScheme cuts "https:" off; without a scheme rest is s. A name before a
// port is a host.
func cutScheme(s string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(s, ":")
	if !ok || !isScheme(scheme) || startsWithPort(rest) {
		return "", s, false
	}
	return scheme, rest, true
}

// isScheme follows RFC 3986 3.1, save that it takes a name with a dot for a host.
func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-') {
			return false
		}
	}
	return s != ""
}

func startsWithPort(s string) bool {
	port, _, _ := strings.Cut(s, "/")
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil
}

func isHierarchical(rest string) bool { return authority(rest) == 2 }

// authority returns where a URL's authority begins, after the first two slashes
// of either kind, or -1.
func authority(s string) int {
	for i := 1; i < len(s); i++ {
		if isSlash(s[i]) && isSlash(s[i-1]) {
			return i + 1
		}
	}
	return -1
}

func isSlash(c byte) bool { return c == '/' || c == '\\' }

// opaque keeps no more than the scheme of data:, blob:, javascript:, mailto:
// and their like, whose rest is content; about: pages have none.
func opaque(scheme, rest string) string {
	if strings.EqualFold(scheme, "about") && (rest == "blank" || rest == "srcdoc") {
		return scheme + ":" + rest
	}
	return scheme
}

// dropCredentials takes "user:password@" from the start of s.
func dropCredentials(s string) string {
	end := strings.IndexAny(s, `/\`)
	if end < 0 {
		end = len(s)
	}
	return s[strings.LastIndexByte(s[:end], '@')+1:]
}

// tokenEnd are characters that end a path's segment in a URL, a policy or code.
const tokenEnd = "/ ;,\"'`<>()\\"

// dropTokens empties the path segment after each of tokenPaths.
func dropTokens(s string) string {
	for _, p := range tokenPaths {
		s = dropAfter(s, p)
	}
	return s
}

func dropAfter(s, path string) string {
	i := strings.Index(s, path)
	if i < 0 {
		return s
	}
	var b strings.Builder
	for ; i >= 0; i = strings.Index(s, path) {
		b.WriteString(s[:i+len(path)])
		s = s[i+len(path):]
		end := strings.IndexAny(s, tokenEnd)
		if end < 0 {
			end = len(s)
		}
		s = s[end:]
	}
	b.WriteString(s)
	return b.String()
}

// separators end a URL in a policy or a message.
const separators = " ;,"

// redactText strips each word of a policy or a message as if it were a URL.
// What is too long is cut between words, so that no half of a URL with
// credentials passes for a whole one.
func redactText(s string, limit int) string {
	s = clean(s, limit+maxVisible)
	if len(s) > limit {
		s = s[:strings.LastIndexAny(s[:limit], separators)+1]
	}
	var b strings.Builder
	for s != "" {
		n := strings.IndexAny(s, separators)
		if n < 0 {
			n = len(s)
		}
		b.WriteString(strip(s[:n]))
		sep := min(n+1, len(s))
		b.WriteString(s[n:sep])
		s = s[sep:]
	}
	return b.String()
}
