package main

import (
	"os"
	"time"

	"github.com/edgecsp/edgecsp/envoyfilter/filter"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

// This file is the only one that touches the SDK: it turns the proxy's
// callbacks into the filter's, and the filter's Host into host calls.

func register() {
	proxywasm.SetPluginContext(func(uint32) types.PluginContext { return &plugin{} })
}

type plugin struct {
	types.DefaultPluginContext
	filter *filter.Plugin
}

func (p *plugin) OnPluginStart(size int) types.OnPluginStartStatus {
	var config []byte
	if size > 0 {
		var err error
		if config, err = proxywasm.GetPluginConfiguration(); err != nil {
			proxywasm.LogCritical("edgecsp: reading the configuration: " + err.Error())
			return types.OnPluginStartStatusFailed
		}
	}
	started, err := filter.Start(host{}, config)
	if err != nil {
		proxywasm.LogCritical("edgecsp: the configuration is refused:\n" + err.Error())
		return types.OnPluginStartStatusFailed
	}
	p.filter = started
	return types.OnPluginStartStatusOK
}

func (p *plugin) NewHttpContext(uint32) types.HttpContext {
	return &stream{filter: p.filter.NewStream()}
}

type stream struct {
	types.DefaultHttpContext
	filter *filter.Stream
}

func (s *stream) OnHttpRequestHeaders(int, bool) types.Action {
	s.filter.RequestHeaders()
	return types.ActionContinue
}

func (s *stream) OnHttpResponseHeaders(_ int, end bool) types.Action {
	s.filter.ResponseHeaders(end)
	return types.ActionContinue
}

func (s *stream) OnHttpResponseBody(size int, end bool) types.Action {
	if s.filter.ResponseBody(size, end) == filter.Pause {
		return types.ActionPause
	}
	return types.ActionContinue
}

func (s *stream) OnHttpResponseTrailers(int) types.Action {
	s.filter.ResponseTrailers()
	return types.ActionContinue
}

func (s *stream) OnHttpStreamDone() { s.filter.Done() }

// host is the proxy behind the SDK.
type host struct{}

func (host) RequestHeaders() (filter.Header, error) { return proxywasm.GetHttpRequestHeaders() }

func (host) SetRequestHeader(name, value string) error {
	return proxywasm.ReplaceHttpRequestHeader(name, value)
}

func (host) RemoveRequestHeader(name string) error { return proxywasm.RemoveHttpRequestHeader(name) }

func (host) ResponseHeader(name string) string {
	value, err := proxywasm.GetHttpResponseHeader(name)
	if err != nil { // there is none
		return ""
	}
	return value
}

func (host) ResponseHeaders() (filter.Header, error) { return proxywasm.GetHttpResponseHeaders() }

func (host) SetResponseHeaders(h filter.Header) error { return proxywasm.ReplaceHttpResponseHeaders(h) }

func (host) ResponseBody(start, size int) ([]byte, error) {
	if size == 0 {
		return nil, nil
	}
	return proxywasm.GetHttpResponseBody(start, size)
}

func (host) ReplaceResponseBody(n int, with []byte) error { return replaceBody(n, with) }

func (host) AppendResponseBody(b []byte) error { return proxywasm.AppendHttpResponseBody(b) }

func (host) ClientAddress() string {
	address, err := proxywasm.GetProperty([]string{"source", "address"})
	if err != nil { // the proxy does not say
		return ""
	}
	return string(address)
}

func (host) Random(p []byte) error { return random(p) }

func (host) Now() time.Time { return now() }

func (host) Getenv(name string) string { return os.Getenv(name) }

// Identity is the plugin's name and root id in the proxy's configuration.
func (host) Identity() string {
	name, _ := proxywasm.GetProperty([]string{"plugin_name"})
	root, _ := proxywasm.GetProperty([]string{"plugin_root_id"})
	if len(name)+len(root) == 0 {
		return ""
	}
	return string(name) + "/" + string(root)
}

func (host) Shared(key string) []byte {
	value, _, err := proxywasm.GetSharedData(key)
	if err != nil { // there is none
		return nil
	}
	return value
}

func (host) SetShared(key string, value []byte) error { return proxywasm.SetSharedData(key, value, 0) }

func (host) Log(level filter.Level, message string) {
	switch message = "edgecsp: " + message; level {
	case filter.Error:
		proxywasm.LogError(message)
	case filter.Warn:
		proxywasm.LogWarn(message)
	default:
		proxywasm.LogInfo(message)
	}
}

func (host) Counter(name string) func(int) {
	counter := proxywasm.DefineCounterMetric(name)
	return func(n int) {
		if n == 0 {
			return
		}
		defer func() { _ = recover() }() // the SDK panics where the proxy refuses: a statistic is no reason to lose a response
		counter.Increment(uint64(n))
	}
}
