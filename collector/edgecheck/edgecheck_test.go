package edgecheck

import (
	"os"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/core/csp"
)

const good = `{"site": "shop", "secret_env": "E", "routes": [{"match": {"prefix": "/"}, "report_only": {"default-src": ["'self'"]}}]}`

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func faultsOf(t *testing.T, text string) (faults []Finding) {
	t.Helper()
	all, err := Check([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.Fault {
			faults = append(faults, f)
		}
	}
	return faults
}

const istio = `apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata:
  name: edgecsp
spec:
  url: oci://registry.example/edgecsp:1
  pluginConfig:
    site: shop
    secret_env: E
    routes:
    - match: {prefix: /}
      report_only:
        default-src: ["'self'"]
---
apiVersion: v1
kind: Service
`

const extension = `apiVersion: extensions.istio.io/v1alpha1
kind: TrafficExtension
spec:
  wasm:
    url: oci://registry.example/filter:1
    pluginConfig:
      site: shop
      secret_env: E
      routes:
      - match: {prefix: /}
        trust: upstream
        enforce: "default-src 'self'"
`

func envoy(configuration string) string {
	return `static_resources:
  listeners:
  - filter_chains:
    - filters:
      - typed_config:
          http_filters:
          - name: other
            typed_config:
              config: {vm_config: {runtime: x}, configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: "not ours"}}
          - name: ours
            typed_config:
              config:
                name: edgecsp
                vm_config: {code: {local: {filename: f.wasm}}}
                configuration:
` + configuration
}

// A configuration is found and good wherever it is kept.
func TestFoundEverywhere(t *testing.T) {
	for name, text := range map[string]string{
		"JSON": good, "Istio": istio, "TrafficExtension": extension,
		"envoy.yaml": string(read(t, "../../envoy.yaml")),
		"Envoy": envoy(`                  "@type": type.googleapis.com/google.protobuf.StringValue
                  value: '` + strings.ReplaceAll(good, "'", "''") + `'
`),
	} {
		if got := faultsOf(t, text); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestFaultsHaveLineAndPath(t *testing.T) {
	for name, c := range map[string]struct {
		text, path, message string
		line                int
	}{
		"JSON":             {strings.Replace(good, `"site"`, `"sight"`, 1), "sight", "unknown key", 1},
		"Istio":            {strings.Replace(istio, "secret_env", "secretenv", 1), "secretenv", "unknown key", 8},
		"TrafficExtension": {strings.Replace(extension, "trust: upstream", "trust: all", 1), "routes[0].trust", "insecure_trust_all", 7},
		"Envoy": {envoy(`                  "@type": type.googleapis.com/google.protobuf.StringValue
                  value: |
                    {"site": "shop", "secret_env": "E", "routes": []}
`), "routes", "is empty", 18},
		"broken JSON": {envoy(`                  "@type": type.googleapis.com/google.protobuf.StringValue
                  value: "{"
`), "", "not JSON", 17},
		"Struct": {envoy(`                  "@type": type.googleapis.com/google.protobuf.Struct
                  value: {site: shop}
`), "", "use a google.protobuf.StringValue", 16},
	} {
		got := faultsOf(t, c.text)
		if len(got) == 0 || got[0].Path != c.path || !strings.Contains(got[0].Message, c.message) || got[0].Line != c.line {
			t.Errorf("%s: %+v, want line %d, path %q, %q", name, got, c.line, c.path, c.message)
		}
	}
}

// Policies are judged as they are served: the nonce is there.
func TestPoliciesAreLinted(t *testing.T) {
	all, err := Check([]byte(strings.Replace(good, `["'self'"]`, `["'self'", "'unsafe-eval'", "*"]`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	grave := 0
	for _, f := range all {
		if !strings.HasPrefix(f.Path, "routes[0].report_only") {
			t.Errorf("path %q", f.Path)
		}
		if strings.Contains(f.Rule, "report") && f.AtLeast(csp.Medium) {
			t.Errorf("reporting is the filter's: %+v", f)
		}
		if f.AtLeast(csp.High) {
			grave++
		}
	}
	if grave == 0 {
		t.Errorf("nothing grave about %d findings: %+v", len(all), all)
	}
}

func TestNothingToCheck(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "other YAML": "a: 1", "other filter": envoy(`                  value: x
`), "broken": "a: [", "too large": good + strings.Repeat(" ", MaxFile)} {
		if got, err := Check([]byte(text)); err == nil {
			t.Errorf("%s: %+v, want an error", name, got)
		}
	}
	if _, err := Check([]byte(good + strings.Repeat(" ", 10))); err != nil {
		t.Error(err)
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{good, istio, extension, envoy("                  value: x\n"), "&a [*a]", "a: &a\n  b: *a"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, text string) { _, _ = Check([]byte(text)) })
}
