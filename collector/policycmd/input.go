package policycmd

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
)

// MaxInput bounds what is read as one policy text or settings, in bytes.
const MaxInput = 4 << 20

// byteOrderMark is what some editors put before text in UTF-8. It is no part of
// the text, and not counted in offsets.
const byteOrderMark = "\ufeff"

// noOperand refuses what --batch would not look at.
func noOperand(args []string, file string) error {
	if len(args) > 0 || file != "" {
		return errors.New("--batch reads standard input; give no policy and no --file")
	}
	return nil
}

// operand reads an argument: text, @FILE, or - for standard input.
func (s Streams) operand(arg string) (text, name string, err error) {
	path, isFile := strings.CutPrefix(arg, "@")
	switch {
	case arg == "-":
		b, err := io.ReadAll(io.LimitReader(s.In, MaxInput+1))
		if err != nil {
			return "", "", fmt.Errorf("reading standard input: %w", err)
		}
		text, name = string(b), "stdin"
	case isFile:
		b, err := s.ReadFile(path)
		if err != nil {
			return "", "", err
		}
		text, name = string(b), path
	default:
		text, name = arg, "argument"
	}
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return "", "", fmt.Errorf("%s: the text is in UTF-16; write it in UTF-8", name)
	}
	text = strings.TrimPrefix(text, byteOrderMark)
	if len(text) > MaxInput {
		return "", "", fmt.Errorf("%s: more than %d bytes; give less", name, MaxInput)
	}
	return text, name, nil
}

// single reads the one operand of a command, standard input without one.
func (s Streams) single(args []string, file string) (text, name string, err error) {
	switch {
	case file != "" && len(args) > 0:
		return "", "", fmt.Errorf("--file and an argument are given; give one of them")
	case file == "-" || file == "" && len(args) == 0:
		return s.operand("-")
	case file != "":
		return s.operand("@" + file)
	}
	return s.operand(args[0])
}

// header is the value of one policy header, or a policy that stands alone.
type header struct {
	text       string
	off        int // of the value in the input
	reportOnly bool
}

// headers is what was found in an input.
type headers struct {
	list []header
	// endpoints are the names in Reporting-Endpoints, nil if it is not there.
	endpoints []string
}

// join appends other headers.
func (h *headers) join(o headers) {
	h.list = append(h.list, o.list...)
	h.endpoints = append(h.endpoints, o.endpoints...)
}

// reader goes through copied headers line by line.
type reader struct {
	text string
	next int // where the next line starts
	headers
	status bool // a status line was there
	others bool // a header of another name was there
	legacy bool // Report-To was there, the older way to name endpoints
	body   bool // the header section is over
}

// readHeaders picks the policies out of headers as they are copied: "name: value"
// lines, or the name and the value on two lines, with whatever stands around
// them. Of several responses (redirects) the last counts; what follows the empty
// line behind a status line and its headers is no header. A text without any
// header is one policy.
func readHeaders(text string) headers {
	r := reader{text: text}
	for r.next < len(text) {
		r.line()
	}
	if len(r.list) == 0 && !r.status && !r.others {
		r.list = []header{{text: text}}
	}
	if r.status && !r.legacy && r.endpoints == nil {
		r.endpoints = []string{} // all headers are there, and this one is not
	}
	return r.headers
}

// line reads one line, and the value where it stands on the next ones.
func (r *reader) line() {
	off := r.next
	line, next := lineAt(r.text, off)
	r.next = next
	name, value, at := splitHeader(line)
	switch {
	case isStatusLine(line):
		*r = reader{text: r.text, next: next, status: true}
	case r.body:
	case name == "" && value == "":
		r.body = r.status
	case name == "content-security-policy", name == "content-security-policy-report-only":
		start, end := r.value(off+at, off+len(line), value)
		r.list = append(r.list, header{r.text[start:end], start, strings.HasSuffix(name, "-report-only")})
	case name == "reporting-endpoints":
		start, end := r.value(off+at, off+len(line), value)
		r.endpoints = append(slices.Grow(r.endpoints, 1), endpointNames(r.text[start:end])...)
	case name == "report-to" && r.status:
		r.legacy = true
	case commonHeaders[name]:
		r.others = true
	}
}

