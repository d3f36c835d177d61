package stack

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// SetAdmin opens Envoy's administration on a port of 127.0.0.1: statistics,
// and more than anybody else should reach.
func (c *Config) SetAdmin(port int) {
	c.document["admin"] = map[string]any{"address": map[string]any{
		"socket_address": map[string]any{"address": "127.0.0.1", "port_value": port},
	}}
}

// AddTLSListener adds a listener that does what the first one does, on another
// port and over TLS, with names of PEM files.
func (c *Config) AddTLSListener(port int, certificate, key string) {
	second := copied(c.listener())
	second["name"] = "tls"
	at[map[string]any](second, "address", "socket_address")["port_value"] = port
	setTLS(second, certificate, key)
	resources := at[map[string]any](c.document, "static_resources")
	resources["listeners"] = append(at[[]any](resources, "listeners"), second)
}

// MirrorProtocol has Envoy speak to a cluster what the client speaks to it:
// HTTP/1.1 or HTTP/2.
func (c *Config) MirrorProtocol(cluster string) {
	named := named(at[[]any](c.document, "static_resources", "clusters"), cluster)
	at[map[string]any](named)["typed_extension_protocol_options"] = map[string]any{
		"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": map[string]any{
			"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
			"use_downstream_protocol_config": map[string]any{
				"http_protocol_options":  map[string]any{},
				"http2_protocol_options": map[string]any{},
			},
		},
	}
}

// RemoveHTTPFilter takes an HTTP filter out of the first listener.
func (c *Config) RemoveHTTPFilter(name string) {
	manager := at[map[string]any](c.listener(), "filter_chains", 0, "filters", 0, "typed_config")
	var kept []any
	for _, filter := range at[[]any](manager, "http_filters") {
		if at[any](filter, "name") != name {
			kept = append(kept, filter)
		}
	}
	manager["http_filters"] = kept
}

// SetFilterConfiguration replaces the message that holds the wasm filter's
// configuration; it needs an "@type".
func (c *Config) SetFilterConfiguration(message map[string]any) {
	c.plugin()["configuration"] = message
}

// copied is a copy that shares nothing with the original.
func copied(of map[string]any) map[string]any {
	text, err := yaml.Marshal(of)
	if err != nil {
		panic(fmt.Sprintf("copying a part of envoy.yaml: %v", err))
	}
	var made map[string]any
	if err := yaml.Unmarshal(text, &made); err != nil {
		panic(fmt.Sprintf("copying a part of envoy.yaml: %v", err))
	}
	return made
}
