package stack

import (
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// A Config is an Envoy configuration in the shape of the repository's
// envoy.yaml: one listener with one filter chain, a wasm filter, and the
// clusters app and edgecsp_collector. Its methods change what differs between
// one run and another, and panic where it has another shape: then the file and
// this package do not belong together.
type Config struct {
	document map[string]any
}

// ReadConfig reads a configuration from a file.
func ReadConfig(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &Config{}
	if err := yaml.Unmarshal(text, &c.document); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return c, nil
}

// Write writes the configuration to a file.
func (c *Config) Write(path string) error {
	text, err := yaml.Marshal(c.document)
	if err != nil {
		return fmt.Errorf("encoding Envoy's configuration: %w", err)
	}
	return os.WriteFile(path, text, 0o600)
}

// setPorts sets the ports that are not the same already, and says whether
// there were any.
func (c *Config) setPorts(p Ports) bool {
	changed := false
	set := func(socket map[string]any, port int) {
		changed = changed || socket["port_value"] != port
		socket["port_value"] = port
	}
	set(at[map[string]any](c.listener(), "address", "socket_address"), p.Site)
	set(c.cluster("app"), p.App)
	set(c.cluster("edgecsp_collector"), p.Public)
	return changed
}

// SetClusterPort sends what Envoy routes to a cluster to another port.
func (c *Config) SetClusterPort(cluster string, port int) {
	c.cluster(cluster)["port_value"] = port
}

// SetTLS makes the listener speak TLS with a certificate and its key, both
// names of PEM files. It offers HTTP/2 and HTTP/1.1.
func (c *Config) SetTLS(certificate, key string) { setTLS(c.listener(), certificate, key) }

func setTLS(listener map[string]any, certificate, key string) {
	chain := at[map[string]any](listener, "filter_chains", 0)
	chain["transport_socket"] = map[string]any{
		"name": "envoy.transport_sockets.tls",
		"typed_config": map[string]any{
			"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
			"common_tls_context": map[string]any{
				"alpn_protocols": []any{"h2", "http/1.1"},
				"tls_certificates": []any{map[string]any{
					"certificate_chain": map[string]any{"filename": certificate},
					"private_key":       map[string]any{"filename": key},
				}},
			},
		},
	}
}

// FilterJSON is the wasm filter's own configuration.
func (c *Config) FilterJSON() string {
	return at[string](c.plugin(), "configuration", "value")
}

// SetFilterJSON replaces the wasm filter's own configuration.
func (c *Config) SetFilterJSON(text string) {
	at[map[string]any](c.plugin(), "configuration")["value"] = text
}

func (c *Config) listener() map[string]any {
	return at[map[string]any](c.document, "static_resources", "listeners", 0)
}

// cluster finds the socket address of a cluster's one endpoint.
func (c *Config) cluster(name string) map[string]any {
	cluster := named(at[[]any](c.document, "static_resources", "clusters"), name)
	return at[map[string]any](cluster, "load_assignment", "endpoints", 0, "lb_endpoints", 0, "endpoint", "address", "socket_address")
}

func (c *Config) plugin() map[string]any {
	filters := at[[]any](c.listener(), "filter_chains", 0, "filters", 0, "typed_config", "http_filters")
	return at[map[string]any](named(filters, "edgecsp"), "typed_config", "config")
}

// named finds the object with a name in a list of them.
func named(list []any, name string) any {
	for _, item := range list {
		if at[any](item, "name") == name {
			return item
		}
	}
	panic(fmt.Sprintf("envoy.yaml has nothing named %q where it is looked for", name))
}

// at follows keys and list positions into a decoded document.
func at[T any](value any, path ...any) T {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[step]
		case int:
			list, _ := value.([]any)
			if step >= len(list) {
				panic(fmt.Sprintf("envoy.yaml has no %v", path))
			}
			value = list[step]
		}
	}
	found, ok := value.(T)
	if !ok {
		panic(fmt.Sprintf("envoy.yaml has %T at %v", value, path))
	}
	return found
}
