package filter

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/edgecsp/edgecsp/core/edgeconfig"
)

func TestAsksDocument(t *testing.T) {
	for _, c := range []struct {
		dest, accept, purpose string
		want                  bool
	}{
		{"document", "*/*", "", true}, {"iframe", "", "", true}, {"frame", "", "", true}, {"embed", "", "", true},
		{"object", "", "", true}, {"fencedframe", "", "", true},
		{"script", "text/html", "", false}, {"image", "*/*", "", false}, {"empty", "text/html", "", false}, {"Document", "", "", false},
		{"", "text/html,application/xhtml+xml,*/*;q=0.8", "", true}, {"", "*/*", "", false}, {"", "", "", false},
		// A prefetch becomes a page, whatever it says that it is for (facts.md).
		{"empty", "*/*", "prefetch", true}, {"empty", "*/*", "prefetch;prerender", true}, {"", "*/*", "prefetch", true}, {"script", "*/*", "prefetch", true},
	} {
		if got := asksDocument(c.dest, c.accept, c.purpose); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.77": "192.0.0.0/16", "192.0.2.77:4711": "192.0.0.0/16", "::ffff:192.0.2.77": "192.0.0.0/16",
		"2001:db8:1:2::3": "2001:db8::/32", "[2001:db8:1:2::3]:443": "2001:db8::/32", "fe80::1%eth0": "fe80::/32",
		"": "", "nonsense": "", "/run/envoy.sock": "", "300.1.1.1": "",
	} {
		if got := network(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func TestCookieValue(t *testing.T) {
	for header, want := range map[string]string{
		"bucket=7": "7", "a=1; bucket=7;b=2": "7", "xbucket=7": "", "bucket": "", "bucket=": "", "a=bucket=7": "", "bucket=1;bucket=2": "1", "": "",
	} {
		if got := cookieValue(header, "bucket"); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

// A visitor is in or out for all responses, and the share is what was asked
// for.
func TestSampleIsStickyAndExact(t *testing.T) {
	const visitors = 20_000
	for _, s := range []edgeconfig.Sample{{Percent: 0}, {Percent: 1}, {Percent: 30}, {Percent: 99}, {Percent: 100}, {Percent: 30, Cookie: "bucket"}} {
		in := 0
		for i := range visitors {
			r := request{agent: "Browser/" + strconv.Itoa(i%50), cookie: fmt.Sprintf("bucket=%d;", i)}
			address := func() string { return fmt.Sprintf("10.%d.1.2:443", i/50%256) }
			if s.Cookie == "" {
				address = func() string { return fmt.Sprintf("%d.%d.1.2:443", 1+i/50/256, i/50%256) }
			}
			first := sampled(s, &r, address)
			for range 3 {
				if sampled(s, &r, address) != first {
					t.Fatalf("%+v: visitor %d flaps", s, i)
				}
			}
			if first {
				in++
			}
		}
		if share := float64(in) * 100 / visitors; share < float64(s.Percent)-1 || share > float64(s.Percent)+1 {
			t.Errorf("%+v: %.1f %% of visitors are in", s, share)
		}
	}
}

// With the cookie a visitor stays in whatever the network; without one the last
// part of the address does not matter.
func TestSampleKey(t *testing.T) {
	byCookie := edgeconfig.Sample{Percent: 50, Cookie: "bucket"}
	byNetwork := edgeconfig.Sample{Percent: 50}
	for i := range 200 {
		r := request{agent: "B", cookie: fmt.Sprintf("bucket=%d", i)}
		at := func(format string) func() string {
			return func() string { return fmt.Sprintf(format, i) }
		}
		if sampled(byCookie, &r, at("10.%d.0.1")) != sampled(byCookie, &r, at("172.%d.0.1")) {
			t.Fatalf("visitor %d flaps with the network in spite of the cookie", i)
		}
		if sampled(byNetwork, &r, at("10.%d.0.1")) != sampled(byNetwork, &r, at("10.%d.200.9:80")) {
			t.Fatalf("network %d: the host part counts", i)
		}
	}
}

func TestValidDictionary(t *testing.T) {
	for text, want := range map[string]bool{
		`a="/x"`: true, `a="/x", b-1.*_="https://x/"`: true, `*a="x"	,  b="y"`: true, `a="q\"uo\\te"`: true,
		``: false, `a`: false, `a=`: false, `a=/x`: false, `A="/x"`: false, `1="x"`: false, `a="x`: false, `a="x" b="y"`: false, `a="x",`: false,
		`a="x";q=1`: false, "a=\"x\ny\"": false, "a=\"\x7f\"": false, `a="\x"`: false, `a="ü"`: false,
	} {
		if got := validDictionary(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestKeptControl(t *testing.T) {
	for value, want := range map[string]string{
		"public, max-age=60": "[max-age=60]", "s-maxage=9,Public , Private": "[]", "no-cache, must-revalidate": "[no-cache must-revalidate]",
		"": "[]", ",,": "[]", "stale-while-revalidate=5": "[stale-while-revalidate=5]",
	} {
		if got := fmt.Sprint(keptControl(value)); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestSeenRemembersABoundedNumber(t *testing.T) {
	var s seen
	for i := range len(s.values) {
		if !s.fresh(strconv.Itoa(i)) || s.fresh(strconv.Itoa(i)) {
			t.Fatalf("value %d", i)
		}
	}
	if s.fresh("0") {
		t.Error("the oldest of as many as are kept is forgotten")
	}
	if !s.fresh("new") || !s.fresh("0") {
		t.Error("one more than are kept does not push out the oldest")
	}
}
