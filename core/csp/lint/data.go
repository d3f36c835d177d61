package lint

import (
	_ "embed"
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
)

//go:embed data/bypass.txt
var bypassText string

//go:embed data/shared.txt
var sharedText string

//go:embed data/support.txt
var supportText string

// bypass is an address that serves script on an attacker's terms.
type bypass struct {
	kind string // jsonp, jsonp-eval or angular
	url  csp.URL
}

// bypasses, sharedDomains and features are the data files, read once.
var (
	bypasses      = parseBypasses(bypassText)
	sharedDomains = lines(sharedText)
	features      = parseFeatures(supportText)
)

// lines gives the lines that are neither empty nor comments.
func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out
}

func parseBypasses(text string) []bypass {
	var out []bypass
	for _, line := range lines(text) {
		if f := strings.Fields(line); len(f) == 3 {
			out = append(out, bypass{f[0], csp.URL{Scheme: "https", Host: f[1], Path: f[2]}})
		}
	}
	return out
}

// Support says since which version browsers know a directive or keyword: "no"
// for never, "?" where it is not known.
type Support struct{ Chrome, Firefox, Safari string }

func parseFeatures(text string) map[string]Support {
	out := map[string]Support{}
	for _, line := range lines(text) {
		if f := strings.Fields(line); len(f) == 4 {
			out[f[0]] = Support{f[1], f[2], f[3]}
		}
	}
	return out
}

// Supported tells which browsers know a directive (report-to) or a keyword with
// its quotes ('trusted-types-eval'); false if it is not in the data: all
// browsers know it, or none does.
func Supported(feature string) (Support, bool) {
	s, ok := features[strings.ToLower(feature)]
	return s, ok
}
