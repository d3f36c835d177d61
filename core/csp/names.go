package csp

// dirID numbers the directives known here; dirUnknown stands for all others.
type dirID uint8

const (
	dirUnknown dirID = iota
	dirChildSrc
	dirConnectSrc
	dirDefaultSrc
	dirFencedFrameSrc
	dirFontSrc
	dirFrameSrc
	dirImgSrc
	dirManifestSrc
	dirMediaSrc
	dirObjectSrc
	dirScriptSrc
	dirScriptSrcAttr
	dirScriptSrcElem
	dirStyleSrc
	dirStyleSrcAttr
	dirStyleSrcElem
	dirWorkerSrc
	dirBaseURI
	dirFormAction
	dirFrameAncestors
	dirSandbox
	dirReportURI
	dirReportTo
	dirRequireTrustedTypesFor
	dirTrustedTypes
	dirUpgradeInsecureRequests
	dirWebRTC
	dirBlockAllMixedContent
	dirNavigateTo
	dirPluginTypes
	dirPrefetchSrc
	dirReferrer
	dirReflectedXSS
	dirRequireSRIFor
	dirCount
)

// valueKind is the grammar of a directive's value.
type valueKind uint8

const (
	valueAny         valueKind = iota // unknown directive: tokens are kept
	valueSources                      // CSP3 2.3.1 serialized-source-list
	valueAncestors                    // CSP3 6.4.2 ancestor-source-list
	valueSandbox                      // tokens of HTML's iframe sandbox attribute
	valueURLs                         // report-uri: URL references
	valueGroup                        // report-to: one group name
	valueTrustedFor                   // 'script'
	valueTrustedName                  // Trusted Types policy names
	valueWebRTC                       // 'allow' or 'block'
	valueNone                         // no value
)

// directiveInfo says what is known of a directive.
type directiveInfo struct {
	name  string
	value valueKind
	// obsolete is empty for a directive in force; otherwise it says what to
	// write instead. Browsers ignore obsolete directives.
	obsolete string
}

var directives = [dirCount]directiveInfo{
	dirUnknown:                 {name: ""},
	dirChildSrc:                {name: "child-src", value: valueSources},
	dirConnectSrc:              {name: "connect-src", value: valueSources},
	dirDefaultSrc:              {name: "default-src", value: valueSources},
	dirFencedFrameSrc:          {name: "fenced-frame-src", value: valueSources},
	dirFontSrc:                 {name: "font-src", value: valueSources},
	dirFrameSrc:                {name: "frame-src", value: valueSources},
	dirImgSrc:                  {name: "img-src", value: valueSources},
	dirManifestSrc:             {name: "manifest-src", value: valueSources},
	dirMediaSrc:                {name: "media-src", value: valueSources},
	dirObjectSrc:               {name: "object-src", value: valueSources},
	dirScriptSrc:               {name: "script-src", value: valueSources},
	dirScriptSrcAttr:           {name: "script-src-attr", value: valueSources},
	dirScriptSrcElem:           {name: "script-src-elem", value: valueSources},
	dirStyleSrc:                {name: "style-src", value: valueSources},
	dirStyleSrcAttr:            {name: "style-src-attr", value: valueSources},
	dirStyleSrcElem:            {name: "style-src-elem", value: valueSources},
	dirWorkerSrc:               {name: "worker-src", value: valueSources},
	dirBaseURI:                 {name: "base-uri", value: valueSources},
	dirFormAction:              {name: "form-action", value: valueSources},
	dirFrameAncestors:          {name: "frame-ancestors", value: valueAncestors},
	dirSandbox:                 {name: "sandbox", value: valueSandbox},
	dirReportURI:               {name: "report-uri", value: valueURLs},
	dirReportTo:                {name: "report-to", value: valueGroup},
	dirRequireTrustedTypesFor:  {name: "require-trusted-types-for", value: valueTrustedFor},
	dirTrustedTypes:            {name: "trusted-types", value: valueTrustedName},
	dirUpgradeInsecureRequests: {name: "upgrade-insecure-requests", value: valueNone},
	dirWebRTC:                  {name: "webrtc", value: valueWebRTC},
	dirBlockAllMixedContent: {name: "block-all-mixed-content", value: valueNone,
		obsolete: "browsers block or upgrade mixed content by themselves; use upgrade-insecure-requests to upgrade it"},
	dirNavigateTo:  {name: "navigate-to", value: valueSources, obsolete: "no browser restricts navigation by policy; use form-action for forms"},
	dirPluginTypes: {name: "plugin-types", value: valueAny, obsolete: "write object-src 'none'"},
	dirPrefetchSrc: {name: "prefetch-src", value: valueSources, obsolete: "prefetches are let through by the union of the other directives"},
	dirReferrer:    {name: "referrer", value: valueAny, obsolete: "send a Referrer-Policy header"},
	dirReflectedXSS: {name: "reflected-xss", value: valueAny,
		obsolete: "browsers have no XSS filter any more; write a strict script-src"},
	dirRequireSRIFor: {name: "require-sri-for", value: valueAny, obsolete: "send an Integrity-Policy header"},
}

