package csp

import (
	"strconv"
	"strings"
)

// URL is what CSP looks at in a URL. Scheme and host are in lower case; userinfo,
// query and fragment are not kept.
type URL struct {
	Scheme string
	// Host is "" where the URL has none (data:, blob:, about:). It is compared
	// as it stands; international names have to come in Punycode.
	Host string
	// Port is 0 for the scheme's default port.
	Port int
	// Path is percent-encoded and begins with "/" where the URL has a host.
	Path string
}

// Origin is what 'self' stands for. Its zero value is an opaque origin, which
// 'self' never matches.
type Origin struct {
	Scheme string
	Host   string
	Port   int // 0 for the scheme's default port
}

// MaxURL bounds the URLs that ParseURL reads, in bytes.
const MaxURL = 64 << 10

// ParseURL reads an absolute URL as far as CSP needs it, with the leniency of
// the URL standard where it matters for matching: white space around it is cut,
// "\" is "/" in http(s), ws(s) and file, default ports vanish, dot segments are
// resolved.
func ParseURL(text string) (URL, error) { return ParseReference(URL{}, text) }

// ParseReference reads a URL that may be relative to base.
func ParseReference(base URL, text string) (URL, error) {
	if len(text) > MaxURL {
		return URL{}, &ParseError{Problem: "the URL has " + strconv.Itoa(len(text)) + " bytes", Fix: "give at most " + strconv.Itoa(MaxURL)}
	}
	t := strings.Trim(text, c0AndSpace)
	if strings.ContainsAny(t, "\t\r\n") {
		t = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(t)
	}
	i := strings.IndexByte(t, ':')
	if i <= 0 || !isScheme(t[:i]) {
		return base.resolve(t)
	}
	u := URL{Scheme: lower(t[:i])}
	rest := t[i+1:]
	if !u.special() {
		return u.generic(rest)
	}
	if u.Scheme == base.Scheme && !strings.HasPrefix(slashes(rest), "//") {
		return base.resolve(rest) // "https:path" is relative to an https base
	}
	return u.authority(rest)
}

// c0AndSpace is what the URL standard cuts at both ends.
const c0AndSpace = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f "

// special is the URL standard's notion of a special scheme.
func (u URL) special() bool {
	switch u.Scheme {
	case "http", "https", "ws", "wss", "ftp", "file":
		return true
	}
	return false
}

// generic reads what follows a scheme that is not special.
func (u URL) generic(rest string) (URL, error) {
	if strings.HasPrefix(rest, "//") {
		return u.authority(rest)
	}
	u.Path = encodePath(cutQuery(rest))
	return u, nil
}

// slashes turns leading backslashes into slashes.
func slashes(s string) string {
	if i := strings.IndexByte(cutQuery(s), '\\'); i >= 0 {
		n := len(cutQuery(s))
		return strings.ReplaceAll(s[:n], `\`, "/") + s[n:]
	}
	return s
}

func cutQuery(s string) string { return s[:pathEnd(s, 0)] }

// authority reads "//user@host:port/path".
func (u URL) authority(rest string) (URL, error) {
	if u.special() {
		rest = slashes(rest)
	}
	rest = cutQuery(rest)
	switch {
	case u.Scheme == "file" || !u.special():
		rest = strings.TrimPrefix(rest, "//")
	default:
		rest = strings.TrimLeft(rest, "/")
	}
	end := strings.IndexByte(rest, '/')
	if end < 0 {
		end = len(rest)
	}
	host := rest[:end]
	host = host[strings.LastIndexByte(host, '@')+1:]
	host, port, err := splitPort(host)
	if err != nil {
		return URL{}, err
	}
	if host == "" && u.Scheme != "file" && u.special() {
		return URL{}, &ParseError{Value: printable(rest), Problem: "the URL has no host", Fix: "write https://host/path"}
	}
	if !validHost(host) {
		return URL{}, &ParseError{Value: printable(host), Problem: "not a host", Fix: "write a name in ASCII (Punycode), an IPv4 address, or [IPv6]"}
	}
	u.Host = lower(host)
	if port != defaultPort(u.Scheme) {
		u.Port = port
	}
	u.Path = cleanPath(rest[end:])
	return u, nil
}

func splitPort(host string) (string, int, error) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.IndexByte(host[i:], ']') >= 0 {
		return host, 0, nil
	}
	if i == len(host)-1 {
		return host[:i], 0, nil
	}
	port, err := strconv.ParseUint(host[i+1:], 10, 16)
	if err != nil {
		return "", 0, &ParseError{Value: printable(host), Problem: "the port is not a number up to 65535", Fix: "write host or host:port"}
	}
	return host[:i], int(port), nil
}

// validHost reports whether no byte of the host is one that the URL standard
// forbids, and all are ASCII: names have to come in Punycode.
func validHost(host string) bool {
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = strings.ReplaceAll(host[1:len(host)-1], ":", "")
	}
	for i := range len(host) {
		if c := host[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"#%/:<>?@[\\]^`{|}", c) >= 0 {
			return false
		}
	}
	return true
}

