package wasmtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// A Module is a compiled filter. Compiling takes seconds, an instance of it
// milliseconds: compile once per test binary.
type Module struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
}

// Compile compiles a filter's .wasm.
func Compile(ctx context.Context, wasm []byte) (*Module, error) {
	r := wazero.NewRuntime(ctx)
	m := &Module{runtime: r}
	if err := m.link(ctx, wasm); err != nil {
		return nil, errors.Join(err, r.Close(ctx))
	}
	return m, nil
}

func (m *Module) link(ctx context.Context, wasm []byte) (err error) {
	if _, err = wasi_snapshot_preview1.Instantiate(ctx, m.runtime); err != nil {
		return fmt.Errorf("wasmtest: WASI: %w", err)
	}
	if err = instantiateHost(ctx, m.runtime); err != nil {
		return fmt.Errorf("wasmtest: host functions: %w", err)
	}
	if m.compiled, err = m.runtime.CompileModule(ctx, wasm); err != nil {
		return fmt.Errorf("wasmtest: the filter does not compile: %w", err)
	}
	return nil
}

// Close ends every VM of the module.
func (m *Module) Close(ctx context.Context) error { return m.runtime.Close(ctx) }

// Options are what a VM gets from outside. The zero value has no environment,
// the system's randomness, and drops what the filter logs.
type Options struct {
	Env  map[string]string
	Rand io.Reader              // what the guest's random_get reads; nil: crypto/rand
	Log  func(LogLevel, string) // called for each line that the filter logs
	// Shared is what this VM shares with others; nil: with none.
	Shared *Shared
	// Properties are the proxy's own, such as "plugin_name", by their paths
	// joined with dots.
	Properties map[string]string
	// Trace is called after each host call, in order.
	Trace func(name string, status Status)
	// Refuse decides whether a host call fails: OK lets it through.
	Refuse func(name string) Status
}

// A LogLevel is the severity of a line; the numbers are the ABI's.
type LogLevel uint32

// The levels that a filter logs at.
const (
	Trace LogLevel = iota
	Debug
	Info
	Warn
	Error
	Critical
)

// A VM is one instance of a module. It is not safe for concurrent use, as in
// Envoy, where one thread owns it.
type VM struct {
	module  api.Module
	options Options
	streams map[uint32]*Stream
	active  uint32 // the context whose callback runs
	last    uint32 // the newest context id
	config  []byte // the plugin configuration, while it is being handed over
	metrics metrics

	plugins     map[uint32]uint32 // context id -> its plugin's
	ticks       map[uint32]time.Duration
	callouts    []Callout
	lastCallout uint32
	answer      *Answer // while a plugin is being called back
}

// NewVM instantiates the module and starts the VM.
func (m *Module) NewVM(ctx context.Context, o Options) (*VM, error) {
	if o.Shared == nil {
		o.Shared = &Shared{}
	}
	vm := &VM{options: o, streams: map[uint32]*Stream{}, plugins: map[uint32]uint32{}, ticks: map[uint32]time.Duration{}}
	random := o.Rand
	if random == nil {
		random = rand.Reader
	}
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").
		WithSysWalltime().WithSysNanotime().WithSysNanosleep().WithRandSource(random)
	for k, v := range o.Env {
		config = config.WithEnv(k, v)
	}
	var err error
	if vm.module, err = m.runtime.InstantiateModule(vm.context(ctx), m.compiled, config); err != nil {
		return nil, fmt.Errorf("wasmtest: the filter does not start: %w", err)
	}
	started, err := vm.call(ctx, "proxy_on_vm_start", 0, 0)
	if err == nil && started == 0 {
		err = errors.New("wasmtest: the filter refuses to start its VM")
	}
	return vm, err
}

// Close ends the VM.
func (vm *VM) Close(ctx context.Context) error { return vm.module.Close(ctx) }

