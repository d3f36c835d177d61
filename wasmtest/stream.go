package wasmtest

import (
	"errors"
	"slices"
	"strings"
)

// An Action is what a filter answers in a callback.
type Action uint32

const (
	// Continue passes on what the callback was about.
	Continue Action = 0
	// Pause holds it back. Held body bytes are seen again, with what follows
	// them, in the next body callback.
	Pause Action = 1
)

// A Status is the answer of a host call; the numbers are the ABI's.
type Status uint32

// The statuses that this host answers.
const (
	OK              Status = 0
	NotFound        Status = 1
	BadArgument     Status = 2
	CasMismatch     Status = 8
	InternalFailure Status = 10
	Unimplemented   Status = 12
)

// A MapType names one of a stream's header maps; the numbers are the ABI's.
type MapType uint32

// The header maps of a stream.
const (
	RequestHeaders   MapType = 0
	RequestTrailers  MapType = 1
	ResponseHeaders  MapType = 2
	ResponseTrailers MapType = 3
	maps                     = 4
)

// A Guest is a stream context of a filter: what the host calls. The filter in
// a .wasm is one; native code that implements it meets the same host. An error
// means that the guest died.
type Guest interface {
	OnRequestHeaders(n int, end bool) (Action, error)
	OnResponseHeaders(n int, end bool) (Action, error)
	OnResponseBody(size int, end bool) (Action, error)
	OnResponseTrailers(n int) (Action, error)
	OnDone() error
}

// A Header is a list of names (lower case) and values, in order, as Envoy
// holds it: several values of one name are several entries.
type Header [][2]string

// Get returns the values of a name joined with ", ", as the ABI's getter gives
// them, and whether there is one.
func (h Header) Get(name string) (string, bool) {
	values := h.Values(name)
	return strings.Join(values, ", "), values != nil
}

// Values returns all values of a name.
func (h Header) Values(name string) (values []string) {
	for _, kv := range h {
		if strings.EqualFold(kv[0], name) {
			values = append(values, kv[1])
		}
	}
	return values
}

func (h Header) without(name string) Header {
	return slices.DeleteFunc(slices.Clone(h), func(kv [2]string) bool { return strings.EqualFold(kv[0], name) })
}

// A Stream is one request and its response, seen from the proxy. It has the
// semantics of Envoy's filter: bodies come chunk by chunk, what a guest leaves
// in the buffer flows on, what it pauses stays and grows.
//
// A Stream is not safe for concurrent use.
type Stream struct {
	guest   Guest
	headers [maps]Header
	buffer  []byte // the response body that the guest can see now
	phase   phase
	sent    []byte // the response body that went out
	props   map[string]string
}

type phase uint8

const (
	idle phase = iota
	inRequestHeaders
	inResponseHeaders
	inResponseBody
	inResponseTrailers
)

// NewStream returns a stream that calls guest.
func NewStream(guest Guest) *Stream { return &Stream{guest: guest} }

// ErrPausedHeaders says that the guest paused in a headers callback, which
// nothing in this host would ever resume.
var ErrPausedHeaders = errors.New("wasmtest: the filter paused in a headers callback")

// Request hands the request's headers to the guest and returns what goes on to
// the upstream.
func (s *Stream) Request(h Header, end bool) (Header, error) {
	s.headers[RequestHeaders] = slices.Clone(h)
	s.phase = inRequestHeaders
	err := s.resumed(s.guest.OnRequestHeaders(len(h), end))
	s.phase = idle
	return s.headers[RequestHeaders], err
}

// Response hands the response's headers to the guest and returns what goes on
// to the client.
func (s *Stream) Response(h Header, end bool) (Header, error) {
	s.headers[ResponseHeaders] = slices.Clone(h)
	s.phase = inResponseHeaders
	err := s.resumed(s.guest.OnResponseHeaders(len(h), end))
	s.phase = idle
	return s.headers[ResponseHeaders], err
}

func (s *Stream) resumed(a Action, err error) error {
	if err == nil && a != Continue {
		return ErrPausedHeaders
	}
	return err
}

