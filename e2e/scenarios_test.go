package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/edgecsp/edgecsp/core/session"
)

// The scenarios of envoyfilter/testdata/scenarios run there on an Envoy that
// this project wrote itself, for tests. Here they meet the real one, all in one
// process, each under a host name of its own: what becomes of the request, of
// the response and of the counters must be the same, over HTTP/1.1 with whole
// bodies and over HTTP/2 with bodies byte by byte and trailers at their end.
//
// Headers are compared in any order of their names, and without those that are
// Envoy's own business. So the forging of x-forwarded-proto by a client is not
// seen here: it says in these files whether a request comes over TLS.
//
// None is left out.
func testScenarios(e *edge, scenarios []*scenario) {
	app := &scenarioApp{scenarios: scenarios, seen: map[string]http.Header{}}
	e.serve(app)
	for _, s := range scenarios {
		e.t.Run(s.name, func(t *testing.T) {
			for _, client := range []*http.Client{e.http1, e.http2} {
				app.compare(e.with(t), client, s)
			}
		})
	}
}

type scenario struct {
	name             string
	files            map[string]string
	request, answer  scenarioMessage
	routes           []map[string]any
	overTLS, hasBody bool
}

// host is the host name that a scenario has for itself.
func (s *scenario) host() string { return s.name + ".test" }

// A scenarioMessage is a request or a response as a scenario's file has it.
type scenarioMessage struct {
	first  []string
	header http.Header
	names  []string // in order
	body   string
}

func readScenarios(t *testing.T) (all []*scenario) {
	t.Helper()
	paths, err := filepath.Glob("../envoyfilter/testdata/scenarios/*.txtar")
	if err != nil || len(paths) < 12 {
		t.Fatalf("there are %d scenarios: %v", len(paths), err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := &scenario{name: strings.TrimSuffix(filepath.Base(path), ".txtar"), files: map[string]string{}}
		for _, f := range archive.Files {
			s.files[f.Name] = string(f.Data)
		}
		s.request, _ = parseScenario(s.files["request"])
		s.answer, s.hasBody = parseScenario(s.files["response"])
		s.overTLS = s.request.header.Get("X-Forwarded-Proto") == "https"
		if err := json.Unmarshal([]byte(s.files["routes"]), &s.routes); err != nil {
			t.Fatalf("%s: routes: %v", path, err)
		}
		all = append(all, s)
	}
	return all
}

func parseScenario(text string) (m scenarioMessage, hasBody bool) {
	head, body, hasBody := strings.Cut(text, "\n\n")
	first, rest, _ := strings.Cut(strings.TrimSuffix(head, "\n"), "\n")
	m = scenarioMessage{first: strings.Fields(first), header: http.Header{}, body: strings.TrimSuffix(body, "\n")}
	for line := range strings.Lines(rest) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		m.header.Add(name, value)
		m.names = append(m.names, name)
	}
	return m, hasBody
}

