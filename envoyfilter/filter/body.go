package filter

import "slices"

// maxScratch is how much memory for a chunk's output is kept between
// callbacks: a chunk may be all of Envoy's buffer, 1 MiB unless configured.
const maxScratch = 1<<20 + 64<<10

// room is what a chunk's output may be longer than the chunk without being
// copied anew: a nonce takes 33 bytes.
const room = 4 << 10

// ResponseBody rewrites what has arrived. size is the length of the proxy's
// buffer: after a Pause it holds again what was there before.
//
// While the rewriter holds back the start of a tag, so does the proxy: with
// trailers no callback says that the body ends, and nothing could then be
// appended to a buffer that has flowed on (facts.md).
func (s *Stream) ResponseBody(size int, end bool) Action {
	defer s.guard("response body")
	if !s.rewriting {
		return Continue
	}
	host := s.plugin.host
	buffer, err := host.ResponseBody(0, size)
	if err != nil || len(buffer) < s.taken {
		s.fault("reading the response's body", err)
		s.giveUp()
		return Continue
	}
	if s.body.Scan(buffer[s.taken:]) {
		err = s.replace(buffer, end)
	} else if s.done = len(buffer) - s.body.Held(); end {
		err = s.appendRest()
	}
	if err != nil {
		s.fault("writing the response's body", err)
		s.giveUp()
		return Continue
	}
	if held := s.body.Held(); held > 0 && !end {
		s.taken = s.done + held
		return Pause
	}
	s.done, s.taken = 0, 0
	return Continue
}

// replace puts the rewriter's output into the place of the proxy's buffer up
// to the last change; what comes after it need not cross into the proxy again.
func (s *Stream) replace(buffer []byte, end bool) error {
	out := slices.Grow(s.plugin.out[:0], len(buffer)+room)
	out = append(out, buffer[:s.done]...)
	out, n := s.body.AppendEdited(out)
	if cap(out) <= maxScratch {
		s.plugin.out = out[:0]
	}
	if err := s.plugin.host.ReplaceResponseBody(s.done+n, out); err != nil {
		return err
	}
	s.done = len(out) + len(buffer) - (s.done + n) - s.body.Held()
	if end {
		return s.appendRest()
	}
	return nil
}

// appendRest ends the document. What the rewriter holds lies at the end of the
// proxy's buffer; only what comes after it is appended.
func (s *Stream) appendRest() error {
	held := s.body.Held()
	rest := s.body.Close(nil)[held:]
	if len(rest) == 0 {
		return nil
	}
	return s.plugin.host.AppendResponseBody(rest)
}

// ResponseTrailers ends a body that no callback has ended.
func (s *Stream) ResponseTrailers() {
	defer s.guard("response trailers")
	if !s.rewriting {
		return
	}
	if err := s.appendRest(); err != nil {
		s.fault("appending to the response's body", err)
	}
}
