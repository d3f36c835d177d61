package lint

import (
	"slices"
	"strconv"
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
)

// inlineInForce reports whether 'unsafe-inline' is there and not silenced
// (CSP3 6.7.3.2).
func inlineInForce(d csp.Directive, script bool) bool {
	return d.Has(csp.UnsafeInline) && !has(d, csp.KindNonce) && !has(d, csp.KindHash) && !(script && d.Has(csp.StrictDynamic))
}

func checkScripts(l *linter) {
	for _, d := range l.scriptDirectives() {
		silent := func(x csp.Directive) bool { return !inlineInForce(x, true) }
		if inlineInForce(d, true) && !l.forbidden(d, silent, scriptElem, scriptAttr) {
			l.at(scriptUnsafeInline, d, source(d, csp.UnsafeInline), "injected inline scripts and event handlers run",
				"give scripts a nonce or hash and take 'unsafe-inline' out")
		}
		noEval := func(x csp.Directive) bool { return !x.Has(csp.UnsafeEval) }
		if s := source(d, csp.UnsafeEval); s != nil && l.decides(d, scriptEval) && !l.forbidden(d, noEval, scriptEval) {
			l.at(scriptUnsafeEval, d, s, "eval() and its kind run strings as code", "take it out, or use 'wasm-unsafe-eval' where WebAssembly needs it")
		}
		if s := source(d, csp.UnsafeHashes); s != nil {
			if has(d, csp.KindHash) {
				l.at(scriptUnsafeHashes, d, s, "code whose hash is listed also runs from event handlers and javascript: URLs that an attacker places",
					"move event handlers into scripts")
			} else {
				l.at(hashesAlone, d, s, "it needs a hash to allow", "add the handler's hash, or take it out")
			}
		}
	}
	if d, ok := l.deciding(scriptElem...); ok {
		checkTrust(l, d)
	}
}

// checkTrust judges nonces, hashes and 'strict-dynamic' where elements are decided.
func checkTrust(l *linter, d csp.Directive) {
	trusted := has(d, csp.KindNonce) || has(d, csp.KindHash)
	s := source(d, csp.StrictDynamic)
	switch {
	case s != nil && !trusted:
		l.at(strictAlone, d, s, "no script in the markup can run", "add a nonce or hash")
	case s == nil && trusted && d.Name != "default-src":
		l.at(noStrictDynamic, d, nil, "scripts that trusted scripts load need hosts of their own", "consider 'strict-dynamic'")
	}
	if trusted && !d.Has(csp.UnsafeInline) {
		l.at(noInlineFallback, d, nil, "browsers of CSP1, before 2016, block scripts that a nonce or hash allows", "add 'unsafe-inline' if such browsers matter; others ignore it")
	}
	if trusted && s != nil && !slices.ContainsFunc(d.Sources, isLocation) {
		l.at(noHostFallback, d, s, "browsers without 'strict-dynamic' (Safari before 15.4) block what trusted scripts load",
			"add https: if such browsers matter; others ignore it")
	}
}

// isLocation recognises the sources that 'strict-dynamic' silences.
func isLocation(s csp.Source) bool {
	return s.Kind() == csp.KindHost || s.Kind() == csp.KindScheme || s.Keyword() == csp.Self
}

func checkStyles(l *linter) {
	for _, d := range l.styleDirectives() {
		if inlineInForce(d, false) {
			l.at(styleUnsafeInline, d, source(d, csp.UnsafeInline), "injected styles apply; they can hide, cover and read parts of the page",
				"give style elements a nonce or hash")
		}
	}
}

