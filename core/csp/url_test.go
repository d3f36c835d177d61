package csp

import (
	"strings"
	"testing"
)

// TestParseReference follows the URL standard where matching depends on it.
func TestParseReference(t *testing.T) {
	base := mustURL(t, "https://a.example:8443/x/y?q")
	for _, tc := range []struct{ ref, want string }{
		{"HTTPS://U:P@B.example:443/p?q#f", "https://b.example/p"},
		{"http://b.example:443", "http://b.example:443/"},
		{"//b.example/p", "https://b.example/p"},
		{`\\b.example\p`, "https://b.example/p"},
		{"/p", "https://a.example:8443/p"},
		{"p", "https://a.example:8443/x/p"},
		{"../p", "https://a.example:8443/p"},
		{"./%2e%2E/p/.", "https://a.example:8443/p/"},
		{"/a/../../b", "https://a.example:8443/b"},
		{"/a/b/..", "https://a.example:8443/a/"},
		{"?z", "https://a.example:8443/x/y"},
		{"#z", "https://a.example:8443/x/y"},
		{"", "https://a.example:8443/x/y"},
		{" \n/p\t", "https://a.example:8443/p"},
		{"https:p", "https://a.example:8443/x/p"},
		{"https:/p", "https://a.example:8443/p"},
		{"http:p", "http://p/"},
		{"/a b\u00e9\"", "https://a.example:8443/a%20b%C3%A9%22"},
		{"ht\ntps://b.example/\tp", "https://b.example/p"},
		{"data:text/html,x", "data:text/html,x"},
		{"blob:https://a.example/1", "blob:https://a.example/1"},
		{"wss://[::1]:80/", "wss://[::1]:80/"},
		{"file:///a/b", "file:///a/b"},
		{"custom://h/p", "custom://h/p"},
		{"1x:y", "https://a.example:8443/x/1x:y"},
	} {
		u, err := ParseReference(base, tc.ref)
		if err != nil || u.String() != tc.want {
			t.Errorf("%q: %s, %v; want %s", tc.ref, u, err, tc.want)
		}
	}
	for _, bad := range []string{"", "p", "/p", "https://", "https:///", "https://h:x/", "https://h:65536/", "https://a b/", "https://b\u00fccher.example/", "https://[a]b/", "https://::/", "https://a%2fb/", "https://" + strings.Repeat("a", MaxURL)} {
		if u, err := ParseURL(bad); err == nil {
			t.Errorf("%.20q gave %s", bad, u)
		}
	}
	if _, err := ParseURL("https://" + strings.Repeat("a", MaxURL-len("https://"))); err != nil {
		t.Errorf("a URL of MaxURL bytes: %v", err)
	}
}
