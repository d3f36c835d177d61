package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"time"
)

// trickled is what a request's path has at its end to get the page slowly, in
// trickles pieces over the upstream's time.
const (
	trickled = "?slow"
	trickles = 40
)

// upstream serves the pages. It reads requests only as far as their path, and
// has every answer ready: it is not to be what is measured.
type upstream struct {
	listener net.Listener
	answers  map[string][]byte // by path
	slow     time.Duration     // how long a trickled page takes
}

func startUpstream(list []page, slow time.Duration) (*upstream, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the upstream: %w", err)
	}
	u := &upstream{listener: listener, answers: map[string][]byte{}, slow: slow}
	for _, p := range list {
		u.answers["/"+p.name] = answer(p)
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil { // closed
				return
			}
			go u.serve(c)
		}
	}()
	return u, nil
}

func (u *upstream) address() string { return u.listener.Addr().String() }

func (u *upstream) stop() { u.listener.Close() }

// answer is a response with the headers that an application's usually has,
// their names in lower case as client reads them.
func answer(p page) []byte {
	kind := "application/json"
	if p.html {
		kind = "text/html; charset=utf-8"
	}
	return append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\ndate: Fri, 20 Nov 2026 12:00:00 GMT\r\nserver: app\r\ncontent-type: %s\r\ncontent-length: %d\r\n"+
		"last-modified: Fri, 20 Nov 2026 09:00:00 GMT\r\netag: \"3c1f-62a\"\r\nvary: Accept-Encoding, Cookie\r\nx-content-type-options: nosniff\r\nreferrer-policy: same-origin\r\n\r\n",
		kind, len(p.body)), p.body...)
}

// serve answers GET requests, which have no body, until the connection ends.
func (u *upstream) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 8<<10)
	for {
		path, err := readRequest(r)
		if err != nil {
			return
		}
		path, slow := strings.CutSuffix(path, trickled)
		b, ok := u.answers[path]
		switch {
		case !ok:
			_, err = c.Write([]byte("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"))
		case slow:
			err = u.trickle(c, b)
		default:
			_, err = c.Write(b)
		}
		if err != nil {
			return
		}
	}
}

// trickle writes an answer in pieces that end wherever they do, in the midst
// of tags too.
func (u *upstream) trickle(c net.Conn, b []byte) error {
	for n := len(b)/trickles + 1; len(b) > 0; {
		if _, err := c.Write(b[:min(n, len(b))]); err != nil {
			return err
		}
		b = b[min(n, len(b)):]
		time.Sleep(u.slow / trickles)
	}
	return nil
}

// readRequest reads a request's header and returns its path.
func readRequest(r *bufio.Reader) (path string, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	if fields := bytes.Fields(line); len(fields) == 3 {
		path = string(fields[1])
	}
	for len(line) > len("\r\n") {
		if line, err = r.ReadSlice('\n'); err != nil {
			return "", err
		}
	}
	return path, nil
}
