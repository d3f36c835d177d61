package csp

import "strings"

// checkDirective reports what browsers silently ignore in a directive.
func (p *parser) checkDirective(id dirID, d *Directive) {
	if len(p.f.list) >= MaxFindings {
		return // nothing more would be kept; the work is saved
	}
	info := &directives[id]
	switch {
	case id == dirUnknown:
		p.unknownDirective(d)
		return
	case info.obsolete != "":
		p.f.add(Finding{Rule: "directive-obsolete", Severity: Low, Directive: d.Name, Offset: d.Offset(), Dropped: true,
			Message: "browsers no longer know this directive", Fix: info.obsolete})
		return
	}
	switch info.value {
	case valueSources, valueAncestors:
		p.checkSources(id, d)
	case valueSandbox:
		p.checkSandbox(d)
	case valueGroup:
		p.checkGroup(d)
	case valueURLs:
		if len(d.Sources) == 0 {
			p.empty(d, "write the URL that takes reports")
		}
	case valueTrustedFor:
		p.checkTrustedFor(d)
	case valueTrustedName:
		p.checkTrustedNames(d)
	case valueWebRTC:
		if len(d.Sources) != 1 || !equalFold(d.Sources[0].text, "'allow'") && !equalFold(d.Sources[0].text, "'block'") {
			p.f.add(Finding{Rule: "value-invalid", Severity: Medium, Directive: d.Name, Offset: d.Offset(), Dropped: true,
				Message: "anything but a single 'allow' means 'block'", Fix: "write 'allow' or 'block'"})
		}
	case valueNone:
		if len(d.Sources) > 0 {
			p.token(d, &d.Sources[0], "value-ignored", Low, "the directive takes no value; browsers ignore it", "write the name alone")
		}
	}
}

// token adds a finding on one token of a directive.
func (p *parser) token(d *Directive, s *Source, rule string, sev Severity, message, fix string) {
	p.f.add(Finding{Rule: rule, Severity: sev, Directive: d.Name, Value: s.text, Offset: s.Offset(), Dropped: true, Message: message, Fix: fix})
}

func (p *parser) empty(d *Directive, fix string) {
	p.f.add(Finding{Rule: "value-missing", Severity: Medium, Directive: d.Name, Offset: d.Offset(), Dropped: true,
		Message: "the directive does nothing without a value", Fix: fix})
}

func (p *parser) unknownDirective(d *Directive) {
	x := Finding{Rule: "directive-unknown", Severity: Medium, Directive: printable(d.Name), Offset: d.Offset(), Dropped: true,
		Message: "no such directive; browsers ignore it", Fix: "check the spelling"}
	switch {
	case !all(d.Name, className):
		x.Rule, x.Fix = "directive-name", "a name holds letters, digits and \"-\" only, and a space follows it"
	case nearest(d.Name) != dirUnknown:
		x.Fix = "did you mean " + directives[nearest(d.Name)].name + "?"
	}
	p.f.add(x)
}

// nearest finds a directive that was probably meant: the name with "-src" added
// or taken away, or with one character wrong, missing or too much.
func nearest(name string) dirID {
	if len(name) > 2*len("require-trusted-types-for") {
		return dirUnknown
	}
	for id := dirUnknown + 1; id < dirCount; id++ {
		n := directives[id].name
		if n == name+"-src" || n+"-src" == name || n+":" == name || oneEdit(n, name) {
			return id
		}
	}
	return dirUnknown
}

// oneEdit reports whether the strings differ by one character changed, inserted
// or deleted, or two neighbours swapped.
func oneEdit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 0:
		if i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
			return true
		}
		return i < len(a) && a[i+1:] == b[i+1:]
	case 1:
		return a[i:] == b[i+1:]
	}
	return false
}

func (p *parser) checkSources(id dirID, d *Directive) {
	for i := range d.Sources {
		s := &d.Sources[i]
		p.checkSource(id, d, s)
	}
	if d.Has(None) && len(d.Sources) > 1 && !d.IsNone() {
		for i := range d.Sources {
			s := &d.Sources[i]
			if s.keyword == None {
				p.token(d, s, "none-with-others", Medium, "browsers ignore 'none' next to other sources", "take out 'none' or the others")
				return
			}
		}
	}
}

func (p *parser) checkSource(id dirID, d *Directive, s *Source) {
	switch s.kind {
	case KindUnknown:
		p.token(d, s, "source-invalid", Medium, "not a source expression; browsers ignore it", sourceHint(s.text))
	case KindHost:
		p.checkHost(d, s)
	case KindHash:
		p.checkHash(d, s)
	case KindKeyword:
		switch {
		case s.keyword == InlineSpeculationRules && id != dirScriptSrc && id != dirScriptSrcElem:
			p.token(d, s, "keyword-misplaced", Low, "browsers ignore the keyword here", "write it into script-src or script-src-elem")
		case s.keyword == UnsafeAllowRedirects:
			p.token(d, s, "keyword-obsolete", Low, "it belonged to navigate-to, which is gone", "take it out")
		}
	}
	if directives[id].value == valueAncestors && s.kind != KindScheme && s.kind != KindHost && s.kind != KindUnknown &&
		s.keyword != Self && s.keyword != None {
		p.token(d, s, "source-invalid", Medium, "frame-ancestors takes schemes, hosts, 'self' and 'none' only", "take it out")
	}
}

