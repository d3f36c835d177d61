package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// files is an application whose things have ETags and can be asked for in
// parts.
type files map[string]file

type file struct{ kind, encoding, content string }

func (f files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, ok := f[r.URL.Path]
	switch {
	case r.URL.Path == "/none":
		w.WriteHeader(http.StatusNoContent)
		return
	case !ok:
		asHTML(w)
		return
	}
	w.Header().Set("Content-Type", found.kind)
	w.Header().Set("Etag", fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(found.content))))
	if found.encoding != "" {
		w.Header().Set("Content-Encoding", found.encoding)
	}
	http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader([]byte(found.content)))
}

// Scripts, images and videos keep their ETags, their 304s, their ranges and
// the compression that they are stored with.
func testFiles(e *edge) {
	app := files{
		"/app.js":    {"text/javascript", "", "let a = 1;\n" + strings.Repeat("// long enough to be compressed\n", 100)},
		"/leaf.svg":  {"image/svg+xml", "", "<svg xmlns='http://www.w3.org/2000/svg'><script>a()</script></svg>"},
		"/tea.mp4":   {"video/mp4", "", strings.Repeat("\x00\x01<script>\xff", 20000)},
		"/packed.js": {"text/javascript", "gzip", string(gzipped(strings.Repeat("let packed;\n", 200)))},
	}
	e.serve(app)
	dest := map[string]string{"text/javascript": "script", "image/svg+xml": "image", "video/mp4": "video"}
	eachProtocol(e, func(e *edge, c *http.Client, base string) {
		for path, f := range app {
			as := "Sec-Fetch-Dest: " + dest[f.kind]
			whole, body := e.ask(c, http.MethodGet, base+path, as, "Accept-Encoding: gzip")
			tag := whole.Header.Get("Etag")
			if body != f.content || tag == "" || whole.Header.Get("Content-Encoding") != f.encoding || whole.ContentLength != int64(len(f.content)) {
				e.t.Errorf("%s: %d bytes of %d, with %v", path, len(body), len(f.content), whole.Header)
			}
			again, body := e.ask(c, http.MethodGet, base+path, as, "Accept-Encoding: gzip", "If-None-Match: "+tag)
			if again.StatusCode != http.StatusNotModified || body != "" {
				e.t.Errorf("%s with If-None-Match: status %d, %d bytes", path, again.StatusCode, len(body))
			}
			part, body := e.ask(c, http.MethodGet, base+path, as, "Range: bytes=10-19", "If-Range: "+tag)
			if part.StatusCode != http.StatusPartialContent || body != f.content[10:20] {
				e.t.Errorf("%s in part: status %d, %q", path, part.StatusCode, body)
			}
			for _, r := range []*http.Response{whole, again, part} {
				if r.Header.Get(enforced)+r.Header.Get(reported) != "" {
					e.t.Errorf("%s: status %d has a policy: %v", path, r.StatusCode, r.Header)
				}
			}
		}
	})
}

// A page loses what would not be true of it any more, and what a client sends
// to get only a part of it, or none.
func testPagesAreAskedForWhole(e *edge) {
	app := files{"/page": {"text/html; charset=utf-8", "", smallPage}}
	e.serve(app)
	_, direct := e.ask(e.http1, http.MethodGet, e.AppURL()+"/page")
	eachProtocol(e, func(e *edge, c *http.Client, base string) {
		whole := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(smallPage)))
		for _, conditions := range [][]string{{}, {"If-None-Match: " + whole}, {"Range: bytes=10-19"}, {"If-None-Match: *", "Range: bytes=0-0"}} {
			response, body := e.ask(c, http.MethodGet, base+"/page", conditions...)
			h := response.Header
			if response.StatusCode != http.StatusOK || body != stampedPage(direct, policyNonce(h)) {
				e.t.Errorf("%q: status %d: %q", conditions, response.StatusCode, body)
			}
			if h.Get("Etag")+h.Get("Last-Modified")+h.Get("Accept-Ranges")+h.Get("Content-Length") != "" || h.Get("Cache-Control") != "private" {
				e.t.Errorf("%q: still there: %v", conditions, h)
			}
		}
		e.counted("pages 4\ntags_stamped 8\n")
	})
}

// Where there is no body, none is waited for.
func testResponsesWithoutBody(e *edge) {
	app := files{"/page": {"text/html; charset=utf-8", "", smallPage}}
	e.serve(app)
	eachProtocol(e, func(e *edge, c *http.Client, base string) {
		head, body := e.ask(c, http.MethodHead, base+"/page")
		if head.StatusCode != http.StatusOK || body != "" || policyNonce(head.Header) == "" || head.Header.Get("Content-Length") != "" {
			e.t.Errorf("HEAD: status %d, %v", head.StatusCode, head.Header)
		}
		none, body := e.ask(c, http.MethodGet, base+"/none")
		if none.StatusCode != http.StatusNoContent || body != "" || none.Header.Get(enforced)+none.Header.Get(reported) != "" {
			e.t.Errorf("204: status %d, %q, %v", none.StatusCode, body, none.Header)
		}
		empty, body := e.ask(c, http.MethodGet, base+"/empty")
		if empty.StatusCode != http.StatusOK || body != "" || policyNonce(empty.Header) == "" {
			e.t.Errorf("an empty page: status %d, %q, %v", empty.StatusCode, body, empty.Header)
		}
		e.counted("pages 2\n")
	})
}