func checkMissing(l *linter) {
	if l.index > 0 {
		return // what is missing is missing in the whole list: said once
	}
	lacks := func(names ...string) bool {
		return !l.anyPolicy(func(p csp.Policy) bool { _, ok := deciding(p, names...); return ok })
	}
	if lacks("script-src", "default-src") {
		l.missing(missingScript, "script-src", "any script runs", "write a script-src with nonces or hashes, or a default-src")
	}
	if lacks("object-src", "default-src") {
		l.missing(missingObject, "object-src", "plugins and embedded documents load from anywhere", "write object-src 'none'")
	}
	if lacks("base-uri") {
		r := missingBase
		if !needsBase(l.list) {
			r.Severity = csp.Low
		}
		l.missing(r, "base-uri", "an injected <base> changes where relative URLs lead", "write base-uri 'none' or 'self'")
	}
	if lacks("frame-ancestors") && !l.o.Meta && !l.o.ReportOnly {
		l.missing(missingAncestors, "frame-ancestors", "any site can frame the page; default-src does not cover it", "write frame-ancestors 'none' or 'self'")
	}
	if lacks("form-action") {
		l.missing(missingFormAction, "form-action", "forms can be sent anywhere; default-src does not cover it", "write form-action 'self'")
	}
	if lacks("default-src") {
		l.missing(missingDefault, "default-src", "kinds of resources that no directive names load from anywhere", "write default-src 'none' or 'self'")
	}
	if lacks("require-trusted-types-for") {
		l.missing(noTrustedTypes, "require-trusted-types-for", "innerHTML and its kind take strings", "consider require-trusted-types-for 'script'")
	}
}

// needsBase: nonces, and hashes with 'strict-dynamic', trust scripts whatever
// their URL, so that <base> decides what a relative URL loads.
func needsBase(list csp.List) bool {
	return slices.ContainsFunc(list, func(p csp.Policy) bool {
		d, ok := deciding(p, "script-src-elem", "script-src", "default-src")
		return ok && (has(d, csp.KindNonce) || has(d, csp.KindHash) && d.Has(csp.StrictDynamic))
	})
}

// checkSchemesAndWildcards looks where code comes from, or where it is looked for.
func checkSchemesAndWildcards(l *linter) {
	var seen []string
	for i, chain := range [...][]string{scriptElem, objects, base} {
		script := i == 0
		narrow := func(x csp.Directive) bool { return !broad(x, script) }
		d, ok := l.deciding(chain...)
		if !ok || !broad(d, script) || slices.Contains(seen, d.Name) || l.forbidden(d, narrow, chain) {
			continue
		}
		seen = append(seen, d.Name)
		checkBroad(l, d)
	}
	checkUnencrypted(l)
}

// broad reports whether a whole scheme or every host is allowed.
func broad(d csp.Directive, script bool) bool {
	if script && d.Has(csp.StrictDynamic) {
		return false // silenced
	}
	return slices.ContainsFunc(d.Sources, func(s csp.Source) bool {
		return s.Kind() == csp.KindScheme && dangerousScheme(s.Scheme()) || s.Host() == "*"
	})
}

func checkBroad(l *linter, d csp.Directive) {
	for i := range d.Sources {
		switch s := &d.Sources[i]; {
		case s.Kind() == csp.KindScheme && dangerousScheme(s.Scheme()):
			l.at(plainScheme, d, s, "every address of the scheme is allowed, an attacker's too", "name hosts, or use nonces or hashes")
		case s.Host() == "*":
			l.at(wildcard, d, s, "every host is allowed", "name hosts, or use nonces or hashes")
		}
	}
}

// checkObjects: nothing that is built today needs object and embed.
func checkObjects(l *linter) {
	d, ok := l.deciding(objects...)
	if ok && !d.IsNone() && !broad(d, false) && !l.forbidden(d, csp.Directive.IsNone, objects) {
		l.at(objectSource, d, nil, "what object and embed elements load can run code in the page's place", "write object-src 'none'")
	}
}

func checkUnencrypted(l *linter) {
	for _, d := range l.p.Directives {
		for i := range d.Sources {
			if s := &d.Sources[i]; s.Kind() == csp.KindHost && strings.EqualFold(s.Scheme(), "http") {
				l.at(httpSource, d, s, "somebody on the network can change what is loaded", "write https://")
			}
		}
	}
}

func dangerousScheme(s string) bool {
	switch strings.ToLower(s) {
	case "http", "https", "ws", "wss", "data", "blob", "filesystem":
		return true
	}
	return false
}

func checkHosts(l *linter) {
	for _, d := range l.p.Directives {
		for i := range d.Sources {
			if s := &d.Sources[i]; s.Kind() == csp.KindHost && isIP(s.Host()) {
				message := "CSP3 lets no address but 127.0.0.1 match; browsers do, but need not"
				if s.Host() == "127.0.0.1" {
					message = "a program on the visitor's own machine is trusted"
				}
				l.at(ipSource, d, s, message, "write a host name")
			}
		}
	}
	hostless := func(x csp.Directive) bool {
		return x.Has(csp.StrictDynamic) || !slices.ContainsFunc(x.Sources, isLocation)
	}
	if d, ok := l.deciding(scriptElem...); ok && !d.Has(csp.StrictDynamic) && !l.forbidden(d, hostless, scriptElem) {
		checkScriptHosts(l, d)
	}
}

