package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const agent = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r\n"

// requestFor is the request that a browser makes: a navigation to a page, a
// fetch for JSON.
func requestFor(p page, query string) []byte {
	start := "GET /" + p.name + query + " HTTP/1.1\r\nHost: " + host + "\r\n" + agent +
		"Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nSec-Fetch-Site: same-origin\r\nCookie: session=6f1d0e54b0f84d0c; theme=dark\r\n"
	if p.html {
		return []byte(start + "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
			"Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n\r\n")
	}
	return []byte(start + "Accept: */*\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n\r\n")
}

// A client is one connection to Envoy that stays open.
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

// dial connects; whatever is done with the client ends by the deadline.
func dial(address string, deadline time.Time) (*client, error) {
	conn, err := net.DialTimeout("tcp", address, time.Until(deadline))
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	return &client{conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *client) close() { c.conn.Close() }

// A response is what came back. Header and body are there only if asked for.
type response struct {
	status int
	length int
	header []string // "name: value", the names in lower case as Envoy writes them
	body   []byte
}

// get sends a request and reads the whole response; keep says that header and
// body are wanted.
func (c *client) get(request []byte, keep bool) (response, error) {
	if _, err := c.conn.Write(request); err != nil {
		return response{}, err
	}
	a, length, err := c.readHeader(keep)
	if err != nil {
		return a, err
	}
	if length >= 0 {
		return a, c.readBody(&a, length, keep)
	}
	return a, c.readChunks(&a, keep)
}

// readHeader returns the announced length as well, -1 if the body is chunked.
func (c *client) readHeader(keep bool) (a response, length int, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return a, 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return a, 0, fmt.Errorf("no status line: %q", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, 0, fmt.Errorf("no status line: %q", line)
	}
	length = -1
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return a, 0, err
		}
		if len(line) <= len("\r\n") {
			return a, length, nil
		}
		if value, ok := bytes.CutPrefix(line, []byte("content-length:")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return a, 0, err
			}
		}
		if keep {
			a.header = append(a.header, strings.TrimSpace(string(line)))
		}
	}
}

func (c *client) readBody(a *response, n int, keep bool) error {
	a.length += n
	if !keep {
		_, err := c.r.Discard(n)
		return err
	}
	start := len(a.body)
	a.body = append(a.body, make([]byte, n)...)
	_, err := io.ReadFull(c.r, a.body[start:])
	return err
}

func (c *client) readChunks(a *response, keep bool) error {
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 31)
		if err != nil {
			return fmt.Errorf("no chunk's length: %q", line)
		}
		if err := c.readBody(a, int(n), keep); err != nil {
			return err
		}
		end, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(end) != len("\r\n") {
			return errors.New("a chunk does not end where it said")
		}
		if n == 0 {
			return nil
		}
	}
}
