package lint

import (
	"slices"
	"strconv"
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
)

// checkNoEffect finds what browsers understand and yet never ask about.
func checkNoEffect(l *linter) {
	for _, d := range l.p.Directives {
		if d.Name == "default-src" {
			continue // it stands in for scripts and styles
		}
		script, style := strings.HasPrefix(d.Name, "script-src"), strings.HasPrefix(d.Name, "style-src")
		for i := range d.Sources {
			s := &d.Sources[i]
			if s.Kind() == csp.KindToken || s.Kind() == csp.KindUnknown || effective(d, s, script, style) {
				continue
			}
			l.at(noEffect, d, s, "nothing asks for it in "+d.Name, "take it out")
		}
	}
}

func effective(d csp.Directive, s *csp.Source, script, style bool) bool {
	switch s.Keyword() {
	case csp.UnsafeInline, csp.UnsafeHashes:
		return script || style
	case csp.ReportSample:
		return script || style
	case csp.StrictDynamic:
		return script && d.Name != "script-src-attr" || d.Name == "worker-src"
	case csp.UnsafeEval, csp.WasmUnsafeEval, csp.TrustedTypesEval:
		return d.Name == "script-src" // also where script-src-elem is there
	case csp.ReportSHA256, csp.ReportSHA384, csp.ReportSHA512, csp.InlineSpeculationRules:
		return script && d.Name != "script-src-attr"
	case csp.UnsafeWebTransportHashes:
		return d.Name == "connect-src"
	}
	switch s.Kind() {
	case csp.KindNonce:
		return script && d.Name != "script-src-attr" || style && d.Name != "style-src-attr"
	case csp.KindHash:
		return script || style || d.Has(csp.UnsafeWebTransportHashes)
	case csp.KindHost, csp.KindScheme:
		return d.Name != "script-src-attr" && d.Name != "style-src-attr"
	}
	return true
}

func checkDuplicates(l *linter) {
	for _, d := range l.p.Directives {
		if len(d.Sources) == 0 && hasList(d.Name) {
			l.at(emptyList, d, nil, "nothing is allowed", "write 'none', to say so")
		}
		seen := make(map[string]bool, len(d.Sources))
		for i := range d.Sources {
			s := &d.Sources[i]
			key := s.Canonical()
			if d.Name == "sandbox" {
				key = strings.ToLower(key)
			}
			if seen[key] {
				l.at(sourceDuplicate, d, s, "it stands there already", "take it out")
			}
			seen[key] = true
		}
		checkRedundant(l, d, seen)
	}
}

func checkRedundant(l *linter, d csp.Directive, all map[string]bool) {
	for i := range d.Sources {
		s := &d.Sources[i]
		by := redundant(all, s)
		if d.Name == "trusted-types" && all["*"] && s.Text() != "*" && s.Text()[0] != '\'' {
			by = "*"
		}
		if by != "" {
			l.at(sourceRedundant, d, s, by+" allows it already", "take it out, or "+by)
		}
	}
}

// hasList reports whether an empty value of the directive means 'none'.
func hasList(name string) bool {
	switch name {
	case "base-uri", "form-action", "frame-ancestors", "trusted-types":
		return true
	}
	return strings.HasSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "-elem"), "-attr"), "-src")
}

// redundant looks for another source that allows all that s does.
func redundant(all map[string]bool, s *csp.Source) string {
	if s.Kind() != csp.KindHost || s.Text() == "*" {
		return ""
	}
	scheme := strings.ToLower(s.Scheme())
	switch {
	case all["*"] && (scheme == "" || scheme == "http" || scheme == "https" || scheme == "ws" || scheme == "wss"):
		return "*"
	case scheme != "" && all[scheme+":"]:
		return scheme + ":"
	}
	return ""
}

func checkReporting(l *linter) {
	uri, hasURI := l.p.Get("report-uri")
	to, hasTo := l.p.Get("report-to")
	switch {
	case !hasURI && !hasTo && l.o.ReportOnly:
		l.missing(uselessReportOnly, "report-uri", "nobody hears of violations", "write report-uri and report-to")
	case !hasURI && !hasTo:
		l.missing(noReporting, "report-uri", "nobody hears of violations", "write report-uri and report-to")
	case !hasURI:
		l.at(reportToOnly, to, nil, "Firefox before 149 and others send nothing", "write report-uri beside it")
	}
	if hasTo && len(to.Sources) > 0 && l.o.Endpoints != nil && !slices.Contains(l.o.Endpoints, to.Sources[0].Text()) {
		l.at(reportToUnknown, to, &to.Sources[0], "Reporting-Endpoints does not name it, and it silences report-uri", "name it in Reporting-Endpoints")
	}
	for i := range uri.Sources {
		if s := &uri.Sources[i]; strings.HasPrefix(strings.ToLower(s.Text()), "http://") {
			l.at(reportHTTP, uri, s, "reports are sent unencrypted, or not at all", "write https://, or a path on the page's own host")
		}
	}
	if hasURI || hasTo {
		checkSamples(l)
	}
}

