package filter

// maxScratch is how much memory for a chunk's output is kept between
// callbacks.
const maxScratch = 256 << 10

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

// replace puts the rewriter's output into the place of the proxy's buffer.
func (s *Stream) replace(buffer []byte, end bool) error {
	out := append(s.plugin.out[:0], buffer[:s.done]...)
	out = s.body.Append(out)
	s.done = len(out)
	if end {
		out = s.body.Close(out)
	} else {
		out = append(out, buffer[len(buffer)-s.body.Held():]...)
	}
	if cap(out) <= maxScratch {
		s.plugin.out = out[:0]
	}
	return s.plugin.host.ReplaceResponseBody(out)
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
