package policycmd

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/edgecsp/edgecsp/core/csp/lint"
)

// TestScripts runs testdata/*.txtar. The command "policy CODE ARGS... [<FILE]"
// runs `edgecsp policy` and expects the exit code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"policy": policyScript},
	})
}

func policyScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: policy CODE ARGS... [<FILE]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	args = args[1:]
	var in io.Reader = strings.NewReader("")
	if last := args[len(args)-1]; strings.HasPrefix(last, "<") {
		in, args = strings.NewReader(ts.ReadFile(last[1:])), args[:len(args)-1]
	}
	s := Streams{In: in, Out: ts.Stdout(), Err: ts.Stderr(), ReadFile: func(path string) ([]byte, error) { return os.ReadFile(ts.MkAbs(path)) }}
	if code := run(s, args); code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// run is what main does with the command.
func run(s Streams, args []string) int {
	cmd := New(s)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	cmd.SetOut(s.Out)
	cmd.SetErr(s.Err)
	err := cmd.Execute()
	if err != nil {
		_, _ = io.WriteString(s.Err, "edgecsp: "+err.Error()+"\n")
	}
	return ExitCode(err)
}

// TestBatchAnswersAtOnce: a question is answered before the next one is asked.
func TestBatchAnswersAtOnce(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan int)
	go func() {
		done <- run(Streams{In: inR, Out: outW, Err: io.Discard}, []string{"explain", "--batch"})
	}()
	answers := json.NewDecoder(outR)
	for i := range 3 {
		_, err := io.WriteString(inW, `{"id": `+strconv.Itoa(i)+`, "policy": "script-src 'unsafe-eval'", "kind": "eval"}`+"\n")
		if err != nil {
			t.Fatal(err)
		}
		var r reply
		if err := answers.Decode(&r); err != nil || string(r.ID) != strconv.Itoa(i) || !r.Allowed {
			t.Fatalf("%d: %+v, %v", i, r, err)
		}
	}
	inW.Close()
	if code := <-done; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestLimits(t *testing.T) {
	pad := func(n int) string { return `{"id": 1, "policy": ""` + strings.Repeat(" ", n-23) + "}" }
	for _, n := range []int{MaxLine - 1, MaxLine, MaxLine + 1} {
		var out bytes.Buffer
		s := Streams{In: strings.NewReader(pad(n) + "\n" + pad(30)), Out: &out, Err: io.Discard}
		if code := run(s, []string{"lint", "--batch"}); code != 0 {
			t.Errorf("%d bytes: exit code %d", n, code)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if tooLong := strings.Contains(lines[0], "the line has more than"); len(lines) != 2 || tooLong != (n > MaxLine) || strings.Contains(lines[1], "error") {
			t.Errorf("%d bytes: %q", n, lines)
		}
	}
	for _, n := range []int{MaxInput - 1, MaxInput, MaxInput + 1} {
		s := Streams{In: strings.NewReader("img-src *" + strings.Repeat(" ", n-9)), Out: io.Discard, Err: io.Discard}
		if code := run(s, []string{"lint", "--fail-on", "never"}); (code == ExitUsage) != (n > MaxInput) {
			t.Errorf("%d bytes: exit code %d", n, code)
		}
	}
}

func TestReadHeaders(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"default-src 'self'", "0 default-src 'self'"},
		{"Content-Security-Policy: img-src *", "25 img-src *"},
		{"content-security-policy:\nimg-src *\ncontent-type:\ntext/html\n", "25 img-src *"},
		{"content-security-policy\n\timg-src *\r\nserver\nx", "24 \timg-src *"},
		{"HTTP/2 200 \r\ncontent-security-policy-report-only: img-src *\r\nserver: x\r\n", "50 report-only img-src * endpoints "},
		{"< content-security-policy: img-src *\n< server: x", "27 img-src *"},
		{"Content-Security-Policy: img-src *;\n  font-src *\nX: y", "25 img-src *;\n  font-src *"},
		{"Content-Security-Policy: a\nContent-Security-Policy: b", "25 a|52 b"},
		{"reporting-endpoints: a=\"https://x/,y\", b=\"z\";q=1\nContent-Security-Policy: a", "74 a endpoints a,b"},
		{"Content-Security-Policy:", "24 "},
		{"", "0 "},
		{"Content-Security-Policy:\nServer: x", "24 "},
		{"content-security-policy:\ndefault-src: x", "25 default-src: x"},
		{"HTTP/1.1 200 OK\nServer: x\n", " endpoints "},
		{"HTTP/1.1 200 OK\nReport-To: {}\nContent-Security-Policy: a\n", "55 a"},
		{"cache-control:\nno-store\nserver:\nx", ""},
		{"default-src: 'self';\nscript-src: x", "0 default-src: 'self';\nscript-src: x"},
		{"> GET / HTTP/1.1\n> \n< HTTP/1.1 302 Found\n< Content-Security-Policy: a\n< \n< HTTP/1.1 200 OK\n< Content-Security-Policy: b\n< \nContent-Security-Policy: c", "118 b endpoints "},
	} {
		h := readHeaders(tc.in)
		var out []string
		for _, x := range h.list {
			s := strconv.Itoa(x.off) + " "
			if x.reportOnly {
				s += "report-only "
			}
			out = append(out, s+x.text)
			if x.text != "" && tc.in[x.off:x.off+len(x.text)] != x.text {
				t.Errorf("%q: the offset of %q is wrong", tc.in, x.text)
			}
		}
		got := strings.Join(out, "|")
		if h.endpoints != nil {
			got += " endpoints " + strings.Join(h.endpoints, ",")
		}
		if got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.in, got, tc.want)
		}
	}
}

func FuzzBatch(f *testing.F) {
	f.Add(`{"id":1,"policy":["img-src 'self'"],"page":"https://a.example/","kind":"img","url":"/x"}`)
	f.Add(`{"policy":"content-security-policy:\nimg-src *","kind":"javascript-url","url":"javascript:%61"}`)
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") {
			return
		}
		for _, answer := range []func([]byte) any{explainBatch, lintBatch(lint.Options{})} {
			if _, err := json.Marshal(answer([]byte(line))); err != nil {
				t.Error(err)
			}
		}
	})
}
