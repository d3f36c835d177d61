package policycmd

import (
	"bytes"
	"strings"
	"testing"
)

// TestEncodings: what editors and shells of Windows make of text.
func TestEncodings(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		args     []string
		code     int
		want     string
	}{
		{"a byte order mark", "\ufeffContent-Security-Policy: imgsrc *\r\nServer: x\r\n", []string{"lint"}, ExitAnswer, "    25  imgsrc  "},
		{"UTF-16, little", "\xff\xfei\x00", []string{"lint"}, ExitUsage, "stdin: the text is in UTF-16; write it in UTF-8"},
		{"UTF-16, big", "\xfe\xff\x00i", []string{"explain", "--kind", "eval"}, ExitUsage, "UTF-16"},
		{"settings with a mark", "\ufeff{\"default-src\": \"'self'\"}", []string{"import"}, 0, "default-src 'self'"},
		{"a batch with a mark", "\ufeff{\"id\": 1, \"policy\": \"img-src *\", \"kind\": \"eval\"}\r\n", []string{"explain", "--batch"}, 0, `{"id":1,"allowed":true`},
		{"NUL", "img-src \x00", []string{"lint"}, ExitAnswer, "a control character: browsers drop the whole directive"},
		{"typographic quotes", "img-src ‘self’", []string{"lint"}, ExitAnswer, "a non-ASCII character"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			if code := run(Streams{In: strings.NewReader(tc.in), Out: &out, Err: &out}, tc.args); code != tc.code || !strings.Contains(out.String(), tc.want) {
				t.Errorf("exit code %d: %s", code, out.String())
			}
		})
	}
}