func (p *parser) checkHost(d *Directive, s *Source) {
	if int(s.pathEnd) < len(s.text) {
		p.token(d, s, "path-query", Low, "browsers ignore the query or fragment of a source", "end the source before "+s.text[s.pathEnd:s.pathEnd+1])
		return
	}
	if s.scheme > 0 || strings.IndexByte(s.text, '.') >= 0 || s.text == "*" {
		return // no word that stands alone
	}
	if fix := unquoted(s.text); fix != "" {
		p.token(d, s, "keyword-unquoted", Medium, "without quotes this is the name of a host", "write "+fix)
		return
	}
	if dirByName(lower(s.text)) != dirUnknown {
		p.token(d, s, "semicolon-missing", High, "the name of a directive stands among the sources", "write ; before it")
	}
}

func (p *parser) checkHash(d *Directive, s *Source) {
	a, v := s.Hash()
	if int(s.prefix) != len("'sha256-") {
		p.token(d, s, "hash-invalid", Low, "only some browsers take this spelling", "write '"+a.String()+"-...'")
		return
	}
	for len(v) > 0 && v[len(v)-1] == '=' {
		v = v[:len(v)-1]
	}
	if len(v) != (a.Size()*8+5)/6 {
		p.token(d, s, "hash-invalid", Medium, "the digest has not the length of "+a.String()+", so it can never match",
			"write the base64 of the "+a.String()+" digest's bytes, not its hexadecimal text")
	}
}

// unquoted recognises keywords, nonces and hashes without their quotes, which
// read as host names. It gives what to write, "" if the text is none.
func unquoted(s string) string {
	if keywordByText("'"+s+"'") != NoKeyword || hasPrefixFold(s, "nonce-") {
		return "'" + s + "'"
	}
	for _, prefix := range [...]string{"sha256-", "sha384-", "sha512-"} {
		if hasPrefixFold(s, prefix) {
			return "'" + s + "'"
		}
	}
	return ""
}

// sourceHint says what may have been meant by a text that is no source.
func sourceHint(s string) string {
	bare := s
	for len(bare) > 0 && (bare[0] == '"' || bare[0] == '\'' || bare[0] == '`') {
		bare = bare[1:]
	}
	for len(bare) > 0 && (bare[len(bare)-1] == '"' || bare[len(bare)-1] == '\'' || bare[len(bare)-1] == '`') {
		bare = bare[:len(bare)-1]
	}
	switch {
	case bare == "":
		return "take it out"
	case equalFold(bare, "unsafe-hashed-attributes"), equalFold(bare, "unsafe-hash-attributes"):
		return "write 'unsafe-hashes', as it is called since 2018"
	case equalFold(bare, "unsafe-redirect"):
		return "take it out; redirects need no keyword"
	case s[0] != '\'' && strings.IndexByte(s, '[') >= 0:
		return "write a host name; no source expression can name an IPv6 address"
	case strings.HasPrefix(s, "//"):
		return "write the host without //, or https:// before it"
	case bare != s && unquoted(bare) != "":
		return "write '" + clip(bare) + "'"
	case bare != s && parseSource(bare, 0).kind == KindHost && s[0] != '\'':
		return "write it without quotes"
	case s[0] == '\'':
		return "check the spelling of the keyword, nonce or hash; hosts stand without quotes"
	case unquoted(s) != "":
		return "write '" + clip(s) + "'"
	}
	return "write a host (https://example.com/path), a scheme (https:), a quoted keyword, nonce or hash"
}

func (p *parser) checkSandbox(d *Directive) {
	for i := range d.Sources {
		s := &d.Sources[i]
		if isSandboxToken(s.text) {
			continue
		}
		fix := "check the spelling (allow-scripts, allow-forms, ...)"
		if s.text[0] == '\'' {
			fix = "write it without quotes"
		}
		p.token(d, s, "value-invalid", Low, "no such sandbox flag; browsers ignore it", fix)
	}
}

func (p *parser) checkGroup(d *Directive) {
	if len(d.Sources) == 0 {
		p.empty(d, "write the name of an endpoint of the Reporting-Endpoints header")
		return
	}
	if len(d.Sources) > 1 {
		p.token(d, &d.Sources[1], "value-ignored", Medium, "report-to takes one endpoint; browsers ignore the others", "write one name")
	}
	if s := &d.Sources[0]; !ValidReportTo(s.text) {
		p.token(d, s, "value-invalid", Medium, "this cannot be the name of an endpoint in Reporting-Endpoints",
			"write a lower-case letter, then lower-case letters, digits, \"_\", \"-\", \".\", \"*\"")
	}
}

func (p *parser) checkTrustedFor(d *Directive) {
	script := false
	for i := range d.Sources {
		s := &d.Sources[i]
		if s.text == "'script'" {
			script = true
			continue
		}
		p.token(d, s, "value-invalid", Medium, "only 'script' is known, in lower case", "write 'script'")
	}
	if !script && len(d.Sources) == 0 {
		p.empty(d, "write 'script'")
	}
}

func (p *parser) checkTrustedNames(d *Directive) {
	for i := range d.Sources {
		s := &d.Sources[i]
		switch {
		case s.text == "'none'" && len(d.Sources) > 1:
			p.token(d, s, "none-with-others", Low, "browsers ignore 'none' next to other names", "take out 'none' or the others")
		case s.text == "'none'", s.text == "'allow-duplicates'", s.text == "*", isPolicyName(s.text):
		default:
			p.token(d, s, "value-invalid", Medium, "not the name of a Trusted Types policy; browsers ignore it",
				"use letters, digits and - # = _ / @ . %; keywords are 'none' and 'allow-duplicates', in lower case")
		}
	}
}

// isPolicyName is tt-policy-name of the Trusted Types specification.
func isPolicyName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case is(c, className):
		case c == '#', c == '=', c == '_', c == '/', c == '@', c == '.', c == '%':
		default:
			return false
		}
	}
	return s != ""
}
