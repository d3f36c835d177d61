package csp

// Activity is what a page wants to do.
type Activity uint8

// The activities. Their names (String) are those of the commands' JSON.
const (
	NoActivity Activity = iota
	Script              // an external script
	Style               // an external style sheet
	Image
	Font
	Connect // fetch, XMLHttpRequest, WebSocket, EventSource, sendBeacon
	Media
	Object // object and embed
	Frame
	FencedFrame
	Worker // dedicated, shared and service workers
	Manifest
	Prefetch
	InlineScript
	InlineStyle
	ScriptAttr // an event handler's attribute
	StyleAttr  // a style attribute
	JavaScriptURL
	SpeculationRules // an inline script of that type
	Eval
	WasmEval
	FormAction
	FrameAncestor // URL is the origin of an ancestor that would embed the page
	BaseURI
	activityCount
)

// chain is how an activity is decided: the effective directive comes first, then
// those to which it falls back (CSP3 6.8.1 to 6.8.3).
type chain struct {
	name  string
	chain []string
}

var activities = [activityCount]chain{
	Script:           {"script", scriptElem},
	Style:            {"style", styleElem},
	Image:            {"img", []string{"img-src", "default-src"}},
	Font:             {"font", []string{"font-src", "default-src"}},
	Connect:          {"connect", []string{"connect-src", "default-src"}},
	Media:            {"media", []string{"media-src", "default-src"}},
	Object:           {"object", []string{"object-src", "default-src"}},
	Frame:            {"frame", []string{"frame-src", "child-src", "default-src"}},
	FencedFrame:      {"fenced-frame", []string{"fenced-frame-src", "frame-src", "child-src", "default-src"}},
	Worker:           {"worker", []string{"worker-src", "child-src", "script-src", "default-src"}},
	Manifest:         {"manifest", []string{"manifest-src", "default-src"}},
	Prefetch:         {"prefetch", []string{"default-src"}},
	InlineScript:     {"inline-script", scriptElem},
	InlineStyle:      {"inline-style", styleElem},
	ScriptAttr:       {"script-attr", scriptAttr},
	StyleAttr:        {"style-attr", styleAttr},
	JavaScriptURL:    {"javascript-url", scriptElem},
	SpeculationRules: {"speculation-rules", scriptElem},
	Eval:             {"eval", scriptEval},
	WasmEval:         {"wasm-eval", scriptEval},
	FormAction:       {"form-action", []string{"form-action"}},
	FrameAncestor:    {"frame-ancestor", []string{"frame-ancestors"}},
	BaseURI:          {"base-uri", []string{"base-uri"}},
}

// String gives the activity's name.
func (a Activity) String() string {
	if a >= activityCount {
		return ""
	}
	return activities[a].name
}

// ActivityByName is the inverse of String; NoActivity for an unknown name.
func ActivityByName(name string) Activity {
	for a := NoActivity + 1; a < activityCount; a++ {
		if activities[a].name == name {
			return a
		}
	}
	return NoActivity
}

// HasURL reports whether a URL is what decides the activity.
func (a Activity) HasURL() bool {
	switch a {
	case InlineScript, InlineStyle, ScriptAttr, StyleAttr, JavaScriptURL, SpeculationRules, Eval, WasmEval:
		return false
	}
	return a != NoActivity && a < activityCount
}