// dirByName finds a directive by its lower-case name.
func dirByName(name string) dirID {
	if len(name) > maxDirName {
		return dirUnknown
	}
	for _, id := range dirsByLen[len(name)] {
		if directives[id].name == name {
			return id
		}
	}
	return dirUnknown
}

const maxDirName = len("require-trusted-types-for")

// dirsByLen lists the directives by the length of their names.
var dirsByLen = func() (t [maxDirName + 1][]dirID) {
	for id := dirUnknown + 1; id < dirCount; id++ {
		n := len(directives[id].name)
		t[n] = append(t[n], id)
	}
	return t
}()

// Keyword is a keyword-source of CSP3 2.3.1, quotes included in its text.
type Keyword uint8

// The keywords. NoKeyword is the zero value: the source is not a keyword.
const (
	NoKeyword Keyword = iota
	None
	Self
	UnsafeInline
	UnsafeEval
	StrictDynamic
	UnsafeHashes
	ReportSample
	UnsafeAllowRedirects // obsolete with navigate-to
	WasmUnsafeEval
	TrustedTypesEval
	ReportSHA256
	ReportSHA384
	ReportSHA512
	UnsafeWebTransportHashes
	InlineSpeculationRules // Chromium only
	keywordCount
)

var keywords = [keywordCount]string{
	None:                     "'none'",
	Self:                     "'self'",
	UnsafeInline:             "'unsafe-inline'",
	UnsafeEval:               "'unsafe-eval'",
	StrictDynamic:            "'strict-dynamic'",
	UnsafeHashes:             "'unsafe-hashes'",
	ReportSample:             "'report-sample'",
	UnsafeAllowRedirects:     "'unsafe-allow-redirects'",
	WasmUnsafeEval:           "'wasm-unsafe-eval'",
	TrustedTypesEval:         "'trusted-types-eval'",
	ReportSHA256:             "'report-sha256'",
	ReportSHA384:             "'report-sha384'",
	ReportSHA512:             "'report-sha512'",
	UnsafeWebTransportHashes: "'unsafe-webtransport-hashes'",
	InlineSpeculationRules:   "'inline-speculation-rules'",
}

// String gives the keyword as it is written in a policy, with its quotes.
func (k Keyword) String() string {
	if k >= keywordCount {
		return ""
	}
	return keywords[k]
}

// keywordByText finds a keyword, ASCII case ignored (CSP3 2.3.1).
func keywordByText(s string) Keyword {
	if len(s) < len("'none'") || s[0] != '\'' {
		return NoKeyword
	}
	for k := None; k < keywordCount; k++ {
		if equalFold(keywords[k], s) {
			return k
		}
	}
	return NoKeyword
}

// sandboxTokens are the flags of HTML 4.8.5, "iframe sandbox", as of 2026.
var sandboxTokens = [...]string{
	"allow-downloads", "allow-forms", "allow-modals", "allow-orientation-lock", "allow-pointer-lock",
	"allow-popups", "allow-popups-to-escape-sandbox", "allow-presentation", "allow-same-origin",
	"allow-scripts", "allow-storage-access-by-user-activation", "allow-top-navigation",
	"allow-top-navigation-by-user-activation", "allow-top-navigation-to-custom-protocols",
}

func isSandboxToken(s string) bool {
	for _, t := range sandboxTokens {
		if equalFold(t, s) {
			return true
		}
	}
	return false
}
