package policycmd

import (
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/csp/lint"
)

// The part of SARIF 2.1.0 that is written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string       `json:"id"`
		Text    sarifText    `json:"shortDescription"`
		Default sarifDefault `json:"defaultConfiguration"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndColumn   int `json:"endColumn"`
		ByteOffset  int `json:"byteOffset"`
		ByteLength  int `json:"byteLength"`
	}
)

func sarif(name, text string, found []csp.Finding) sarifLog {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "edgecsp policy lint"}}, Results: []sarifResult{}}
	index := map[string]int{}
	for i, r := range lint.Rules() {
		index[r.ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{r.ID, sarifText{r.Summary}, sarifDefault{sarifLevel(r.Severity)}})
	}
	for _, f := range found {
		run.Results = append(run.Results, sarifResult{
			RuleID: f.Rule, RuleIndex: index[f.Rule], Level: sarifLevel(f.Severity),
			Message:   sarifText{f.Message + "; " + f.Fix},
			Locations: []sarifLocation{{sarifPhysical{sarifArtifact{strings.ReplaceAll(name, `\`, "/")}, region(text, f)}}},
		})
	}
	return sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}
}

func sarifLevel(s csp.Severity) string {
	switch s {
	case csp.High:
		return "error"
	case csp.Medium:
		return "warning"
	}
	return "note"
}

// region marks the value, or else the directive's name. Lines and columns count
// from 1.
func region(text string, f csp.Finding) sarifRegion {
	off := min(f.Offset, len(text))
	mark := f.Value
	if mark == "" {
		mark = f.Directive
	}
	n := 0
	if len(text)-off >= len(mark) && strings.EqualFold(text[off:off+len(mark)], mark) {
		n = len(mark)
	}
	line := 1 + strings.Count(text[:off], "\n")
	column := off - strings.LastIndexByte(text[:off], '\n')
	return sarifRegion{line, column, column + n, off, n}
}