// scenarioRoutes are the routes of all scenarios, each for its host.
func scenarioRoutes(t *testing.T, scenarios []*scenario) string {
	t.Helper()
	var all []any
	for _, s := range scenarios {
		for _, route := range s.routes {
			match, ok := route["match"].(map[string]any)
			if !ok || match["host"] != nil {
				t.Fatalf("%s: a route's match is %v; here the host is the scenario's name", s.name, route["match"])
			}
			match["host"] = s.host()
			all = append(all, route)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// scenarioApp answers with the scenarios' responses and keeps the last request
// to each.
type scenarioApp struct {
	scenarios []*scenario
	mu        sync.Mutex
	seen      map[string]http.Header // by host
	served    int
}

func (a *scenarioApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := slices.IndexFunc(a.scenarios, func(s *scenario) bool { return s.host() == r.Host })
	s := a.scenarios[at]
	a.mu.Lock()
	a.seen[r.Host] = r.Header.Clone()
	a.served++
	header, body := s.fresh(a.served)
	a.mu.Unlock()
	if r.ProtoMajor == 1 {
		s.answerPlainly(w, header, body)
		return
	}
	w.Header()["Date"], w.Header()["Content-Type"] = nil, nil
	maps.Copy(w.Header(), header)
	w.WriteHeader(s.status())
	if !s.hasBody {
		return
	}
	_ = http.NewResponseController(w).Flush() // so that net/http knows no length
	for _, c := range []byte(body) {
		_, _ = w.Write([]byte{c})
		_ = http.NewResponseController(w).Flush()
	}
	w.Header().Set(http.TrailerPrefix+"X-Checksum", "1")
}

// applicationNonce is the nonce of the applications in the files.
const applicationNonce = "QUJDREVGR0hJSktMTU5PUA"

// freshNonce is the application's nonce in the nth response: one that comes
// twice is not taken over.
func freshNonce(n int) string { return fmt.Sprintf("QUJDREVGR0hJSktM%06d", n) }

var someFreshNonce = regexp.MustCompile(`QUJDREVGR0hJSktM\d{6}`)

// fresh is the scenario's response as the nth: with a nonce of its own, and a
// true Content-Length, which the host in the process does not mind.
func (s *scenario) fresh(n int) (http.Header, string) {
	header := http.Header{}
	for name, values := range s.answer.header {
		for _, value := range values {
			header.Add(name, strings.ReplaceAll(value, applicationNonce, freshNonce(n)))
		}
	}
	body := strings.ReplaceAll(s.answer.body, applicationNonce, freshNonce(n))
	if s.hasBody && header.Get("Content-Length") != "" {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	return header, body
}

// answerPlainly writes a response as it stands: net/http has a mind of its own
// about some headers.
func (s *scenario) answerPlainly(w http.ResponseWriter, header http.Header, body string) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	header.Set("Connection", "close")
	if s.hasBody && header.Get("Content-Length") == "" {
		header.Set("Transfer-Encoding", "chunked")
		if body != "" {
			body = fmt.Sprintf("%x\r\n%s\r\n", len(body), body)
		}
		body += "0\r\n\r\n"
	}
	fmt.Fprintf(connection, "HTTP/1.1 %d Scenario\r\n", s.status())
	_ = header.Write(connection)
	_, _ = io.WriteString(connection, "\r\n"+body)
}

func (s *scenario) status() int {
	n, err := strconv.Atoi(s.answer.first[0])
	if err != nil {
		panic(err)
	}
	return n
}

// compare runs a scenario once.
func (a *scenarioApp) compare(e *edge, client *http.Client, s *scenario) {
	e.t.Helper()
	base := e.plain
	if s.overTLS {
		base = e.tls
	}
	request, err := http.NewRequestWithContext(e.t.Context(), s.request.first[0], base+s.request.first[1], nil)
	if err != nil {
		e.t.Fatal(err)
	}
	request.Host = s.host()
	request.Header = http.Header{"Accept": {"text/html,*/*"}, "Sec-Fetch-Dest": {"document"}, "User-Agent": {""}, "Accept-Encoding": {anyEncoding}}
	for name, values := range s.request.header {
		request.Header[name] = values
	}
	response, err := client.Do(request)
	if err != nil {
		e.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		e.t.Fatalf("the body: %v after %q", err, body)
	}
	a.mu.Lock()
	upstream := a.seen[s.host()]
	a.mu.Unlock()
	if upstream.Del("Content-Length"); upstream.Get("Accept-Encoding") == anyEncoding {
		upstream.Del("Accept-Encoding")
	}
	names := namer{nonce: upstream.Get("X-Csp-Nonce")}
	if names.nonce == "" {
		names.nonce = filterNonce(response.Header)
	}
	got := map[string]string{
		"upstream": shownHeader(upstream, names),
		"client":   strconv.Itoa(response.StatusCode) + "\n" + shownHeader(response.Header, names),
	}
	if s.hasBody {
		got["client"] += "\n" + names.named(string(body)) + "\n"
	}
	for _, file := range []string{"upstream", "client"} {
		if want := sortedMessage(s.files[file], s.hasBody && file == "client"); got[file] != want {
			e.t.Errorf("%s over %s:\n%s\nwant:\n%s", file, response.Proto, got[file], want)
		}
	}
	if trailer := response.Trailer.Get("X-Checksum"); s.hasBody && response.ProtoMajor == 2 && trailer != "1" {
		e.t.Errorf("the trailers are %q", response.Trailer)
	}
	e.counted(s.files["counters"])
}

// anyEncoding is what requests accept in which the scenario says nothing: in
// the files, what then arrives at the application is not shown.
const anyEncoding = "br"

// sortedMessage is a wanted file with its headers in the order of shownHeader.
func sortedMessage(text string, hasBody bool) string {
	m, _ := parseScenario("\n" + text)
	if status, rest, _ := strings.Cut(text, "\n"); len(status) == 3 {
		m, _ = parseScenario(text)
		return status + "\n" + shownHeader(m.header, namer{}) + after(rest, hasBody)
	}
	return shownHeader(m.header, namer{})
}

func after(text string, hasBody bool) string {
	if _, body, found := strings.Cut(text, "\n\n"); found && hasBody {
		return "\n" + body
	}
	return ""
}

// envoysOwn are headers that Envoy sets or takes away for reasons of its own,
// and those that the tests send with every request.
var envoysOwn = regexp.MustCompile(`^(X-Envoy-.*|X-Request-Id|X-Forwarded-.*|Date|Server|Connection|Via|Accept|Sec-Fetch-Dest|User-Agent|Trailer)$`)

// shownHeader writes headers in the order of their names.
func shownHeader(h http.Header, names namer) string {
	var lines []string
	for name, values := range h {
		if envoysOwn.MatchString(name) {
			continue
		}
		for i, value := range values {
			lines = append(lines, fmt.Sprintf("%s %02d: %s\n", strings.ToLower(name), i, names.named(value)))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// A namer replaces what differs from run to run by its name.
type namer struct{ nonce string }

var reportToken = regexp.MustCompile(`/report/csp/([A-Za-z0-9_-]{59})`)

func (n namer) named(text string) string {
	if n.nonce != "" {
		text = strings.ReplaceAll(text, n.nonce, "NONCE")
	}
	text = someFreshNonce.ReplaceAllString(text, applicationNonce)
	return reportToken.ReplaceAllStringFunc(text, func(m string) string {
		return "/report/csp/" + nameToken(strings.TrimPrefix(m, "/report/csp/"))
	})
}

func nameToken(token string) string {
	verifier, err := session.NewVerifier("shop", []byte(edgeSecret))
	if err != nil {
		return err.Error()
	}
	claims, err := verifier.Verify(token, time.Now())
	if err != nil {
		return err.Error()
	}
	words := "report-only"
	if claims.Enforced {
		words = "enforced"
	}
	if claims.Kind == session.PageClass {
		words += " class"
	}
	return "TOKEN(" + words + ")"
}

// filterNonce finds the filter's own nonce, of 24 characters, in policies.
func filterNonce(h http.Header) string {
	for _, policy := range append(h.Values(enforced), h.Values(reported)...) {
		for _, m := range nonceIn.FindAllStringSubmatch(policy, -1) {
			if len(m[1]) == 24 {
				return m[1]
			}
		}
	}
	return ""
}