// Body hands one chunk of the response's body to the guest and returns what
// goes out to the client now. With end, all goes out.
func (s *Stream) Body(chunk []byte, end bool) ([]byte, error) {
	s.buffer = append(s.buffer, chunk...)
	s.phase = inResponseBody
	action, err := s.guest.OnResponseBody(len(s.buffer), end)
	s.phase = idle
	if err != nil || action == Pause && !end {
		return nil, err
	}
	return s.flush(), nil
}

// Trailers ends the response with trailers: no body callback of such a stream
// has said so. It returns what of the body was still held.
func (s *Stream) Trailers(h Header) ([]byte, error) {
	s.headers[ResponseTrailers] = slices.Clone(h)
	s.phase = inResponseTrailers
	_, err := s.guest.OnResponseTrailers(len(h))
	s.phase = idle
	if err != nil {
		return nil, err
	}
	return s.flush(), nil
}

// Done ends the stream.
func (s *Stream) Done() error { return s.guest.OnDone() }

// Sent returns all of the body that went out.
func (s *Stream) Sent() []byte { return s.sent }

// SetProperty sets what the guest gets for a property; name is its path joined
// with dots, such as "source.address".
func (s *Stream) SetProperty(name, value string) {
	if s.props == nil {
		s.props = map[string]string{}
	}
	s.props[name] = value
}

// Property returns what SetProperty has set, "" if nothing.
func (s *Stream) Property(name string) string { return s.props[name] }

func (s *Stream) flush() []byte {
	out := s.buffer
	s.buffer = nil
	s.sent = append(s.sent, out...)
	return out
}

// HeaderMap returns a map as the guest sees it now. The maps of the response
// are there from its headers on, those of the request until the stream ends.
func (s *Stream) HeaderMap(t MapType) (Header, Status) {
	if t >= maps {
		return nil, BadArgument
	}
	return s.headers[t], OK
}

// SetHeaderMap replaces a map. Headers that have been sent cannot change.
func (s *Stream) SetHeaderMap(t MapType, h Header) Status {
	if !s.writable(t) {
		return BadArgument
	}
	s.headers[t] = h
	return OK
}

// SetHeader replaces all values of a name by one.
func (s *Stream) SetHeader(t MapType, name, value string) Status {
	if !s.writable(t) {
		return BadArgument
	}
	s.headers[t] = append(s.headers[t].without(name), [2]string{strings.ToLower(name), value})
	return OK
}

// AddHeader adds a value to a name.
func (s *Stream) AddHeader(t MapType, name, value string) Status {
	if !s.writable(t) {
		return BadArgument
	}
	s.headers[t] = append(s.headers[t], [2]string{strings.ToLower(name), value})
	return OK
}

// RemoveHeader removes all values of a name.
func (s *Stream) RemoveHeader(t MapType, name string) Status {
	if !s.writable(t) {
		return BadArgument
	}
	s.headers[t] = s.headers[t].without(name)
	return OK
}

func (s *Stream) writable(t MapType) bool {
	switch t {
	case RequestHeaders:
		return s.phase == inRequestHeaders
	case ResponseHeaders:
		return s.phase == inResponseHeaders
	case ResponseTrailers:
		return s.phase == inResponseTrailers
	}
	return false
}

// ResponseBody returns at most size bytes from start on of the body that the
// guest can see now.
func (s *Stream) ResponseBody(start, size int) ([]byte, Status) {
	if !s.bodyVisible() {
		return nil, NotFound
	}
	if start < 0 || size < 0 || start > len(s.buffer) {
		return nil, BadArgument
	}
	rest := s.buffer[start:]
	return rest[:min(size, len(rest))], OK
}

// SetResponseBody replaces size bytes from start on: a prefix (start 0, size
// may be beyond the end), or nothing at the end. A splice in the middle is
// refused, as Envoy refuses it.
func (s *Stream) SetResponseBody(start, size int, data []byte) Status {
	if !s.bodyVisible() {
		return BadArgument
	}
	switch {
	case start == 0:
		s.buffer = slices.Concat(data, s.buffer[min(max(size, 0), len(s.buffer)):])
	case start >= len(s.buffer):
		s.buffer = slices.Concat(s.buffer, data)
	default:
		return BadArgument
	}
	return OK
}

// bodyVisible: in the trailers callback the buffer is there only if the guest
// paused on it.
func (s *Stream) bodyVisible() bool {
	return s.phase == inResponseBody || s.phase == inResponseTrailers && s.buffer != nil
}
