// Package convert makes policies: presets to start from, and the settings of
// other tools, read as JSON.
package convert

import "github.com/edgecsp/edgecsp/core/csp"

// Preset is a policy to start from.
type Preset struct {
	Name, Summary string
	// Text is the policy, without the nonce that a template places.
	Text string
	// ReportOnly says that it is meant for observation.
	ReportOnly bool
	// ScriptNonce and StyleNonce say what the template should place.
	ScriptNonce, StyleNonce bool
}

// Names of the presets.
const (
	StrictNonce = "strict-nonce"
	StrictHash  = "strict-hash"
	Observe     = "observe"
)

const strictRest = "; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

var presets = []Preset{
	{
		Name:        StrictNonce,
		Summary:     "Scripts run by nonce, and what these load. Hosts and 'unsafe-inline' are heeded by old browsers alone.",
		Text:        "script-src 'strict-dynamic' https: 'unsafe-inline' 'report-sample'" + strictRest,
		ScriptNonce: true,
	},
	{
		Name:    StrictHash,
		Summary: "Scripts run by hash, and what these load: for pages that caches keep. Add the hashes of the inline scripts.",
		Text:    "script-src 'strict-dynamic' https: 'unsafe-inline' 'report-sample'" + strictRest,
	},
	{
		Name:    Observe,
		Summary: "Reports all that does not come from the site itself. Breaks nothing.",
		Text: "default-src 'self'; script-src 'self' 'report-sample'; style-src 'self' 'report-sample'; style-src-attr 'unsafe-inline'; " +
			"img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
		ReportOnly: true, ScriptNonce: true, StyleNonce: true,
	},
}

// Presets lists them. The caller may change the slice.
func Presets() []Preset { return append([]Preset(nil), presets...) }

// PresetByName finds one; false if there is none of that name.
func PresetByName(name string) (Preset, bool) {
	for _, p := range presets {
		if p.Name == name {
			return p, true
		}
	}
	return Preset{}, false
}

// Policy is the preset with hashes added to script-src: those of the inline
// scripts for StrictHash, which lets nothing run without; none for the others.
func (p Preset) Policy(hashes ...csp.Source) (csp.Policy, error) {
	policy, err := csp.ParseStrict(p.Text)
	if err != nil || len(hashes) == 0 {
		return policy, err
	}
	return policy.Allow("script-src", hashes...)
}
