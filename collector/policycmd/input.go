package policycmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
)

// MaxInput bounds what is read as one policy text or settings, in bytes.
const MaxInput = 4 << 20

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

// readHeaders picks the policies out of headers as they are copied: "name: value"
// lines, or the name and the value on two lines, with whatever stands around
// them. A text without such headers is one policy.
func readHeaders(text string) headers {
	var h headers
	for off := 0; off < len(text); {
		line, next := lineAt(text, off)
		name, value, at := splitHeader(line)
		reportOnly := false
		switch name {
		case "content-security-policy-report-only":
			reportOnly = true
			fallthrough
		case "content-security-policy":
			start := off + at
			end := off + len(line)
			if value == "" {
				start = next
				line, after := lineAt(text, next)
				end, next = start+len(line), after
			}
			for next < len(text) && (text[next] == ' ' || text[next] == '\t') { // folded
				line, after := lineAt(text, next)
				end, next = next+len(line), after
			}
			h.list = append(h.list, header{text[start:end], start, reportOnly})
		case "reporting-endpoints":
			if value == "" {
				value, next = lineAt(text, next)
			}
			h.endpoints = append(h.endpoints, endpointNames(value)...)
		}
		off = next
	}
	if len(h.list) == 0 {
		h.list = []header{{text: text}}
	}
	return h
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
