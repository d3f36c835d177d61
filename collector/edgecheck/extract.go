// Package edgecheck judges the filter's configuration where operators keep it:
// as JSON, in an Envoy configuration, or in an Istio manifest.
package edgecheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	// MaxFile is the largest file that is read, in bytes.
	MaxFile = 16 << 20
	// maxDepth bounds how deep a document is searched.
	maxDepth = 100
)

// found is a filter's configuration in a file.
type found struct {
	line int    // where its text begins, 1 for the first line
	text string // JSON, unless problem says otherwise
	// problem is set where what stands there can never be a configuration.
	problem string
}

// errNone tells what was looked for.
var errNone = errors.New(`no configuration of the filter in this file; looked for JSON with "site" and "routes", for Envoy's wasm filter with a configuration, and for Istio's WasmPlugin or TrafficExtension with a pluginConfig`)

// extract finds the filter's configurations in a file.
func extract(text []byte) ([]found, error) {
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' && looksLikeOurs(string(trimmed)) && !bytes.Contains(trimmed, []byte(`"static_resources"`)) {
		return []found{{line: 1, text: string(text)}}, nil
	}
	var all []found
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("neither JSON nor YAML: %w", err)
		}
		all = append(all, search(&doc, 0)...)
	}
	if len(all) == 0 {
		return nil, errNone
	}
	return all, nil
}

func looksLikeOurs(text string) bool {
	return strings.Contains(text, `"routes"`) || strings.Contains(text, `"site"`)
}

// search walks a document. Envoy's wasm filter has a mapping with vm_config and
// configuration, wherever it stands; Istio's pluginConfig is a mapping itself.
func search(n *yaml.Node, depth int) (all []found) {
	if depth > maxDepth {
		return nil
	}
	if n.Kind == yaml.MappingNode {
		if c := child(n, "configuration"); c != nil && child(n, "vm_config") != nil {
			all = append(all, fromAny(c, strings.Contains(source(n), "edgecsp"))...)
		}
		if c := child(n, "pluginConfig"); c != nil && c.Kind == yaml.MappingNode {
			all = append(all, fromMapping(c, strings.Contains(source(n), "edgecsp"))...)
		}
	}
	for _, c := range n.Content {
		all = append(all, search(c, depth+1)...)
	}
	return all
}

func child(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// source is what a plugin calls itself and where its code comes from: its name,
// file name and URL.
func source(n *yaml.Node) string {
	var parts []string
	for _, name := range []string{"name", "root_id", "url", "pluginName", "vm_config"} {
		if c := child(n, name); c != nil {
			parts = append(parts, scalars(c, 0)...)
		}
	}
	return strings.Join(parts, " ")
}

func scalars(n *yaml.Node, depth int) (out []string) {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	for _, c := range n.Content {
		if depth < maxDepth {
			out = append(out, scalars(c, depth+1)...)
		}
	}
	return out
}

// fromAny reads Envoy's google.protobuf.Any. ours says that the plugin is known
// to be this filter.
func fromAny(c *yaml.Node, ours bool) []found {
	kind, value := child(c, "@type"), child(c, "value")
	switch {
	case kind == nil || value == nil:
		return nil
	case strings.HasSuffix(kind.Value, "google.protobuf.StringValue"):
		if !ours && !looksLikeOurs(value.Value) {
			return nil
		}
		line := value.Line
		if value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			line++
		}
		return []found{{line: line, text: value.Value}}
	case strings.HasSuffix(kind.Value, "google.protobuf.Struct") && (ours || child(value, "routes") != nil):
		return []found{{line: kind.Line, problem: "Envoy passes a google.protobuf.Struct to the filter as protobuf, not as JSON; use a google.protobuf.StringValue with the JSON as its value"}}
	}
	return nil
}

// fromMapping turns Istio's pluginConfig into the JSON that Istio makes of it.
func fromMapping(c *yaml.Node, ours bool) []found {
	if !ours && child(c, "routes") == nil {
		return nil
	}
	var v any
	if err := c.Decode(&v); err != nil {
		return []found{{line: c.Line, problem: err.Error()}}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return []found{{line: c.Line, problem: "it has no form in JSON: " + err.Error()}}
	}
	return []found{{line: c.Line, text: string(text)}}
}