// value finds a header's value: on its own line, or else on the next one, and on
// what is folded.
func (r *reader) value(start, end int, value string) (int, int) {
	if value == "" {
		line, after := lineAt(r.text, r.next)
		if startsHeader(line) {
			return end, end // this one is empty
		}
		start, end, r.next = r.next, r.next+len(line), after
	}
	for r.next < len(r.text) && (r.text[r.next] == ' ' || r.text[r.next] == '\t') {
		line, after := lineAt(r.text, r.next)
		end, r.next = r.next+len(line), after
	}
	return start, end
}

// startsHeader recognises a header by its colon, which no directive's name has
// behind it unless somebody wrote it so.
func startsHeader(line string) bool {
	name, _, ok := strings.Cut(strings.TrimLeft(line, "< \t"), ":")
	return ok && name != "" && !strings.ContainsAny(name, " ;'\t") && !strings.HasSuffix(name, "-src")
}

// isStatusLine recognises "HTTP/1.1 200 OK", also behind curl's "< ".
func isStatusLine(line string) bool {
	version, rest, ok := strings.Cut(strings.TrimLeft(line, "< \t"), " ")
	return ok && strings.HasPrefix(version, "HTTP/") && len(rest) >= 3 && '1' <= rest[0] && rest[0] <= '5'
}

// commonHeaders tell headers without a policy from a policy that somebody wrote
// with colons.
var commonHeaders = map[string]bool{
	"age": true, "alt-svc": true, "cache-control": true, "connection": true, "content-encoding": true, "content-length": true, "content-type": true,
	"cross-origin-opener-policy": true, "date": true, "etag": true, "expires": true, "last-modified": true, "location": true, "permissions-policy": true,
	"pragma": true, "referrer-policy": true, "server": true, "set-cookie": true, "strict-transport-security": true, "transfer-encoding": true,
	"vary": true, "via": true, "x-content-security-policy": true, "x-content-type-options": true, "x-frame-options": true, "x-powered-by": true,
	"x-webkit-csp": true, "x-xss-protection": true,
}

// lineAt gives the line at off without its end, and where the next one starts.
func lineAt(text string, off int) (string, int) {
	if off >= len(text) {
		return "", len(text)
	}
	if i := strings.IndexByte(text[off:], '\n'); i >= 0 {
		return strings.TrimSuffix(text[off:off+i], "\r"), off + i + 1
	}
	return text[off:], len(text)
}

// splitHeader reads "name: value" or a name alone; at is where the value starts.
// What curl -v puts in front ("< ") is skipped.
func splitHeader(line string) (name, value string, at int) {
	start := len(line) - len(strings.TrimLeft(line, "<> \t"))
	colon := strings.IndexByte(line, ':')
	if colon < 0 {
		return strings.ToLower(strings.TrimSpace(line[start:])), "", len(line)
	}
	if colon < start {
		return "", "", 0
	}
	rest := line[colon+1:]
	at = colon + 1 + len(rest) - len(strings.TrimLeft(rest, " \t"))
	return strings.ToLower(strings.TrimSpace(line[start:colon])), strings.TrimSpace(rest), at
}

// endpointNames are the keys of a structured-field dictionary whose values are
// strings: name="url", ...
func endpointNames(value string) []string {
	names := []string{}
	inString, start := false, 0
	for i := 0; i <= len(value); i++ {
		switch {
		case i < len(value) && value[i] == '"':
			inString = !inString
		case i == len(value) || value[i] == ',' && !inString:
			if key, _, ok := strings.Cut(value[start:i], "="); ok {
				names = append(names, strings.TrimSpace(key))
			}
			start = i + 1
		}
	}
	return names
}

// policies parses all headers into what governs a page.
func (h headers) policies() csp.Policies {
	var out csp.Policies
	for _, x := range h.list {
		list, _ := csp.ParseList(x.text)
		if x.reportOnly {
			out.ReportOnly = append(out.ReportOnly, list...)
		} else {
			out.Enforce = append(out.Enforce, list...)
		}
	}
	return out
}
