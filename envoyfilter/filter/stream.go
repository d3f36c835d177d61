package filter

import (
	"github.com/edgecsp/edgecsp/core/nonce"
	"github.com/edgecsp/edgecsp/core/rewrite"
	"github.com/edgecsp/edgecsp/core/session"
)

// A Stream is one request and its response. Its methods are the proxy's
// callbacks; none of them ever fails a response: after a fault it goes on as
// it came.
type Stream struct {
	plugin  *Plugin
	route   *route // nil: nothing is done
	request request
	nonce   string // drawn for this response, "" where there is none
	drawn   bool   // a nonce was asked for, and may have failed
	told    bool   // the application knows the nonce
	session session.ID

	body      rewrite.Stream
	looked    bool // body is of this response, also after it was given up
	rewriting bool
	// While the proxy holds a body back, its buffer starts with done bytes of
	// output, then what the rewriter holds; taken is where new bytes begin.
	done, taken int
}

// nonceHeader tells the application the nonce of the response to come.
const nonceHeader = "x-csp-nonce"

// RequestHeaders chooses the route and, where a document is asked for, asks
// the upstream for one that can be rewritten.
func (s *Stream) RequestHeaders() {
	defer s.guard("request headers")
	h, err := s.plugin.host.RequestHeaders()
	if err != nil {
		s.fault("reading the request's headers", err)
		return
	}
	s.forged(h)
	s.request = readRequest(h)
	if s.route = s.plugin.match(s.request.host, s.request.path); s.route == nil {
		return
	}
	if s.request.fragment = asksFragment(h, s.route.Fragments); s.request.fragment || !s.request.document {
		return
	}
	s.askWhole(h)
	if s.route.Trust == rewrite.Upstream && s.draw() {
		s.told = true
		s.set(nonceHeader, s.nonce)
	}
}

// forged removes what a client sent under our names: an application that reads
// its nonce from a request header would stamp what an attacker chose
// (field.md 3.1.10).
func (s *Stream) forged(h Header) {
	for _, kv := range h {
		switch kv[0] {
		case nonceHeader, cspHeader, reportOnlyHeader:
			s.remove(kv[0])
		}
	}
}

// askWhole makes the upstream send a whole, uncompressed page. If-Match stays:
// it guards a change, not a cache. Methods that change something keep their
// conditions as well.
func (s *Stream) askWhole(h Header) {
	safe := s.request.method == "GET" || s.request.method == "HEAD"
	s.set("accept-encoding", "identity") // without one an upstream may compress as it likes (RFC 9110 12.5.3)
	for _, kv := range h {
		switch kv[0] {
		case "if-none-match", "if-modified-since", "if-range", "range":
			if safe {
				s.remove(kv[0])
			}
		}
	}
}

func (s *Stream) set(name, value string) {
	if err := s.plugin.host.SetRequestHeader(name, value); err != nil {
		s.fault("setting the request header "+name, err)
	}
}

func (s *Stream) remove(name string) {
	if err := s.plugin.host.RemoveRequestHeader(name); err != nil {
		s.fault("removing the request header "+name, err)
	}
}

// draw makes the response's nonce and session; false means that there is none,
// and never will be for this response.
func (s *Stream) draw() bool {
	if s.drawn {
		return s.nonce != ""
	}
	s.drawn = true
	// One call to the host for both.
	var raw [nonce.Size + session.IDSize]byte
	if err := s.plugin.nonces.Read(raw[:]); err != nil {
		s.plugin.counts.nonceFailures(1)
		s.plugin.log(Error, "no nonce for a response", err.Error())
		return false
	}
	s.nonce = nonce.Encode([nonce.Size]byte(raw[:]))
	copy(s.session[:], raw[nonce.Size:])
	return true
}

// Done ends the stream.
func (s *Stream) Done() {
	defer s.plugin.recycle(s)
	s.tally()
}

// guard ends what a panic interrupts: the response goes on unmodified from
// there.
func (s *Stream) guard(where string) {
	if r := recover(); r != nil {
		s.giveUp()
		s.plugin.counts.errors(1)
		s.plugin.log(Error, "panic in "+where, "the response goes on unmodified")
	}
}

// fault counts and logs a refused host call.
func (s *Stream) fault(doing string, err error) {
	s.plugin.counts.errors(1)
	why := "less came than was announced"
	if err != nil {
		why = err.Error()
	}
	s.plugin.log(Error, doing, why)
}

func (s *Stream) giveUp() {
	s.route, s.rewriting = nil, false
}
