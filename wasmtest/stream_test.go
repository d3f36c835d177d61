package wasmtest

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scripted is a guest whose callbacks are functions of the stream.
type scripted struct {
	s        *Stream
	request  func(*Stream)
	response func(*Stream)
	body     func(s *Stream, size int, end bool) Action
	trailers func(*Stream)
	done     bool
}

func (g *scripted) OnRequestHeaders(int, bool) (Action, error) {
	if g.request != nil {
		g.request(g.s)
	}
	return Continue, nil
}

func (g *scripted) OnResponseHeaders(int, bool) (Action, error) {
	if g.response != nil {
		g.response(g.s)
	}
	return Continue, nil
}

func (g *scripted) OnResponseBody(size int, end bool) (Action, error) {
	if g.body == nil {
		return Continue, nil
	}
	return g.body(g.s, size, end), nil
}

func (g *scripted) OnResponseTrailers(int) (Action, error) {
	if g.trailers != nil {
		g.trailers(g.s)
	}
	return Continue, nil
}

func (g *scripted) OnDone() error { g.done = true; return nil }

func start(g *scripted) *Stream {
	g.s = NewStream(g)
	return g.s
}

func TestHeadersChangeOnlyInTheirCallback(t *testing.T) {
	g := &scripted{
		request: func(s *Stream) {
			if st := s.SetHeader(RequestHeaders, "X-A", "2"); st != OK {
				t.Errorf("set in its callback: %d", st)
			}
			s.AddHeader(RequestHeaders, "x-b", "3")
			s.RemoveHeader(RequestHeaders, "x-c")
			if st := s.SetHeader(ResponseHeaders, "x", "y"); st != BadArgument {
				t.Errorf("response headers before the response: %d", st)
			}
		},
		body: func(s *Stream, _ int, _ bool) Action {
			if st := s.AddHeader(ResponseHeaders, "late", "1"); st != BadArgument {
				t.Errorf("a header that has been sent: %d", st)
			}
			return Continue
		},
	}
	s := start(g)
	got, err := s.Request(Header{{":path", "/"}, {"x-a", "1"}, {"x-c", "1"}, {"x-a", "1b"}}, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Header{{":path", "/"}, {"x-a", "2"}, {"x-b", "3"}}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Response(Header{{":status", "200"}}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Body([]byte("x"), true); err != nil {
		t.Fatal(err)
	}
	if h, _ := s.HeaderMap(ResponseHeaders); len(h) != 1 {
		t.Errorf("headers that were sent changed: %v", h)
	}
}

// What is paused stays, grows, and can be replaced from its start or appended
// to; a splice in the middle is refused.
func TestPausedBodyGrows(t *testing.T) {
	var seen []string
	s := start(&scripted{body: func(s *Stream, size int, end bool) Action {
		b, st := s.ResponseBody(0, size)
		if st != OK || len(b) != size {
			t.Errorf("%q, %d: size %d was announced", b, st, size)
		}
		seen = append(seen, string(b))
		switch {
		case len(seen) == 1:
			s.SetResponseBody(0, 1, []byte("XY")) // "abc" -> "XYbc"
			return Pause
		case len(seen) == 2:
			if st := s.SetResponseBody(2, 1, []byte("-")); st != BadArgument {
				t.Errorf("a splice: %d", st)
			}
			s.SetResponseBody(size, 0, []byte("!"))
			return Continue
		}
		s.SetResponseBody(0, 1<<31-1, []byte("whole"))
		return Continue
	}})
	var out [][]byte
	for _, c := range []struct {
		chunk string
		end   bool
	}{{"abc", false}, {"de", false}, {"f", true}} {
		b, err := s.Body([]byte(c.chunk), c.end)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	if diff := cmp.Diff([]string{"abc", "XYbcde", "f"}, seen); diff != "" {
		t.Error(diff)
	}
	if got := string(bytes.Join(out, []byte("|"))); got != "|XYbcde!|whole" {
		t.Errorf("sent %q", got)
	}
}

// With trailers no body callback says that the body ends, and only what was
// paused can still be appended to.
func TestTrailers(t *testing.T) {
	for name, c := range map[string]struct {
		action Action
		want   Status
		sent   string
	}{"paused": {Pause, OK, "a!"}, "flowed on": {Continue, BadArgument, "a"}} {
		s := start(&scripted{
			body: func(_ *Stream, _ int, end bool) Action {
				if end {
					t.Error("a body callback says that the body ends")
				}
				return c.action
			},
			trailers: func(s *Stream) {
				if st := s.SetResponseBody(1<<31-1, 0, []byte("!")); st != c.want {
					t.Errorf("%s: appending answers %d, want %d", name, st, c.want)
				}
			},
		})
		if _, err := s.Body([]byte("a"), false); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Trailers(Header{{"x-t", "1"}}); err != nil {
			t.Fatal(err)
		}
		if got := string(s.Sent()); got != c.sent {
			t.Errorf("%s: sent %q, want %q", name, got, c.sent)
		}
	}
}

// The end of a body sends it, whatever the filter answers.
func TestEndSendsAll(t *testing.T) {
	s := start(&scripted{body: func(*Stream, int, bool) Action { return Pause }})
	for _, end := range []bool{false, true} {
		if _, err := s.Body([]byte("a"), end); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(s.Sent()); got != "aa" {
		t.Errorf("sent %q", got)
	}
}

func TestHeaderGet(t *testing.T) {
	h := Header{{"a", "1"}, {"b", ""}, {"A", "2"}}
	if v, ok := h.Get("a"); v != "1, 2" || !ok {
		t.Errorf("a: %q %v", v, ok)
	}
	if v, ok := h.Get("b"); v != "" || !ok {
		t.Errorf("b, which is there and empty: %q %v", v, ok)
	}
	if _, ok := h.Get("c"); ok {
		t.Error("c is not there")
	}
}

func FuzzHeaderMap(f *testing.F) {
	f.Add(encodeHeader(Header{{"a", "b"}, {"", ""}}))
	f.Add([]byte{255, 255, 255, 255})
	f.Add([]byte{1, 0, 0, 0, 255, 255, 255, 127, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHeader(b)
		if err != nil {
			return
		}
		again, err := decodeHeader(encodeHeader(h))
		if err != nil || cmp.Diff(h, again) != "" {
			t.Errorf("%v becomes %v, %v", h, again, err)
		}
	})
}
