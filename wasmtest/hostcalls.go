package wasmtest

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// The buffers of the ABI that this host has.
const (
	responseBody        = 1
	answerBody          = 4
	pluginConfiguration = 7
)

// The maps of a call-out's answer.
const (
	answerHeaders  MapType = 6
	answerTrailers MapType = 7
)

// A call is one host call: the VM that made it and its arguments.
type call struct {
	ctx  context.Context
	vm   *VM
	mem  api.Memory
	args []uint64
}

type hostFunc struct {
	params string // one character a parameter: i is 32 bits wide, l 64
	fn     func(*call) Status
}

// hostFuncs are the functions of the ABI's "env" module. Those that this host
// does not have answer Unimplemented, as a proxy does that lacks them.
var hostFuncs = map[string]hostFunc{
	"proxy_log":                      {"iii", (*call).log},
	"proxy_get_header_map_value":     {"iiiii", (*call).getHeader},
	"proxy_add_header_map_value":     {"iiiii", (*call).addHeader},
	"proxy_replace_header_map_value": {"iiiii", (*call).replaceHeader},
	"proxy_remove_header_map_value":  {"iii", (*call).removeHeader},
	"proxy_get_header_map_pairs":     {"iii", (*call).getHeaders},
	"proxy_set_header_map_pairs":     {"iii", (*call).setHeaders},
	"proxy_get_buffer_bytes":         {"iiiii", (*call).getBuffer},
	"proxy_set_buffer_bytes":         {"iiiii", (*call).setBuffer},
	"proxy_define_metric":            {"iiii", (*call).defineMetric},
	"proxy_increment_metric":         {"il", (*call).incrementMetric},
	"proxy_record_metric":            {"il", (*call).recordMetric},
	"proxy_get_metric":               {"ii", (*call).getMetric},
	"proxy_set_effective_context":    {"i", (*call).setEffectiveContext},
	"proxy_get_property":             {"iiii", (*call).getProperty},
	"proxy_get_shared_data":          {"iiiii", (*call).getSharedData},
	"proxy_set_shared_data":          {"iiiii", (*call).setSharedData},
	"proxy_http_call":                {"iiiiiiiiii", (*call).httpCall},

	"proxy_set_tick_period_milliseconds": {"i", (*call).setTickPeriod},

	"proxy_set_property":          {"iiii", unimplemented},
	"proxy_register_shared_queue": {"iii", unimplemented},
	"proxy_resolve_shared_queue":  {"iiiii", unimplemented},
	"proxy_dequeue_shared_queue":  {"iii", unimplemented},
	"proxy_enqueue_shared_queue":  {"iii", unimplemented},
	"proxy_send_local_response":   {"iiiiiiii", unimplemented},
	"proxy_continue_stream":       {"i", unimplemented},
	"proxy_close_stream":          {"i", unimplemented},
	"proxy_call_foreign_function": {"iiiiii", unimplemented},
	"proxy_done":                  {"", unimplemented},
}

func unimplemented(*call) Status { return Unimplemented }