func checkScriptHosts(l *linter, d csp.Directive) {
	for i := range d.Sources {
		s := &d.Sources[i]
		if s.Keyword() == csp.Self {
			l.at(hostList, d, s, "every script on the page's own host is trusted: JSONP answers and uploads too", "use nonces or hashes instead of hosts")
		}
		if s.Kind() != csp.KindHost || s.Host() == "*" {
			continue
		}
		if l.full() {
			l.cut(csp.High)
			return // every host here makes a finding: the search for bypasses is saved
		}
		b, known := findBypass(d, *s)
		switch shared := sharedDomain(s.Host()); {
		case known && b.kind == "angular":
			l.at(bypassHost, d, s, b.url.Host+" serves AngularJS, whose templates run code from injected markup", "use nonces or hashes instead of hosts")
		case known:
			l.at(bypassHost, d, s, b.url.Host+" answers with a function call of the caller's choice (JSONP)", "use nonces or hashes instead of hosts")
		case shared != "":
			l.at(sharedHost, d, s, "anybody can publish under "+shared, "name the one host that is yours")
		default:
			l.at(hostList, d, s, "every script on the host is trusted: JSONP answers, old libraries and uploads too", "use nonces or hashes instead of hosts")
		}
	}
}

// findBypass looks for a known bypass that the source lets through.
func findBypass(d csp.Directive, s csp.Source) (bypass, bool) {
	self := csp.Origin{Scheme: "https"}
	for _, b := range bypasses {
		if s.Match(b.url, self, false) == csp.Matched && (b.kind != "jsonp-eval" || d.Has(csp.UnsafeEval)) {
			return b, true
		}
	}
	return bypass{}, false
}

// sharedDomain gives the shared domain that a host wildcard spans, "" if none.
func sharedDomain(host string) string {
	rest, ok := strings.CutPrefix(strings.ToLower(host), "*.")
	if !ok {
		return ""
	}
	for _, d := range sharedDomains {
		if rest == d || strings.HasSuffix(d, "."+rest) {
			return d
		}
	}
	return ""
}

func isIP(host string) bool {
	parts := strings.Split(host, ".")
	if len(parts) != 4 {
		return false
	}
	for _, p := range parts {
		if n, err := strconv.Atoi(p); err != nil || n > 255 {
			return false
		}
	}
	return true
}

// minNonce is 128 bits in base64 without padding.
const minNonce = 22

func checkNonces(l *linter) {
	for _, d := range l.p.Directives {
		for i := range d.Sources {
			if s := &d.Sources[i]; s.Kind() == csp.KindNonce && len(strings.TrimRight(s.Nonce(), "=")) < minNonce {
				l.at(nonceShort, d, s, "the nonce can be guessed or is not random", "make 16 random bytes per response: 22 characters of base64")
			}
		}
	}
}

func checkSilenced(l *linter) {
	for _, d := range l.scriptDirectives() {
		if s := source(d, csp.UnsafeInline); s != nil && !inlineInForce(d, true) {
			l.at(inlineSilenced, d, s, "only browsers of CSP1 heed it", "keep it as a fall-back, or take it out")
		}
		if d.Has(csp.StrictDynamic) {
			for i := range d.Sources {
				if s := &d.Sources[i]; s.Kind() == csp.KindHost || s.Kind() == csp.KindScheme || s.Keyword() == csp.Self {
					l.at(hostSilenced, d, s, "only browsers without 'strict-dynamic' heed it", "keep it as a fall-back, or take it out")
				}
			}
		}
	}
	for _, d := range l.styleDirectives() {
		if s := source(d, csp.UnsafeInline); s != nil && d.Name != "default-src" && !inlineInForce(d, false) {
			l.at(inlineSilenced, d, s, "style attributes are blocked", "take the nonces and hashes out, or 'unsafe-inline'")
		}
	}
}
