package config

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestDocs: the tables in docs/configuration.md have every key, no other, and
// the defaults that hold.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "## The collector")
	text, _, _ = strings.Cut(text, "\n## ")
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\| *([^|]*?) *\\|").FindAllStringSubmatch(text, -1) {
		defaults := strings.Split(row[2], ",")
		for i, key := range strings.Split(row[1], ",") {
			documented[strings.Trim(key, "` ")] = strings.Trim(defaults[min(i, len(defaults)-1)], "` ")
		}
	}
	known := map[string]bool{}
	def := Default()
	for _, v := range []reflect.Value{reflect.ValueOf(def), reflect.ValueOf(def.Limits), reflect.ValueOf(Site{})} {
		for i := range v.NumField() {
			key := v.Type().Field(i).Tag.Get("yaml")
			if key == "sites" || key == "limits" {
				continue
			}
			known[key] = true
			want, ok := documented[key]
			if got := fmt.Sprint(v.Field(i)); !ok {
				t.Errorf("%s is not documented", key)
			} else if v.Type() != reflect.TypeFor[Site]() && got != want {
				t.Errorf("%s: the default is %s, documented as %s", key, got, want)
			}
		}
	}
	for key := range documented {
		if !known[key] {
			t.Errorf("%s is documented, and there is none", key)
		}
	}
}

// TestExample: the documented file is one that is accepted.
func TestExample(t *testing.T) {
	b, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	c := Default()
	if err := c.Read([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
}

// TestLimitsOfValues: each bound is met at it, one under and one over.
func TestLimitsOfValues(t *testing.T) {
	for _, test := range []struct {
		key      string
		set      func(*Config, int)
		from, to int
	}{
		{"trusted_hops", func(c *Config, n int) { c.TrustedHops = n }, 0, 10},
		{"session_keep_days", func(c *Config, n int) { c.SessionKeepDays = n }, 1, 3650},
		{"count_keep_days", func(c *Config, n int) { c.CountKeepDays = n }, 1, 3650},
		{"limits.entries", func(c *Config, n int) { c.Limits.Entries, c.Limits.NetworkBurst = n, 1<<20 }, 1, 10_000},
		{"limits.depth", func(c *Config, n int) { c.Limits.Depth = n }, 3, 100},
		{"limits.connections", func(c *Config, n int) { c.Limits.Connections = n }, 1, 1 << 20},
	} {
		for n, good := range map[int]bool{test.from - 1: false, test.from: true, test.to: true, test.to + 1: false} {
			c := Default()
			c.Sites = []Site{{Name: "shop"}}
			test.set(&c, n)
			if err := c.Check(); (err == nil) != good {
				t.Errorf("%s: %d: %v", test.key, n, err)
			}
		}
	}
	c := Default()
	if err := c.Read(make([]byte, MaxFile+1)); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("a file that is too large: %v", err)
	}
}
