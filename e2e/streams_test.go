package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stampAll is the route of what no other route is for: every page is enforced
// on, and every script is stamped.
const stampAll = `[{"match": {"prefix": "/"}, "trust": "all", "insecure_trust_all": true, "enforce": "script-src 'self'"}]`

// smallPage has tags of all kinds of awkwardness, and ends as nobody would.
const smallPage = "<!doctype html><title>a &lt; b</title><script>a('<p')</script><SCRIPT src=/b.js\n></script >\u00e9<!-- <script> --><p title=\"<script>\">x</p><script src='/c"

// stamped is a page as the filter leaves it.
func stampedPage(page, nonce string) string {
	for _, tag := range []string{"<script>a", "<SCRIPT src=/b.js", "<script>0"} {
		name := tag[:len("<script")]
		page = strings.ReplaceAll(page, tag, name+` nonce="`+nonce+`"`+strings.TrimPrefix(tag, name))
	}
	return page
}

// eachProtocol runs a test with a client of HTTP/1.1, one of HTTP/2 and one of
// HTTP/2 over TLS.
func eachProtocol(e *edge, run func(e *edge, c *http.Client, base string)) {
	e.t.Helper()
	for _, p := range []struct {
		name, base string
		client     *http.Client
	}{{"HTTP1", e.plain, e.http1}, {"HTTP2", e.plain, e.http2}, {"HTTP2TLS", e.tls, e.http2}} {
		e.t.Run(p.name, func(t *testing.T) { run(e.with(t), p.client, p.base) })
	}
}

func asHTML(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html; charset=utf-8") }

// sendAndFlush sends a chunk of its own.
func sendAndFlush(w http.ResponseWriter, chunk string) {
	_, _ = io.WriteString(w, chunk)
	_ = http.NewResponseController(w).Flush()
}

// chunks cuts a page at one place (?at=), or into equal pieces (?of=), and ends
// it with trailers where the protocol has them.
func chunks(w http.ResponseWriter, r *http.Request) {
	asHTML(w)
	size, page := len(smallPage), smallPage
	if at, err := strconv.Atoi(r.FormValue("at")); err == nil {
		sendAndFlush(w, page[:at])
		time.Sleep(time.Millisecond) // lest HTTP/1.1 gives Envoy both at once
		page = page[at:]
	}
	if of, err := strconv.Atoi(r.FormValue("of")); err == nil {
		size = of
	}
	for page != "" {
		n := min(size, len(page))
		sendAndFlush(w, page[:n])
		page = page[n:]
	}
	if !r.Form.Has("plain") {
		w.Header().Set(http.TrailerPrefix+"X-Checksum", "1")
	}
}

// Nothing of a page is lost or stamped twice, wherever its chunks are cut and
// whether trailers end it or not.
func testChunksAndTrailers(e *edge) {
	e.serve(http.HandlerFunc(chunks))
	eachProtocol(e, func(e *edge, c *http.Client, base string) {
		queries := []string{"?of=1", "?of=1&plain", "?of=2", "?of=7&plain"}
		for at := range len(smallPage) {
			queries = append(queries, "?at="+strconv.Itoa(at))
		}
		for _, query := range queries {
			response, got := e.ask(c, http.MethodGet, base+"/"+query)
			nonce := policyNonce(response.Header)
			if want := stampedPage(smallPage, nonce); got != want || nonce == "" {
				e.t.Errorf("%s:\n%q, want\n%q", query, got, want)
			}
			if trailer := response.Trailer.Get("X-Checksum"); trailer != "1" && response.ProtoMajor == 2 && !strings.Contains(query, "plain") {
				e.t.Errorf("%s: the trailers are %q", query, response.Trailer)
			}
		}
	})
	if faults := e.counters()["edgecsp_errors"]; faults != 0 {
		e.t.Errorf("%d errors were counted", faults)
	}
}

// bigPage has a script in every kilobyte.
func bigPage(size int) string {
	var b strings.Builder
	r := rand.New(rand.NewPCG(1, 2))
	for b.Len() < size {
		b.WriteString("<script>0</script>")
		for range 1000 {
			b.WriteByte("abcdefghij \n&;"[r.IntN(14)])
		}
	}
	return b.String()
}

func testPageOfTenMegabytes(e *edge) {
	page := bigPage(10 << 20)
	e.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asHTML(w)
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		_, _ = io.WriteString(w, page)
	}))
	eachProtocol(e, func(e *edge, c *http.Client, base string) {
		response, got := e.ask(c, http.MethodGet, base+"/")
		nonce := policyNonce(response.Header)
		if want := stampedPage(page, nonce); got != want || nonce == "" {
			e.t.Errorf("%d bytes, want %d; nonce %q", len(got), len(want), nonce)
		}
	})
}

