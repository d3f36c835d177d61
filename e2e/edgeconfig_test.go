package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/e2e/stack"
)

// refusal starts a stack with a configuration that will not do, and returns
// what Envoy says before it ends.
func refusal(t *testing.T, edit func(*stack.Config)) string {
	t.Helper()
	ports, err := stack.FreePorts()
	if err != nil {
		t.Fatal(err)
	}
	log := &output{}
	_, err = stack.Start(t.Context(), stack.Options{
		Root: "..", Envoy: envoy, Data: filepath.Join(t.TempDir(), "data"), Ports: ports, Secret: edgeSecret, Workers: 1, Log: log, Edit: edit,
	})
	if err == nil {
		t.Fatalf("Envoy started; it says\n%s", log)
	}
	if !strings.Contains(err.Error(), "envoy ended by itself (exit status 1)") {
		t.Errorf("Envoy did not refuse to start: %v", err)
	}
	return log.String()
}

// All faults are said at once, each with where it is.
func TestEnvoyRefusesFaultyConfiguration(t *testing.T) {
	said := refusal(t, func(c *stack.Config) {
		c.SetFilterJSON(`{"site": "The Shop", "secret_env": "EDGECSP_SECRET", "routes": [
			{"match": {"prefix": "/"}, "enforce": "script-src 'self'"},
			{"match": {"prefix": "/a", "exact": "/b"}, "report_only": "img-src *"},
			{"match": {"prefix": "/"}, "report_only": "img-src *", "sample": {"percentage": 5}}]}`)
	})
	for _, path := range []string{"site: ", "routes[0].trust: ", "routes[1].match: ", "routes[2].sample.percentage: "} {
		if !strings.Contains(said, path) {
			t.Errorf("Envoy's log does not name %s:\n%s", path, said)
		}
	}
}

// A Struct reaches a filter in a form that is not JSON; many who configure
// Envoy would take one.
func TestEnvoyExplainsStructConfiguration(t *testing.T) {
	said := refusal(t, func(c *stack.Config) {
		c.SetFilterConfiguration(map[string]any{
			"@type": "type.googleapis.com/google.protobuf.Struct",
			"value": map[string]any{"site": "shop", "secret_env": "EDGECSP_SECRET", "routes": []any{}},
		})
	})
	for _, word := range []string{"google.protobuf.Struct", "google.protobuf.StringValue"} {
		if !strings.Contains(said, word) {
			t.Errorf("Envoy's log does not say %s:\n%s", word, said)
		}
	}
}

func TestEnvoyRefusesMissingSecret(t *testing.T) {
	said := refusal(t, func(c *stack.Config) {
		c.SetFilterJSON(strings.Replace(c.FilterJSON(), `"EDGECSP_SECRET"`, `"NOT_PASSED_ON"`, 1))
	})
	if !strings.Contains(said, "secret_env: ") || !strings.Contains(said, "NOT_PASSED_ON") || !strings.Contains(said, "host_env_keys") {
		t.Errorf("Envoy's log does not say which variable is missing, and where to pass it on:\n%s", said)
	}
}

// Envoy's statistics have what docs/configuration.md lists, from the start on,
// and nothing else of ours.
func testCounterNames(e *edge) {
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		e.t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "### What the filter counts")
	section, _, _ = strings.Cut(section, "\n#")
	if !found {
		e.t.Fatal("docs/configuration.md has no section on what the filter counts")
	}
	var documented []string
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for _, name := range quoted.FindAllStringSubmatch(cells[1], -1) {
			documented = append(documented, withReasons(name[1], cells[2])...)
		}
	}
	slices.Sort(documented)
	if counted := slices.Sorted(maps.Keys(e.counters())); !slices.Equal(counted, documented) {
		e.t.Errorf("Envoy has\n%q, documented are\n%q", counted, documented)
	}
}

var quoted = regexp.MustCompile("`([a-z_A-Z-]+)`")

// withReasons are the names that NAME_REASON stands for.
func withReasons(name, reasons string) (names []string) {
	prefix, found := strings.CutSuffix(name, "REASON")
	if !found {
		if strings.HasPrefix(name, "edgecsp_") {
			names = append(names, name)
		}
		return names
	}
	for _, reason := range quoted.FindAllStringSubmatch(reasons, -1) {
		names = append(names, prefix+reason[1])
	}
	return names
}