// defaultPort is the URL standard's; 0 if the scheme has none.
func defaultPort(scheme string) int {
	switch scheme {
	case "http", "ws":
		return 80
	case "https", "wss":
		return 443
	case "ftp":
		return 21
	}
	return 0
}

// resolve reads a reference without a scheme.
func (u URL) resolve(ref string) (URL, error) {
	if u.Scheme == "" || !u.special() && u.Host == "" {
		return URL{}, &ParseError{Value: printable(ref), Problem: "not an absolute URL", Fix: "write https://host/path, or give the page's URL"}
	}
	ref = slashes(ref)
	switch {
	case strings.HasPrefix(ref, "//"):
		return URL{Scheme: u.Scheme}.authority(ref)
	case cutQuery(ref) == "":
		return u, nil
	case ref[0] == '/':
		u.Path = cleanPath(cutQuery(ref))
	default:
		u.Path = cleanPath(u.Path[:strings.LastIndexByte(u.Path, '/')+1] + cutQuery(ref))
	}
	return u, nil
}

// cleanPath resolves dot segments and makes the path begin with "/".
func cleanPath(p string) string {
	if p == "" {
		return "/"
	}
	p = encodePath(p)
	if !strings.Contains(p, "/.") && !hasEncodedDot(p) {
		return p
	}
	var out []string
	segments := strings.Split(p[1:], "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch dots(s) {
		case 1:
			if last {
				out = append(out, "")
			}
		case 2:
			out = out[:max(0, len(out)-1)]
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	return "/" + strings.Join(out, "/")
}

// encodePath percent-encodes what may not stand in a path: the URL standard's path
// percent-encode set.
func encodePath(p string) string {
	const hex = "0123456789ABCDEF"
	var out []byte
	for i := range len(p) {
		switch c := p[i]; {
		case c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>^`{}", c) >= 0:
			if out == nil {
				out = append(make([]byte, 0, len(p)+16), p[:i]...)
			}
			out = append(out, '%', hex[c>>4], hex[c&15])
		case out != nil:
			out = append(out, c)
		}
	}
	if out == nil {
		return p
	}
	return string(out)
}

func hasEncodedDot(p string) bool {
	for i := 0; i+2 < len(p); i++ {
		if p[i] == '%' && p[i+1] == '2' && lowerByte(p[i+2]) == 'e' {
			return true
		}
	}
	return false
}

// dots is 1 for a single-dot segment, 2 for a double-dot segment, else 0.
func dots(s string) int {
	switch strings.ReplaceAll(lower(s), "%2e", ".") {
	case ".":
		return 1
	case "..":
		return 2
	}
	return 0
}

// Origin is the URL's origin (URL standard 4.7): that of the URL inside for
// blob:, opaque for schemes that are not special. A file: URL keeps its scheme:
// browsers let 'self' match every file: URL there.
func (u URL) Origin() Origin {
	switch {
	case u.Scheme == "file":
		return Origin{Scheme: "file"}
	case u.Scheme == "blob":
		return blobOrigin(u.Path)
	case u.Host == "" || !u.special():
		return Origin{}
	}
	return Origin{Scheme: u.Scheme, Host: u.Host, Port: u.Port}
}

func blobOrigin(path string) Origin {
	inner, err := ParseURL(path)
	if err != nil || inner.Scheme != "http" && inner.Scheme != "https" {
		return Origin{}
	}
	return inner.Origin()
}

// String writes the URL; what was not kept is missing.
func (u URL) String() string {
	s := u.Scheme + ":"
	if u.Host != "" || u.Scheme == "file" || strings.HasPrefix(u.Path, "//") {
		s += "//" + u.Host
	}
	if u.Port != 0 {
		s += ":" + strconv.Itoa(u.Port)
	}
	return s + u.Path
}

// upgraded is the URL after upgrade-insecure-requests.
func (u URL) upgraded() URL {
	if trustworthyHost(u.Host) {
		return u
	}
	switch u.Scheme {
	case "http":
		u.Scheme = "https"
	case "ws":
		u.Scheme = "wss"
	}
	return u
}

// trustworthyHost recognises hosts that browsers do not upgrade.
func trustworthyHost(h string) bool {
	return h == "localhost" || strings.HasSuffix(h, ".localhost") || strings.HasPrefix(h, "127.") || h == "[::1]"
}