// MemorySize returns the size of the VM's linear memory in bytes. It never
// shrinks.
func (vm *VM) MemorySize() uint64 { return uint64(vm.module.Memory().Size()) }

// Metrics returns the counters and gauges that the filter defined, by name.
func (vm *VM) Metrics() map[string]uint64 { return vm.metrics.all() }

// ErrRefused says that the filter refused its configuration; what it logged
// says why.
var ErrRefused = errors.New("wasmtest: the filter refuses its configuration")

// A Plugin is a plugin context: one configuration in one VM.
type Plugin struct {
	vm  *VM
	ctx context.Context
	id  uint32
}

// StartPlugin creates a plugin context and hands it a configuration. The error
// is ErrRefused when the filter says no. ctx is used for all later calls.
func (vm *VM) StartPlugin(ctx context.Context, config []byte) (*Plugin, error) {
	p := &Plugin{vm: vm, ctx: ctx, id: vm.newID()}
	vm.plugins[p.id] = p.id
	if _, err := vm.callAs(ctx, p.id, "proxy_on_context_create", uint64(p.id), 0); err != nil {
		return nil, err
	}
	vm.config = config
	ok, err := vm.callAs(ctx, p.id, "proxy_on_configure", uint64(p.id), uint64(len(config)))
	vm.config = nil
	if err == nil && ok == 0 {
		err = ErrRefused
	}
	return p, err
}

// NewStream creates a stream context of the plugin.
func (p *Plugin) NewStream() (*Stream, error) {
	g := &guest{plugin: p, id: p.vm.newID()}
	s := NewStream(g)
	p.vm.streams[g.id], p.vm.plugins[g.id] = s, p.id
	_, err := p.vm.callAs(p.ctx, g.id, "proxy_on_context_create", uint64(g.id), uint64(p.id))
	return s, err
}

func (vm *VM) newID() uint32 {
	vm.last++
	return vm.last
}

type vmKey struct{}

func (vm *VM) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, vmKey{}, vm)
}

func (vm *VM) callAs(ctx context.Context, id uint32, name string, args ...uint64) (uint64, error) {
	vm.active = id
	return vm.call(ctx, name, args...)
}

func (vm *VM) call(ctx context.Context, name string, args ...uint64) (uint64, error) {
	f := vm.module.ExportedFunction(name)
	if f == nil {
		return 0, fmt.Errorf("wasmtest: the filter does not export %s", name)
	}
	results, err := f.Call(vm.context(ctx), args...)
	if err != nil {
		return 0, fmt.Errorf("wasmtest: the filter died in %s: %w", name, err)
	}
	if len(results) == 0 {
		return 0, nil
	}
	return results[0], nil
}

// A guest is a stream context in the .wasm.
type guest struct {
	plugin *Plugin
	id     uint32
}

func (g *guest) action(name string, args ...uint64) (Action, error) {
	a, err := g.plugin.vm.callAs(g.plugin.ctx, g.id, name, append([]uint64{uint64(g.id)}, args...)...)
	return Action(a), err
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (g *guest) OnRequestHeaders(n int, end bool) (Action, error) {
	return g.action("proxy_on_request_headers", uint64(n), flag(end))
}

func (g *guest) OnResponseHeaders(n int, end bool) (Action, error) {
	return g.action("proxy_on_response_headers", uint64(n), flag(end))
}

func (g *guest) OnResponseBody(size int, end bool) (Action, error) {
	return g.action("proxy_on_response_body", uint64(size), flag(end))
}

func (g *guest) OnResponseTrailers(n int) (Action, error) {
	return g.action("proxy_on_response_trailers", uint64(n))
}

func (g *guest) OnDone() error {
	for _, name := range []string{"proxy_on_done", "proxy_on_log", "proxy_on_delete"} {
		if _, err := g.action(name); err != nil {
			return err
		}
	}
	delete(g.plugin.vm.streams, g.id)
	delete(g.plugin.vm.plugins, g.id)
	return nil
}
