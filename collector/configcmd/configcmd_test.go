package configcmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

const good = `{"site": "shop", "secret_env": "E", "routes": [{"match": {"prefix": "/"}, "exempt": true}]}`

func run(t *testing.T, in string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := New(Streams{In: strings.NewReader(in), Out: &out, ReadFile: os.ReadFile})
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.Execute()
	return out.String(), err
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name, in string
		args     []string
		want     string
		code     int // 0 good, 1 refused, 2 other errors
	}{
		{"the repository's envoy.yaml", "", []string{"check", "../../envoy.yaml"}, "", 0},
		{"nothing to say", good, []string{"check", "-"}, "-: good\n", 0},
		{"a fault", strings.Replace(good, "exempt", "exampt", 1), []string{"check", "-"}, "-:1: routes[0].exampt: error: unknown key", 1},
		{"a grave finding", strings.Replace(good, `"exempt": true`, `"report_only": "script-src * 'unsafe-inline'; object-src 'none'", "use_script_nonce": false`, 1), []string{"check", "-"}, "routes[0].report_only.script-src: high: ", 1},
		{"grave, but never", strings.Replace(good, `"exempt": true`, `"report_only": "script-src *"`, 1), []string{"check", "-", "--fail-on", "never"}, "script-src", 0},
		{"nothing to check", "a: 1", []string{"check", "-"}, "", 2},
		{"no file", "", []string{"check", "nowhere.json"}, "", 2},
		{"bad flag", good, []string{"check", "-", "--fail-on", "some"}, "", 2},
		{"bad format", good, []string{"check", "-", "--format", "xml"}, "", 2},
		{"no argument", good, []string{"check"}, "", 2},
		{"unknown command", good, []string{"chek"}, "", 2},
	} {
		out, err := run(t, c.in, c.args...)
		var refused *Refused
		code := 0
		switch {
		case errors.As(err, &refused):
			code = refused.ExitCode()
		case err != nil:
			code = 2
		}
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit %d (%v), want %d; printed\n%s\nwant %q in it", c.name, code, err, c.code, out, c.want)
		}
	}
}

func TestCheckJSON(t *testing.T) {
	for in, want := range map[string]int{good: 0, strings.Replace(good, "exempt", "exampt", 1): 2} {
		out, _ := run(t, in, "check", "-", "--format", "json")
		var found []struct{ Path, Severity, Rule, Message string }
		if err := json.Unmarshal([]byte(out), &found); err != nil || found == nil || len(found) != want {
			t.Errorf("%s: %v, %d findings, want %d:\n%s", in, err, len(found), want, out)
		}
	}
}
