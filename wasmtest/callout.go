package wasmtest

import (
	"errors"
	"time"
)

// A Callout is an HTTP request that a plugin has made and that waits for its
// answer.
type Callout struct {
	ID       uint32
	Cluster  string
	Header   Header
	Body     []byte
	Trailers Header
	Timeout  time.Duration

	context uint32 // the plugin context that is called back
}

// An Answer is what comes back for a Callout. The zero Answer is Envoy's for a
// call that failed: no headers at all.
type Answer struct {
	Header   Header
	Body     []byte
	Trailers Header
}

// Callouts are the plugin's calls that wait, oldest first.
func (vm *VM) Callouts() []Callout { return vm.callouts }

// ErrNoCallout says that no call of that id waits.
var ErrNoCallout = errors.New("wasmtest: no such call-out waits")

// Answer answers a call-out, during which its plugin runs.
func (p *Plugin) Answer(id uint32, a Answer) error {
	vm := p.vm
	for i, c := range vm.callouts {
		if c.ID != id {
			continue
		}
		vm.callouts = append(vm.callouts[:i:i], vm.callouts[i+1:]...)
		vm.answer = &a
		defer func() { vm.answer = nil }()
		_, err := vm.callAs(p.ctx, c.context, "proxy_on_http_call_response",
			uint64(c.context), uint64(id), uint64(len(a.Header)), uint64(len(a.Body)), uint64(len(a.Trailers)))
		return err
	}
	return ErrNoCallout
}

// Tick calls the plugin as its timer would.
func (p *Plugin) Tick() error {
	_, err := p.vm.callAs(p.ctx, p.id, "proxy_on_tick", uint64(p.id))
	return err
}

// TickPeriod is what the plugin asked for, 0 if it did not.
func (p *Plugin) TickPeriod() time.Duration { return p.vm.ticks[p.id] }

func (c *call) setTickPeriod() Status {
	c.vm.ticks[c.vm.active] = time.Duration(c.arg(0)) * time.Millisecond
	return OK
}

// httpCall takes a call-out. Envoy refuses one without these pseudo-headers,
// and so does this host.
func (c *call) httpCall() Status {
	var fields [4][]byte
	for i := range fields {
		b, ok := c.bytes(2 * i)
		if !ok {
			return BadArgument
		}
		fields[i] = b
	}
	header, err := decodeHeader(fields[1])
	trailers, err2 := decodeHeader(fields[3])
	if err != nil || err2 != nil && len(fields[3]) > 0 {
		return BadArgument
	}
	for _, name := range []string{":method", ":path", ":authority"} {
		if _, ok := header.Get(name); !ok {
			return BadArgument
		}
	}
	c.vm.lastCallout++
	id := c.vm.lastCallout
	if !c.mem.WriteUint32Le(c.arg(9), id) {
		return BadArgument
	}
	c.vm.callouts = append(c.vm.callouts, Callout{ID: id, Cluster: string(fields[0]), Header: header, Body: fields[2],
		Trailers: trailers, Timeout: time.Duration(c.arg(8)) * time.Millisecond, context: c.vm.plugins[c.vm.active]})
	return OK
}
