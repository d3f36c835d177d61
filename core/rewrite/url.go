package rewrite

import "bytes"

// A location is an absolute http or https URL without user, password and fragment, in the one form in which URLs are compared. Its
// parts are spans of text.
type location struct {
	text   []byte
	scheme int // end of the scheme, before "://"
	host   int // end of the host, which begins after "://"
	origin int // end of the origin: after the port, if there is one
	path   int // end of the path
}

func (l *location) ok() bool { return len(l.text) > 0 }

func (l *location) set(m *location) {
	text := append(l.text[:0], m.text...)
	*l = *m
	l.text = text
}

// MaxURL is how long a URL may be that is compared, in bytes.
const MaxURL = 4 << 10

// resolve makes l the location of ref in a document whose base is base (URL 4.4), and reports whether it could. It does not
// try where browsers have to repair much or may differ: backslashes, user names, hosts that are not plain ASCII, anything beyond ASCII. base may be nil.
func (l *location) resolve(base *location, ref []byte) bool {
	text := l.text[:0]
	*l = location{text: text}
	ref = trimURL(ref)
	if len(ref) > MaxURL || !plainURL(ref) {
		return false
	}
	if i := bytes.IndexByte(ref, '#'); i >= 0 {
		ref = ref[:i]
	}
	scheme, rest := splitScheme(ref)
	switch {
	case scheme != "":
		return l.authority(scheme, rest)
	case rest == nil || base == nil || !base.ok():
		return false
	case len(rest) > 1 && rest[0] == '/' && rest[1] == '/':
		return l.authority(string(base.text[:base.scheme]), rest)
	}
	return l.relative(base, rest)
}

// trimURL drops what the URL parser does at both ends.
func trimURL(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}

func plainURL(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c >= 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

// splitScheme returns the scheme, if it is http or https, and what follows its colon; without any scheme all of ref; nil for other schemes.
func splitScheme(ref []byte) (string, []byte) {
	for i, c := range ref {
		switch {
		case c == ':' && foldEqual(ref[:i], "https"):
			return "https", ref[i+1:]
		case c == ':' && foldEqual(ref[:i], "http"):
			return "http", ref[i+1:]
		case c == ':' && i > 0:
			return "", nil
		case !isAlnum(c) && c != '+' && c != '-' && c != '.':
			return "", ref
		}
	}
	return "", ref
}

// hasScheme tells whether a URL means the same whatever the base.
func hasScheme(ref []byte) bool {
	scheme, _ := splitScheme(trimURL(ref))
	return scheme != ""
}

// authority reads "//host:port/path?query".
func (l *location) authority(scheme string, b []byte) bool {
	if len(b) < 3 || b[0] != '/' || b[1] != '/' {
		return false
	}
	b = b[2:]
	e := 0
	for e < len(b) && b[e] != '/' && b[e] != '?' {
		e++
	}
	l.text = append(append(l.text, scheme...), "://"...)
	l.scheme = len(scheme)
	if !l.hostPort(b[:e]) {
		l.text = l.text[:0]
		return false
	}
	return l.pathQuery(nil, b[e:])
}

func (l *location) hostPort(b []byte) bool {
	host, port, _ := bytes.Cut(b, []byte(":"))
	if len(host) == 0 {
		return false
	}
	from := len(l.text)
	for _, c := range host {
		if !isAlnum(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
		l.text = append(l.text, lower(c))
	}
	l.host = len(l.text)
	return canonicalHost(l.text[from:]) && l.port(port)
}

// canonicalHost refuses the many spellings of IPv4 addresses but the usual one.
func canonicalHost(h []byte) bool {
	last := h[bytes.LastIndexByte(bytes.TrimSuffix(h, []byte(".")), '.')+1:]
	if last[0] < '0' || last[0] > '9' {
		return true
	}
	n := 0
	for label := range bytes.SplitSeq(h, []byte(".")) {
		v, ok := decimal(label)
		if !ok || v > 255 {
			return false
		}
		n++
	}
	return n == 4
}

// decimal reads a number of up to five digits without leading zeros.
func decimal(b []byte) (int, bool) {
	if len(b) == 0 || len(b) > 5 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func (l *location) port(b []byte) bool {
	l.origin = len(l.text)
	if len(b) == 0 {
		return true
	}
	n, ok := decimal(b)
	if !ok || n > 65535 {
		return false
	}
	if n != defaultPort(l.text[:l.scheme]) {
		l.text = append(append(l.text, ':'), b...)
		l.origin = len(l.text)
	}
	return true
}

func defaultPort(scheme []byte) int {
	if len(scheme) == len("https") {
		return 443
	}
	return 80
}

// relative resolves "/path", "path", "?query" or nothing against base.
func (l *location) relative(base *location, b []byte) bool {
	l.scheme, l.host, l.origin = base.scheme, base.host, base.origin
	l.text = append(l.text, base.text[:base.origin]...)
	switch {
	case len(b) == 0:
		l.text, l.path = append(l.text, base.text[base.origin:]...), base.path
		return true
	case b[0] == '?':
		l.text = append(l.text, base.text[base.origin:base.path]...)
		l.path = base.path
		l.query(b)
		return true
	case b[0] == '/':
		return l.pathQuery(nil, b)
	}
	dir := base.text[base.origin:base.path]
	return l.pathQuery(dir[:bytes.LastIndexByte(dir, '/')], b)
}

// pathQuery appends the path of dir, which ends in no slash, and b, without dot segments, and b's query.
func (l *location) pathQuery(dir, b []byte) bool {
	p, q := b, []byte(nil)
	if i := bytes.IndexByte(b, '?'); i >= 0 {
		p, q = b[:i], b[i:]
	}
	l.text = append(l.text, dir...)
	if len(p) == 0 {
		p = []byte{'/'}
	}
	if p[0] == '/' {
		p = p[1:]
	}
	for last := false; !last; {
		seg, rest, more := bytes.Cut(p, []byte{'/'})
		last = !more
		l.segment(seg, last)
		p = rest
	}
	l.path = len(l.text)
	l.query(q)
	if bytes.IndexByte(l.text[l.origin:l.path], '^') >= 0 { // browsers differ on it
		l.text = l.text[:0]
	}
	return l.ok()
}

// segment appends one segment of a path, or takes one away.
func (l *location) segment(seg []byte, last bool) {
	switch dots(seg) {
	case 2:
		l.text = l.text[:l.origin+max(0, bytes.LastIndexByte(l.text[l.origin:], '/'))]
		fallthrough
	case 1:
		if last {
			l.text = append(l.text, '/')
		}
		return
	}
	l.text = append(l.text, '/')
	for _, c := range seg {
		l.text = appendURLByte(l.text, c, "\"<>`{} ")
	}
}

// dots counts the dots of a segment of one or two dots, which may be written %2e; it is 0 for other segments.
func dots(seg []byte) int {
	n := 0
	for len(seg) > 0 {
		switch {
		case seg[0] == '.':
			seg = seg[1:]
		case len(seg) >= 3 && foldEqual(seg[:3], "%2e"):
			seg = seg[3:]
		default:
			return 0
		}
		n++
	}
	if n > 2 {
		return 0
	}
	return n
}

func (l *location) query(q []byte) {
	for _, c := range q {
		l.text = appendURLByte(l.text, c, "\"<>' ")
	}
}

func appendURLByte(dst []byte, c byte, encode string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(encode) {
		if encode[i] == c {
			return append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return append(dst, c)
}

// sameOrigin compares scheme, host and port.
func (l *location) sameOrigin(m *location) bool {
	return m.ok() && bytes.Equal(l.text[:l.origin], m.text[:m.origin])
}