// An upstream that takes its time: what it has sent is at the client before it
// sends more.
func testFirstBytes(e *edge) {
	seen := make(chan struct{})
	e.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asHTML(w)
		for i := range 3 {
			sendAndFlush(w, fmt.Sprintf("<p>%d</p><script>0</script>", i))
			select {
			case <-seen:
			case <-r.Context().Done():
				return
			}
		}
		sendAndFlush(w, "<p>3</p>")
	}))
	eachProtocol(e, func(e *edge, c *http.Client, base string) {
		ctx, cancel := context.WithTimeout(e.t.Context(), 10*time.Second)
		defer cancel()
		response := e.begin(ctx, c, http.MethodGet, base+"/slow")
		defer response.Body.Close()
		nonce := policyNonce(response.Header)
		for i := range 3 {
			want := stampedPage(fmt.Sprintf("<p>%d</p><script>0</script>", i), nonce)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != want {
				e.t.Fatalf("while the application waits, %q has come, want %q: %v", got, want, err)
			}
			seen <- struct{}{}
		}
		if rest, err := io.ReadAll(response.Body); err != nil || string(rest) != "<p>3</p>" {
			e.t.Errorf("the rest is %q: %v", rest, err)
		}
	})
}

// Either side may go away in the middle of a page, and of a tag.
func testAbortedStreams(e *edge) {
	seen, gone := make(chan struct{}), make(chan struct{}, 1)
	e.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asHTML(w)
		switch r.URL.Path {
		case "/client":
			sendAndFlush(w, "<p>some</p>")
			<-seen
			sendAndFlush(w, "<script src=")
			<-r.Context().Done()
			gone <- struct{}{}
		case "/upstream":
			sendAndFlush(w, "<p>some</p>")
			sendAndFlush(w, "<script src=")
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.WriteString(w, smallPage)
		}
	}))
	eachProtocol(e, func(e *edge, c *http.Client, base string) {
		ctx, cancel := context.WithCancel(e.t.Context())
		defer cancel()
		response := e.begin(ctx, c, http.MethodGet, base+"/client")
		if _, err := io.ReadFull(response.Body, make([]byte, len("<p>some</p>"))); err != nil {
			e.t.Fatal(err)
		}
		seen <- struct{}{}
		cancel()
		response.Body.Close()
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			e.t.Error("the application is not told that the client went away")
		}
		response = e.begin(e.t.Context(), c, http.MethodGet, base+"/upstream")
		if got, err := io.ReadAll(response.Body); err == nil || !strings.HasPrefix("<p>some</p><script src=", string(got)) {
			e.t.Errorf("of an aborted response %q came, and then %v: it passes for a whole one", got, err)
		}
		response.Body.Close()
		if response, got := e.ask(c, http.MethodGet, base+"/"); got != stampedPage(smallPage, policyNonce(response.Header)) {
			e.t.Errorf("the page after it: %q", got)
		}
		e.counted("pages 3\ntags_stamped 2\n")
	})
}

// A page that comes compressed though it was asked for as it is stays as it is.
func testCompressedUpstream(e *edge) {
	packed := gzipped(smallPage)
	app := &recorder{}
	e.serve(app.inFront(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asHTML(w)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Length", strconv.Itoa(len(packed)))
		w.Header().Set("Etag", `"1"`)
		_, _ = w.Write(packed)
	})))
	eachProtocol(e, func(e *edge, c *http.Client, base string) {
		response, got := e.ask(c, http.MethodGet, base+"/packed", "Accept-Encoding: gzip")
		h := response.Header
		for _, r := range app.forPath("/packed") {
			if accepted := r.Header.Get("Accept-Encoding"); accepted != "identity" {
				e.t.Errorf("the application was asked for %q", accepted)
			}
		}
		if got != string(packed) || h.Get("Content-Encoding") != "gzip" || h.Get("Etag") != `"1"` || response.ContentLength != int64(len(packed)) {
			e.t.Errorf("%d bytes of %d came, with %v", len(got), len(packed), h)
		}
		if h.Get(enforced) != "" || policyNonce(h) != "" || !strings.Contains(h.Get(reported), "script-src 'self'") {
			e.t.Errorf("its policies are %q, and reported on %q", h.Get(enforced), h.Get(reported))
		}
		e.counted("pages 1\npages_unrewritten_encoded 1\n")
	})
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err) // a bytes.Buffer takes all
	}
	return b.Bytes()
}
