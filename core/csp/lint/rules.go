package lint

import "github.com/edgecsp/edgecsp/core/csp"

// The rules. Grades follow the field: what lets injected script run is high,
// what weakens or breaks the policy medium, what is minor or only old low.
var (
	scriptUnsafeInline = Rule{"script-unsafe-inline", csp.High, "'unsafe-inline' lets injected inline script run."}
	scriptUnsafeEval   = Rule{"script-unsafe-eval", csp.Medium, "'unsafe-eval' lets strings be run as code."}
	scriptUnsafeHashes = Rule{"script-unsafe-hashes", csp.Low, "'unsafe-hashes' lets listed code run from event handlers that an attacker places."}
	styleUnsafeInline  = Rule{"style-unsafe-inline", csp.Low, "'unsafe-inline' lets injected inline styles apply."}
	plainScheme        = Rule{"plain-scheme", csp.High, "A whole scheme is allowed where code comes from."}
	wildcard           = Rule{"wildcard", csp.High, "Every host is allowed where code comes from."}
	sharedHost         = Rule{"shared-host", csp.High, "Anybody can publish under the allowed domain."}
	bypassHost         = Rule{"bypass-host", csp.High, "The allowed host serves script on an attacker's terms."}
	hostList           = Rule{"host-list", csp.Info, "Scripts are allowed by their host."}
	missingScript      = Rule{"missing-script-src", csp.High, "Nothing restricts scripts."}
	missingObject      = Rule{"missing-object-src", csp.High, "Nothing restricts plugins."}
	missingBase        = Rule{"missing-base-uri", csp.High, "An injected <base> can lead relative script URLs elsewhere."}
	missingAncestors   = Rule{"missing-frame-ancestors", csp.Medium, "Any site can frame the page."}
	missingFormAction  = Rule{"missing-form-action", csp.Low, "An injected form can send what is typed elsewhere."}
	missingDefault     = Rule{"missing-default-src", csp.Low, "What no directive names is not restricted."}
	noTrustedTypes     = Rule{"missing-trusted-types", csp.Info, "DOM sinks take strings."}
	trustedTypesAny    = Rule{"trusted-types-any", csp.Low, "Any Trusted Types policy may be made."}
	trustedTypesAlone  = Rule{"trusted-types-alone", csp.Info, "The names of policies are restricted, but sinks take strings all the same."}
	noStrictDynamic    = Rule{"missing-strict-dynamic", csp.Info, "'strict-dynamic' would replace the list of hosts."}
	strictAlone        = Rule{"strict-dynamic-alone", csp.Medium, "'strict-dynamic' without nonce or hash lets no script in the markup run."}
	noInlineFallback   = Rule{"missing-inline-fallback", csp.Info, "Browsers without nonces and hashes block the scripts."}
	noHostFallback     = Rule{"missing-host-fallback", csp.Info, "Browsers without 'strict-dynamic' block what trusted scripts load."}
	objectSource       = Rule{"object-source", csp.Low, "object and embed elements are allowed."}
	policyEmpty        = Rule{"policy-empty", csp.High, "The policy restricts nothing."}
	nonceShort         = Rule{"nonce-short", csp.Medium, "The nonce has fewer than 128 bits."}
	ipSource           = Rule{"ip-source", csp.Info, "An IP address stands as a source."}
	httpSource         = Rule{"http-source", csp.Medium, "The source allows unencrypted loading."}
	inlineSilenced     = Rule{"unsafe-inline-silenced", csp.Info, "'unsafe-inline' is silenced by a nonce, hash or 'strict-dynamic'."}
	hostSilenced       = Rule{"host-silenced", csp.Info, "'strict-dynamic' silences hosts, schemes and 'self'."}
	noEffect           = Rule{"no-effect", csp.Low, "The source does nothing in this directive."}
	hashesAlone        = Rule{"unsafe-hashes-alone", csp.Low, "'unsafe-hashes' without a hash does nothing."}
	sourceDuplicate    = Rule{"source-duplicate", csp.Info, "The source is there twice."}
	sourceRedundant    = Rule{"source-redundant", csp.Info, "Another source allows the same and more."}
	emptyList          = Rule{"empty-list", csp.Info, "An empty source list means 'none'."}
	noReporting        = Rule{"missing-reporting", csp.Info, "Violations are reported to nobody."}
	uselessReportOnly  = Rule{"report-only-without-endpoint", csp.Medium, "A policy that only reports, and reports to nobody, does nothing."}
	reportToOnly       = Rule{"report-to-only", csp.Info, "Browsers without the Reporting API send no reports."}
	reportToUnknown    = Rule{"report-to-without-endpoint", csp.Medium, "The endpoint is not in Reporting-Endpoints: no reports are sent."}
	reportHTTP         = Rule{"report-http", csp.Medium, "Reports go unencrypted; from https pages browsers send none."}
	noReportSample     = Rule{"missing-report-sample", csp.Info, "Reports do not show the code that was blocked."}
	ignoredReportOnly  = Rule{"ignored-in-report-only", csp.Medium, "The directive does nothing in a policy that only reports."}
	ignoredMeta        = Rule{"ignored-in-meta", csp.Medium, "The directive does nothing in a <meta> element."}
	ancestorsReport    = Rule{"frame-ancestors-report-only", csp.Info, "frame-ancestors replaces X-Frame-Options only where it is enforced."}
	sandboxEscape      = Rule{"sandbox-escape", csp.Medium, "Scripts of the same origin can take the sandbox away."}
	browserSupport     = Rule{"browser-support", csp.Info, "Some browsers do not know this."}
	headerSize         = Rule{"header-size", csp.Medium, "The header may be too long for servers and proxies."}
)

