package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/core/session"
	"github.com/edgecsp/edgecsp/envoyfilter/filter"
	"github.com/edgecsp/edgecsp/wasmtest"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what the scenarios' files expect from what the filter does")

// A scenario is a txtar file in testdata/scenarios: the filter's configuration
// (a list of routes), a request, the upstream's answer, and what becomes of
// each. Every file runs natively and as wasm, in chunks of several sizes, with
// trailers and without; the outcome must be the same bytes.
//
//	-- routes --     JSON, the "routes" of a configuration
//	-- request --    "METHOD PATH", then headers; Sec-Fetch-Dest: document unless given
//	-- response --   the status, then headers, an empty line and the body; no empty line: no body
//	-- upstream --   wanted: the request as the upstream gets it, without the pseudo-headers
//	-- client --     wanted: the response as the client gets it
//	-- counters --   wanted: the filter's counters that are not zero
//
// A comment before the first file says why. NONCE stands for the response's
// nonce, TOKEN(...) for a valid token and what it says.
type scenario struct {
	archive *txtar.Archive
	files   map[string]string
}

func readScenario(t *testing.T, path string) scenario {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := scenario{a, map[string]string{}}
	for _, f := range a.Files {
		s.files[f.Name] = string(f.Data)
	}
	return s
}

func TestScenarios(t *testing.T) {
	paths, err := filepath.Glob("testdata/scenarios/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			s := readScenario(t, path)
			both(t, func(t *testing.T, start func(testing.TB, setup) (running, error)) {
				for _, chunk := range []int{0, 1, 7} {
					for _, trailers := range []bool{false, true} {
						got := s.run(t, start, chunk, trailers)
						if *update {
							s.write(t, path, got)
							return
						}
						s.compare(t, got, fmt.Sprintf("chunks of %d, trailers %v", chunk, trailers))
					}
				}
			})
		})
	}
}

var wanted = []string{"upstream", "client", "counters"}

func (s scenario) compare(t *testing.T, got map[string]string, how string) {
	t.Helper()
	for _, name := range wanted {
		if diff := cmp.Diff(s.files[name], got[name]); diff != "" {
			t.Fatalf("%s: %s (-want +got):\n%s", how, name, diff)
		}
	}
}

func (s scenario) write(t *testing.T, path string, got map[string]string) {
	t.Helper()
	for _, name := range wanted {
		i := 0
		for i < len(s.archive.Files) && s.archive.Files[i].Name != name {
			i++
		}
		if i == len(s.archive.Files) {
			s.archive.Files = append(s.archive.Files, txtar.File{Name: name})
		}
		s.archive.Files[i].Data = []byte(got[name])
	}
	if err := os.WriteFile(path, txtar.Format(s.archive), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s scenario) run(t *testing.T, start func(testing.TB, setup) (running, error), chunk int, trailers bool) map[string]string {
	t.Helper()
	config := `{"site": "shop", "secret_env": "EDGECSP_SECRET", "routes": ` + s.files["routes"] + `}`
	p, err := start(t, setup{config: config, env: environment})
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(*p.logged, "\n"))
	}
	request, _, _ := parseMessage(s.files["request"])
	response, body, hasBody := parseMessage(s.files["response"])
	x := exchange{path: request.first[1], chunk: chunk, trailers: trailers && hasBody, body: body, noBody: !hasBody}
	x.request = append(wasmtest.Header{{":method", request.first[0]}, {"accept-encoding", ""}}, request.header...)
	x.response = append(wasmtest.Header{{":status", response.first[0]}}, response.header...)
	if _, ok := response.header.Get("content-type"); !ok {
		x.untyped = true
	}
	a := send(t, p, x)
	return map[string]string{"upstream": show(a.upstream, a), "client": show(a.header, a) + bodyOf(a, hasBody), "counters": p.counters()}
}

type message struct {
	first  []string
	header wasmtest.Header
}

func parseMessage(text string) (m message, body string, hasBody bool) {
	head, body, hasBody := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimSuffix(head, "\n"), "\n")
	m.first = strings.Fields(lines[0])
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		m.header = append(m.header, [2]string{strings.ToLower(name), value})
	}
	return m, strings.TrimSuffix(body, "\n"), hasBody
}

// show writes headers as a scenario's file has them.
func show(h wasmtest.Header, a answer) string {
	var b strings.Builder
	for _, kv := range h {
		switch kv[0] {
		case ":status":
			fmt.Fprintln(&b, kv[1])
		case "accept", "sec-fetch-dest":
		default:
			if !strings.HasPrefix(kv[0], ":") && (kv[0] != "accept-encoding" || kv[1] != "") {
				fmt.Fprintf(&b, "%s: %s\n", kv[0], a.named(kv[1]))
			}
		}
	}
	return b.String()
}

func bodyOf(a answer, has bool) string {
	if !has {
		return ""
	}
	return "\n" + a.named(a.body) + "\n"
}

var tokenIn = regexp.MustCompile(`/report/csp/([A-Za-z0-9_-]{59})`)

// named replaces what differs from run to run by its name.
func (a answer) named(text string) string {
	if n := a.ownNonce(); n != "" {
		text = strings.ReplaceAll(text, n, "NONCE")
	}
	return tokenIn.ReplaceAllStringFunc(text, func(m string) string {
		v, err := session.NewVerifier("shop", []byte(secret))
		if err != nil {
			return err.Error()
		}
		c, err := v.Verify(strings.TrimPrefix(m, "/report/csp/"), time.Now())
		if err != nil {
			return "/report/csp/" + err.Error()
		}
		return "/report/csp/TOKEN(" + describe(c) + ")"
	})
}

func describe(c session.Claims) string {
	words := []string{"report-only"}
	if c.Enforced {
		words[0] = "enforced"
	}
	if c.Kind == session.PageClass {
		words = append(words, "class")
	}
	return strings.Join(words, " ")
}

// ownNonce is the nonce that the filter made: 24 characters of base64url.
func (a answer) ownNonce() string {
	if n := a.upstream.Values("x-csp-nonce"); n != nil {
		return n[0]
	}
	for _, policy := range append(a.csp(), a.reportOnly()...) {
		if m := nonceIn.FindStringSubmatch(policy); m != nil {
			return m[1]
		}
	}
	return ""
}

func TestScenariosNameEveryFile(t *testing.T) {
	paths, _ := filepath.Glob("testdata/scenarios/*.txtar")
	known := map[string]bool{"routes": true, "request": true, "response": true, "upstream": true, "client": true, "counters": true}
	for _, path := range paths {
		s := readScenario(t, path)
		if len(s.archive.Comment) < 20 {
			t.Errorf("%s does not say what it is for", path)
		}
		for name := range s.files {
			if !known[name] {
				t.Error(errors.New(path + ": unknown file " + name))
			}
		}
	}
}

// docs/configuration.md names every counter that the filter defines.
func TestCountersAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	h := newNativeHost(setup{env: environment})
	if _, err := filter.New(h, []byte(config)); err != nil {
		t.Fatal(err)
	}
	for name := range h.defined {
		text := "`" + name + "`"
		for _, group := range []string{"edgecsp_pages_unrewritten_", "edgecsp_pages_given_up_"} {
			if reason, ok := strings.CutPrefix(name, group); ok {
				text = "`" + reason + "`"
			}
		}
		if !strings.Contains(string(doc), text) {
			t.Errorf("docs/configuration.md does not name %s (%s)", name, text)
		}
	}
	if len(h.defined) < 20 {
		t.Errorf("only %d counters are defined", len(h.defined))
	}
}