func checkSamples(l *linter) {
	for _, d := range append(l.scriptDirectives(), l.styleDirectives()...) {
		if !d.IsNone() && !d.Has(csp.ReportSample) && !slices.ContainsFunc(l.found, func(f csp.Finding) bool {
			return f.Rule == noReportSample.ID && f.Policy == l.index && f.Directive == d.Name
		}) {
			l.at(noReportSample, d, nil, "reports do not show what was blocked", "add 'report-sample'")
		}
	}
}

func checkDelivery(l *linter) {
	for _, d := range l.p.Directives {
		switch d.Name {
		case "sandbox", "upgrade-insecure-requests":
			if l.o.ReportOnly {
				l.at(ignoredReportOnly, d, nil, "browsers ignore it here", "write it into the enforced policy")
			}
		}
		switch d.Name {
		case "sandbox", "frame-ancestors", "report-uri":
			if l.o.Meta {
				l.at(ignoredMeta, d, nil, "browsers ignore it here", "send it in the header")
			}
		}
		if d.Name == "frame-ancestors" && l.o.ReportOnly {
			l.at(ancestorsReport, d, nil, "framing is not prevented", "enforce it, or keep X-Frame-Options")
		}
	}
}

func checkSandbox(l *linter) {
	d, ok := l.p.Get("sandbox")
	if !ok {
		return
	}
	var scripts, origin bool
	for _, s := range d.Sources {
		scripts = scripts || strings.EqualFold(s.Text(), "allow-scripts")
		origin = origin || strings.EqualFold(s.Text(), "allow-same-origin")
	}
	if scripts && origin {
		l.at(sandboxEscape, d, nil, "scripts keep the origin's rights, and a framed page can take its frame's sandbox away", "take out allow-same-origin")
	}
}

func checkTrustedTypes(l *linter) {
	d, ok := l.p.Get("trusted-types")
	if !ok {
		return
	}
	if !l.anyPolicy(func(p csp.Policy) bool { _, ok := p.Get("require-trusted-types-for"); return ok }) {
		l.at(trustedTypesAlone, d, nil, "nothing requires Trusted Types", "write require-trusted-types-for 'script' as well")
	}
	names := 0
	for i := range d.Sources {
		switch s := &d.Sources[i]; s.Text() {
		case "*":
			l.at(trustedTypesAny, d, s, "a script can make a policy that lets everything through", "list the names of the policies")
		case "'allow-duplicates'", "'none'":
			continue
		}
		names++
	}
	if s := slices.IndexFunc(d.Sources, func(s csp.Source) bool { return s.Text() == "'allow-duplicates'" }); s >= 0 && names == 0 {
		l.at(noEffect, d, &d.Sources[s], "there is no name that could come twice", "take it out, or list names")
	}
}

func checkSupport(l *linter) {
	for _, d := range l.p.Directives {
		if s, ok := Supported(d.Name); ok {
			l.at(browserSupport, d, nil, s.sentence(d.Name), "do not rely on it alone")
		}
		for i := range d.Sources {
			src := &d.Sources[i]
			if src.Kind() != csp.KindKeyword {
				continue
			}
			if s, ok := Supported(src.Text()); ok {
				l.at(browserSupport, d, src, s.sentence(src.Text()), "do not rely on it alone")
			}
		}
	}
}

func (s Support) sentence(feature string) string {
	return feature + " is known to Chrome: " + since(s.Chrome) + ", Firefox: " + since(s.Firefox) + ", Safari: " + since(s.Safari)
}

func since(v string) string {
	switch v {
	case "no":
		return "never"
	case "?":
		return "perhaps"
	}
	return "since " + v
}

func checkSize(l *linter) {
	if over := l.p.OverBudget(0); over > 0 {
		n := strconv.Itoa(csp.HeaderBudget + over)
		l.missing(headerSize, "", "the policy has "+n+" bytes; many servers take no more than 8 KiB of headers in all",
			"replace hosts and hashes by nonces, or name fewer")
	}
}