func instantiateHost(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder("env")
	for name, f := range hostFuncs {
		params := make([]api.ValueType, len(f.params))
		for i, p := range f.params {
			params[i] = api.ValueTypeI32
			if p == 'l' {
				params[i] = api.ValueTypeI64
			}
		}
		b.NewFunctionBuilder().WithGoModuleFunction(enter(name, f.fn), params, []api.ValueType{api.ValueTypeI32}).Export(name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

// enter runs a host function, unless the test refuses it, and records it.
func enter(name string, fn func(*call) Status) api.GoModuleFunc {
	return func(ctx context.Context, m api.Module, stack []uint64) {
		vm := ctx.Value(vmKey{}).(*VM)
		status := OK
		if vm.options.Refuse != nil {
			status = vm.options.Refuse(name)
		}
		if status == OK {
			status = fn(&call{ctx, vm, m.Memory(), stack})
		}
		if vm.options.Trace != nil {
			vm.options.Trace(name, status)
		}
		stack[0] = uint64(status)
	}
}

func (c *call) arg(i int) uint32 { return uint32(c.args[i]) }

// bytes returns the guest's bytes at the pointer and size in two arguments, as
// a copy.
func (c *call) bytes(i int) ([]byte, bool) {
	if c.arg(i+1) == 0 {
		return nil, true
	}
	b, ok := c.mem.Read(c.arg(i), c.arg(i+1))
	return append([]byte(nil), b...), ok
}

// give copies b into memory that the guest allocates and writes pointer and
// size where two arguments point. Empty values need no memory: the SDK's
// allocator would die of them.
func (c *call) give(i int, b []byte) Status {
	var at uint32
	if len(b) > 0 {
		p, err := c.vm.call(c.ctx, "proxy_on_memory_allocate", uint64(len(b)))
		if err != nil || !c.mem.Write(uint32(p), b) {
			return InternalFailure
		}
		at = uint32(p)
	}
	if !c.mem.WriteUint32Le(c.arg(i), at) || !c.mem.WriteUint32Le(c.arg(i+1), uint32(len(b))) {
		return BadArgument
	}
	return OK
}

func (c *call) stream() (*Stream, Status) {
	if s := c.vm.streams[c.vm.active]; s != nil {
		return s, OK
	}
	return nil, BadArgument
}

func (c *call) setEffectiveContext() Status {
	c.vm.active = c.arg(0)
	return OK
}

func (c *call) log() Status {
	b, ok := c.bytes(1)
	if !ok {
		return BadArgument
	}
	if c.vm.options.Log != nil {
		c.vm.options.Log(LogLevel(c.arg(0)), string(b))
	}
	return OK
}

// header runs f on the map, name and value of a call.
func (c *call) header(f func(s *Stream, t MapType, name, value string) Status) Status {
	s, status := c.stream()
	if status != OK {
		return status
	}
	name, ok := c.bytes(1)
	if !ok {
		return BadArgument
	}
	var value []byte
	if len(c.args) > 3 {
		if value, ok = c.bytes(3); !ok {
			return BadArgument
		}
	}
	return f(s, MapType(c.arg(0)), string(name), string(value))
}

func (c *call) addHeader() Status     { return c.header((*Stream).AddHeader) }
func (c *call) replaceHeader() Status { return c.header((*Stream).SetHeader) }

func (c *call) removeHeader() Status {
	return c.header(func(s *Stream, t MapType, name, _ string) Status { return s.RemoveHeader(t, name) })
}

func (c *call) getHeader() Status {
	name, ok := c.bytes(1)
	if !ok {
		return BadArgument
	}
	h, status := c.headerMap()
	if status != OK {
		return status
	}
	value, found := h.Get(string(name))
	if !found {
		return NotFound
	}
	return c.give(3, []byte(value))
}

// headerMap returns a map of the stream, or of the answer to a call-out.
func (c *call) headerMap() (Header, Status) {
	t := MapType(c.arg(0))
	if a := c.vm.answer; a != nil && t == answerHeaders {
		return a.Header, OK
	} else if a != nil && t == answerTrailers {
		return a.Trailers, OK
	}
	s, status := c.stream()
	if status != OK {
		return nil, status
	}
	return s.HeaderMap(t)
}

func (c *call) getHeaders() Status {
	h, status := c.headerMap()
	if status != OK {
		return status
	}
	return c.give(1, encodeHeader(h))
}

// getProperty answers the stream's properties, then those of the VM. A path's
// parts are separated by zero bytes.
func (c *call) getProperty() Status {
	path, ok := c.bytes(0)
	if !ok {
		return BadArgument
	}
	name := strings.ReplaceAll(strings.TrimSuffix(string(path), "\x00"), "\x00", ".")
	value := c.vm.options.Properties[name]
	if s := c.vm.streams[c.vm.active]; s != nil && s.Property(name) != "" {
		value = s.Property(name)
	}
	if value == "" {
		return NotFound
	}
	return c.give(2, []byte(value))
}

func (c *call) setHeaders() Status {
	s, status := c.stream()
	if status != OK {
		return status
	}
	b, ok := c.bytes(1)
	if !ok {
		return BadArgument
	}
	h, err := decodeHeader(b)
	if err != nil {
		return BadArgument
	}
	return s.SetHeaderMap(MapType(c.arg(0)), h)
}

func (c *call) getBuffer() Status {
	start, size := int(int32(c.arg(1))), int(int32(c.arg(2)))
	switch c.arg(0) {
	case pluginConfiguration:
		return c.give(3, c.vm.config)
	case answerBody:
		if c.vm.answer == nil {
			return NotFound
		}
		body := c.vm.answer.Body
		start = min(max(start, 0), len(body))
		return c.give(3, body[start:start+min(max(size, 0), len(body)-start)])
	case responseBody:
		s, status := c.stream()
		if status != OK {
			return status
		}
		b, status := s.ResponseBody(start, size)
		if status != OK {
			return status
		}
		return c.give(3, b)
	}
	return NotFound
}

func (c *call) setBuffer() Status {
	s, status := c.stream()
	if status != OK {
		return status
	}
	b, ok := c.bytes(3)
	if !ok || c.arg(0) != responseBody {
		return BadArgument
	}
	return s.SetResponseBody(int(int32(c.arg(1))), int(int32(c.arg(2))), b)
}

// encodeHeader writes a header map as the ABI does: the number of entries, then
// all sizes, then all names and values, each ended by a zero byte.
func encodeHeader(h Header) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(h)))
	for _, kv := range h {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(kv[0])))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(kv[1])))
	}
	for _, kv := range h {
		b = append(append(b, kv[0]...), 0)
		b = append(append(b, kv[1]...), 0)
	}
	return b
}

var errHeader = errors.New("wasmtest: malformed header map")

func decodeHeader(b []byte) (Header, error) {
	if len(b) < 4 {
		return nil, errHeader
	}
	n := int(binary.LittleEndian.Uint32(b))
	sizes := b[4:]
	if n > len(sizes)/8 {
		return nil, errHeader
	}
	data := sizes[8*n:]
	h := make(Header, n)
	for i := range 2 * n {
		size := int(binary.LittleEndian.Uint32(sizes[4*i:]))
		if size >= len(data) || data[size] != 0 {
			return nil, errHeader
		}
		h[i/2][i%2] = string(data[:size])
		data = data[size+1:]
	}
	return h, nil
}
