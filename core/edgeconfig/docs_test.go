package edgeconfig

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The examples in the documents and in envoy.yaml are configurations that
// parse, and every key that a parser knows is in the documents.
func TestDocumentsAreTrue(t *testing.T) {
	doc := read(t, "../../docs/configuration.md")
	examples := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(doc, -1)
	if len(examples) < 2 {
		t.Fatalf("%d examples found", len(examples))
	}
	for _, m := range examples {
		if _, err := Parse([]byte(m[1])); err != nil {
			t.Errorf("an example of docs/configuration.md is refused: %v\n%s", err, m[1])
		}
	}
	known := regexp.MustCompile(`known are ([^\n]*)`)
	for _, bad := range []string{`{"x": 1}`, `{"collector": {"x": 1}}`, `{"site": "s", "secret_env": "E", "routes": [{"x": 1, "match": {"x": 1}}]}`} {
		for _, m := range known.FindAllStringSubmatch(faults(t, bad), -1) {
			for key := range strings.SplitSeq(m[1], ", ") {
				if !strings.Contains(doc, "`"+key+"`") && !strings.Contains(doc, "`"+key+".") && !strings.Contains(doc, "."+key+"`") && !strings.Contains(doc, `"`+key+`"`) {
					t.Errorf("docs/configuration.md does not name %q", key)
				}
			}
		}
	}
}

func TestEnvoyYAML(t *testing.T) {
	_, rest, found := strings.Cut(read(t, "../../envoy.yaml"), "value: |\n")
	end := strings.Index(rest, "\n          - name:")
	if !found || end < 0 {
		t.Fatal("envoy.yaml has no configuration of the filter where it is looked for")
	}
	if _, err := Parse([]byte(rest[:end])); err != nil {
		t.Errorf("envoy.yaml's configuration is refused: %v", err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