var rules = []Rule{
	scriptUnsafeInline, scriptUnsafeEval, scriptUnsafeHashes, styleUnsafeInline, plainScheme, wildcard, sharedHost, bypassHost, hostList,
	missingScript, missingObject, missingBase, missingAncestors, missingFormAction, missingDefault, noTrustedTypes, trustedTypesAny, trustedTypesAlone, noStrictDynamic,
	strictAlone, noInlineFallback, noHostFallback, objectSource, policyEmpty, nonceShort, ipSource, httpSource, inlineSilenced, hostSilenced, noEffect, hashesAlone, sourceDuplicate, sourceRedundant,
	emptyList, noReporting, uselessReportOnly, reportToOnly, reportToUnknown, reportHTTP, noReportSample, ignoredReportOnly, ignoredMeta,
	ancestorsReport, sandboxEscape, browserSupport, headerSize,
	// What parsing finds.
	{"bad-character", csp.High, "A character that no policy may hold; browsers drop the directive."},
	{"comma", csp.High, "A comma starts another policy."},
	{"semicolon-missing", csp.High, "A directive's name stands among the sources."},
	{"directive-duplicate", csp.Medium, "Browsers ignore a directive that was there before."},
	{"directive-unknown", csp.Medium, "Browsers ignore a directive that they do not know."},
	{"directive-name", csp.Medium, "No directive can have this name."},
	{"directive-obsolete", csp.Low, "Browsers no longer know the directive."},
	{"source-invalid", csp.Medium, "Browsers ignore a source that they do not understand."},
	{"keyword-unquoted", csp.Medium, "Without quotes a keyword is the name of a host."},
	{"keyword-misplaced", csp.Low, "Browsers ignore the keyword in this directive."},
	{"keyword-obsolete", csp.Low, "Browsers no longer know the keyword."},
	{"none-with-others", csp.Medium, "Browsers ignore 'none' next to other sources."},
	{"path-query", csp.Low, "Browsers ignore the query or fragment of a source."},
	{"hash-invalid", csp.Medium, "The hash cannot match."},
	{"value-invalid", csp.Medium, "Browsers ignore a value that they do not understand."},
	{"value-ignored", csp.Low, "Browsers ignore the value."},
	{"value-missing", csp.Medium, "The directive does nothing without a value."},
	{"too-many", csp.Info, "There are more findings than are listed."},
}

// Rules lists every rule of Text, those of parsing included. The caller may
// change the slice.
func Rules() []Rule { return append([]Rule(nil), rules...) }
