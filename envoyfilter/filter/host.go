// Package filter is the filter's logic, without the proxy: it decides what a
// request and its response get, and talks to whatever proxy there is through
// Host. The same code runs in the .wasm and natively under test.
package filter

import "time"

// A Header is a list of names (lower case) and values, as the proxy holds them.
type Header = [][2]string

// A Host is the proxy, as seen from the callback that runs now. Slices and
// strings that it returns are the filter's; what it is given, it copies.
type Host interface {
	RequestHeaders() (Header, error)
	SetRequestHeader(name, value string) error
	RemoveRequestHeader(name string) error

	// ResponseHeader returns the values of a name joined by commas, "" where
	// there is none.
	ResponseHeader(name string) string
	ResponseHeaders() (Header, error)
	SetResponseHeaders(Header) error

	// ResponseBody returns the buffered body from start on, up to size bytes.
	ResponseBody(start, size int) ([]byte, error)
	// ReplaceResponseBody puts bytes into the place of the buffer's first n.
	ReplaceResponseBody(n int, with []byte) error
	AppendResponseBody([]byte) error

	// ClientAddress is the client's address, with or without a port, as the
	// proxy trusts it; "" if it does not say.
	ClientAddress() string
	// Random fills p from the host's randomness, or fails.
	Random(p []byte) error
	Now() time.Time
	// Getenv returns a variable of the VM's environment, "" where there is none.
	Getenv(name string) string

	// Identity names this filter among others in the same proxy, "" if nothing
	// does.
	Identity() string
	// Shared and SetShared are what all workers of a proxy share and keep while
	// it runs; nil where there is nothing.
	Shared(key string) []byte
	SetShared(key string, value []byte) error

	Log(level Level, message string)
	// Counter defines a counter of that name and returns what adds to it.
	Counter(name string) func(n int)
}

// A Level is the severity of a log line.
type Level uint8

// The levels that the filter logs at.
const (
	Info Level = iota
	Warn
	Error
)

// An Action is the answer of a body callback.
type Action uint8

const (
	// Continue lets the buffered body go on.
	Continue Action = iota
	// Pause keeps it until more arrives.
	Pause
)
