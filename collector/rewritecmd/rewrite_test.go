package rewritecmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/core/rewrite"
)

func run(t *testing.T, in string, args ...string) (out, errs string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	cmd := New(Streams{In: strings.NewReader(in), Out: &o, Err: &e})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err = cmd.Execute()
	return o.String(), e.String(), err
}

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestRewrite(t *testing.T) {
	approved := file(t, "\ufeff# ours\n\n'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='\nhttps://cdn.example/a.js\ncdn.example\n")
	snippet := file(t, "<i>\n")
	for _, c := range []struct {
		name, in  string
		args      []string
		out, errs string
	}{
		{
			"all", `<script></script>`, []string{"--nonce", "n0"},
			`<script nonce="n0"></script>`, "1 stamped\n",
		},
		{
			"in chunks", `<p><script></script>`, []string{"--nonce", "n0", "--chunk", "1"},
			`<p><script nonce="n0"></script>`, "1 stamped\n",
		},
		{
			"inventory", `<script>a</script><script>b</script><script src="https://cdn.example/a.js"></script><script src="//cdn.example/b.js"></script>`,
			[]string{"--trust", "inventory", "--nonce", "n0", "--approve", approved, "--url", "https://shop.example/"},
			`<script nonce="n0">a</script><script>b</script><script nonce="n0" src="https://cdn.example/a.js"></script><script src="//cdn.example/b.js"></script>`,
			"2 stamped, 2 not approved\n",
		},
		{
			"hosts", `<script src="//cdn.example/b.js"></script>`,
			[]string{"--trust", "inventory", "--nonce", "n0", "--approve", approved, "--url", "https://shop.example/", "--insecure-host-trust"},
			`<script nonce="n0" src="//cdn.example/b.js"></script>`, "1 stamped\n",
		},
		{
			"snippet", `<!doctype html><p>`, []string{"--trust", "none", "--inject", snippet, "--chunk", "0"},
			`<!doctype html><i><p>`, "snippet inserted\n",
		},
		{
			"snippet at the end", `<body></body>`, []string{"--trust", "none", "--inject", snippet, "--place", "body-end"},
			`<body><i></body>`, "snippet inserted\n",
		},
		{
			"upstream", `<script nonce=x></script><script nonce=y></script><script></script>`, []string{"--trust", "upstream", "--nonce", "n0", "--upstream-nonce", "x"},
			`<script nonce=x></script><script nonce=y></script><script></script>`, "1 left alone, 1 with another nonce, 1 without a nonce\n",
		},
		{
			"gave up", `<select><style>`, []string{"--nonce", "n0"}, `<select><style>`, "gave up (select): the rest of the page is untouched\n",
		},
		{"nothing", `<p>`, []string{"--nonce", "n0"}, `<p>`, "nothing to do\n"},
		{
			"diff", "<p>\n" + strings.Repeat("x", 80) + "<script nonce='\n'>" + strings.Repeat("y", 80) + "\n<p>", []string{"--nonce", "n0", "--diff"},
			"@ 2:89\n-…" + strings.Repeat("x", 52) + "<script nonce='\n'>" + strings.Repeat("y", 59) + "…\n+…" +
				strings.Repeat("x", 52) + `<script nonce="n0">` + strings.Repeat("y", 59) + "…\n",
			"1 stamped\n",
		},
		{
			"diff of a terminal's escapes", "<p>\x1b[2J\x7f\xc2\x9b\t\xff<script>\r", []string{"--nonce", "n0", "--diff", "--charset", "utf-8"},
			"@ 1:20\n-<p>\u241b[2J\u2421\ufffd\t\ufffd<script>\u240d\n+<p>\u241b[2J\u2421\ufffd\t\ufffd<script nonce=\"n0\">\u240d\n",
			"1 stamped\n",
		},
		{
			"diff of several lines", "<style></style><script></script>\n\n<script>", []string{"--nonce", "n0", "--diff"},
			"@ 1:7\n-<style></style><script></script>\n+<style nonce=\"n0\"></style><script></script>\n" +
				"@ 1:23\n-<style></style><script></script>\n+<style></style><script nonce=\"n0\"></script>\n" +
				"@ 3:8\n-<script>\n+<script nonce=\"n0\">\n",
			"3 stamped\n",
		},
		{
			"diff at the end", "<!doctype html>\n<p>", []string{"--trust", "none", "--diff", "--inject", snippet, "--place", "body-end"},
			"@ 2:4\n-<p>\n+<p><i>\n", "snippet inserted\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, err := run(t, c.in, c.args...)
			if out != c.out || errs != c.errs || err != nil {
				t.Errorf("got %q\n%q %v\nwant %q\n%q", out, errs, err, c.out, c.errs)
			}
		})
	}
}

func TestInventoryFile(t *testing.T) {
	name := file(t, "")
	if _, _, err := run(t, `<script>a</script><p onclick=b>`, "--trust", "none", "--inventory", name); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	want := `{
  "dropped": 0,
  "entries": [
    {
      "found": "inline-script",
      "hash": "sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
      "sample": "a",
      "name": "script",
      "ordinal": 0,
      "seen": 1,
      "varying": false
    },
    {
      "found": "event-handler",
      "hash": "sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0=",
      "sample": "b",
      "name": "onclick",
      "ordinal": 0,
      "seen": 1,
      "varying": false
    }
  ]
}
`
	if err != nil || string(got) != want {
		t.Errorf("%v %s", err, got)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--trust", "some"}, `--trust "some": give all, inventory, upstream or none`},
		{[]string{"--nonce", `a"b`}, `--nonce "a\"b": give a nonce in base64 for --trust all`},
		{nil, `--nonce ""`},
		{[]string{"--nonce", "n0", "--chunk", "-1"}, `--chunk -1: give 0 to`},
		{[]string{"--nonce", "n0", "--chunk", "67108865"}, `--chunk 67108865: give 0 to 67108864`},
		{[]string{"--trust", "inventory", "--nonce", "n0", "--approve", file(t, "https://a.example/b\nsha384-abc")}, `file:2: approval "sha384-abc": inline code is compared by SHA-256 only`},
		{[]string{"--nonce", "n0", "--inject", file(t, "a\nb")}, "give one line of markup"},
		{[]string{"--nonce", "n0", "--inject", file(t, "a"), "--place", "foot"}, `--place "foot": give head or body-end`},
		{[]string{"--nonce", "n0", "--place", "foot"}, `--place "foot"`},
		{[]string{"--nonce", "n0", "--approve", "some"}, "--approve: --trust all does not look at it; give --trust inventory"},
		{[]string{"--nonce", "n0", "--upstream-nonce", strings.Repeat("n,", rewrite.MaxNonces) + "n"}, "--upstream-nonce: give at most 8, not 9"},
		{[]string{"--nonce", "n0", "--url", "shop.example"}, `--url "shop.example": give the page's absolute http or https URL`},
		{[]string{"--nonce", "n0", "--url", "https://me@shop.example/"}, "--url"},
		{[]string{"--nonce", "n0", "--url", "https://shop.example/\u00e9"}, "--url"},
		{[]string{"--nonce", "n0", "--url", "https:///x"}, "--url"},
		{[]string{"--trust", "inventory", "--nonce", "n0", "--approve", "no/such"}, "--approve: open no/such"},
		{[]string{"--nonce", "n0", "--inventory", "no/such"}, "--inventory: open no/such"},
	} {
		if _, _, err := run(t, "", c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.args, err, c.want)
		}
	}
}
