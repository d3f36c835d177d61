// Package config reads the collector's configuration: a YAML file, with
// environment variables and flags over it.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/edgecsp/edgecsp/core/report"
	"github.com/edgecsp/edgecsp/core/session"
)

// Config is the whole configuration. Its YAML keys are documented in
// docs/configuration.md, which a test holds to this type.
type Config struct {
	Public          string    `yaml:"public"`
	Private         string    `yaml:"private"`
	BasePath        string    `yaml:"base_path"`
	Database        string    `yaml:"database"`
	DatabaseEnv     string    `yaml:"database_env"`
	TrustedHops     int       `yaml:"trusted_hops"`
	Addresses       Addresses `yaml:"addresses"`
	SessionKeepDays int       `yaml:"session_keep_days"`
	CountKeepDays   int       `yaml:"count_keep_days"`
	MinFreeMB       int       `yaml:"min_free_mb"`
	Debug           bool      `yaml:"debug"`
	Limits          Limits    `yaml:"limits"`
	Sites           []Site    `yaml:"sites"`
}

// Addresses says what is kept of clients' addresses.
type Addresses string

const (
	Network Addresses = "network" // /16, of IPv6 /32
	None    Addresses = "none"
)

// Limits bound what is taken.
type Limits struct {
	BodyBytes          int64   `yaml:"body_bytes"`
	Entries            int     `yaml:"entries"`
	Depth              int     `yaml:"depth"`
	Values             int     `yaml:"values"`
	InFlightBytes      int64   `yaml:"in_flight_bytes"`
	Connections        int     `yaml:"connections"`
	NetworkPerSecond   float64 `yaml:"network_per_second"`
	NetworkBurst       int     `yaml:"network_burst"`
	SitePerSecond      float64 `yaml:"site_per_second"`
	SiteBurst          int     `yaml:"site_burst"`
	NewGroupsPerMinute int     `yaml:"new_groups_per_minute"`
}

// A Site is one of those whose reports are taken.
type Site struct {
	Name              string   `yaml:"name"`
	SecretEnv         string   `yaml:"secret_env"`
	SecretFile        string   `yaml:"secret_file"`
	OldSecretEnv      string   `yaml:"old_secret_env"`
	OldSecretFile     string   `yaml:"old_secret_file"`
	Hosts             []string `yaml:"hosts"`
	AllowedOrigins    []string `yaml:"allowed_origins"`
	KeysEnv           string   `yaml:"keys_env"`
	AnnounceSecretEnv string   `yaml:"announce_secret_env"`
}

// Default is what holds where nothing is said.
func Default() Config {
	return Config{
		Public: "127.0.0.1:9401", Private: "127.0.0.1:9402", BasePath: "/csp", Database: "edgecsp.db",
		TrustedHops: 1, Addresses: Network, SessionKeepDays: 14, CountKeepDays: 365, MinFreeMB: 64,
		Limits: Limits{
			BodyBytes: 1 << 20, Entries: report.MaxEntries, Depth: report.MaxDepth, Values: report.MaxValues, InFlightBytes: 128 << 20, Connections: 4096,
			NetworkPerSecond: 500, NetworkBurst: 5000, SitePerSecond: 10_000, SiteBurst: 50_000, NewGroupsPerMinute: 600,
		},
	}
}

// MaxFile is the size of a configuration file, in bytes.
const MaxFile = 1 << 20

// Read reads a YAML document over c. Keys that there are none of are errors
// that name their line, as are values of the wrong kind. It does not check what
// they say: see Check.
func (c *Config) Read(document []byte) error {
	if len(document) > MaxFile {
		return fmt.Errorf("it is larger than %d bytes", MaxFile)
	}
	d := yaml.NewDecoder(bytes.NewReader(document))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return explain(err)
	}
	if d.Decode(new(yaml.Node)) == nil {
		return errors.New("it holds more than one YAML document: remove the line ---")
	}
	return nil
}

// explain puts the decoder's errors into words of those who write the file.
func explain(err error) error {
	var te *yaml.TypeError
	if !errors.As(err, &te) {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	lines := make([]string, len(te.Errors))
	for i, e := range te.Errors {
		if before, _, ok := strings.Cut(e, " not found in type "); ok {
			at, field, _ := strings.Cut(before, ": field ")
			e = fmt.Sprintf("%s: there is no key %q here; docs/configuration.md lists those that there are", at, field)
		}
		lines[i] = e
	}
	return errors.New(strings.Join(lines, "\n"))
}

// Check returns all that is wrong with a configuration, each fault with its
// key and what would be right.
func (c *Config) Check() error {
	var faults []error
	fault := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf(key+": "+format, args...))
	}
	checkAddress(fault, "public", c.Public)
	checkAddress(fault, "private", c.Private)
	if !ValidBase(c.BasePath) {
		fault("base_path", "%q begins with no slash, ends with one, or has other characters than letters, digits, '.', '_' and '-' between them; it is to be as /csp", c.BasePath)
	}
	if c.Database == "" && c.DatabaseEnv == "" {
		fault("database", "it is missing: the path of an SQLite file, or a postgres:// URL")
	}
	if c.Addresses != Network && c.Addresses != None {
		fault("addresses", "%q is neither network nor none", c.Addresses)
	}
	for _, n := range []struct {
		key             string
		value, from, to int
	}{
		{"trusted_hops", c.TrustedHops, 0, 10}, {"session_keep_days", c.SessionKeepDays, 1, 3650}, {"count_keep_days", c.CountKeepDays, 1, 3650},
		{"min_free_mb", c.MinFreeMB, 0, 1 << 20},
	} {
		if n.value < n.from || n.value > n.to {
			fault(n.key, "%d is outside of %d to %d", n.value, n.from, n.to)
		}
	}
	c.Limits.check(fault)
	c.checkSites(fault)
	return errors.Join(faults...)
}

func checkAddress(fault func(string, string, ...any), key, addr string) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		fault(key, "%s is not host:port, as 127.0.0.1:9401 (%v)", addr, err.(*net.AddrError).Err)
	}
}

func (l *Limits) check(fault func(string, string, ...any)) {
	for _, n := range []struct {
		key             string
		value, from, to float64
	}{
		{"body_bytes", float64(l.BodyBytes), 1 << 10, 64 << 20}, {"entries", float64(l.Entries), 1, 10_000}, {"depth", float64(l.Depth), 3, 100},
		{"values", float64(l.Values), 32, 100_000}, {"in_flight_bytes", float64(l.InFlightBytes), float64(l.BodyBytes), 1 << 40},
		{"connections", float64(l.Connections), 1, 1 << 20}, {"network_per_second", l.NetworkPerSecond, 0, 1e9}, {"site_per_second", l.SitePerSecond, 0, 1e9},
		{"new_groups_per_minute", float64(l.NewGroupsPerMinute), -1, 1e9},
	} {
		if n.value < n.from || n.value > n.to {
			fault("limits."+n.key, "%v is outside of %v to %v", n.value, n.from, n.to)
		}
	}
	// A body with more reports than the bucket holds could never be taken.
	if l.NetworkPerSecond > 0 && l.NetworkBurst < l.Entries {
		fault("limits.network_burst", "%d is below limits.entries, %d: a full body would never be taken", l.NetworkBurst, l.Entries)
	}
	if l.SitePerSecond > 0 && l.SiteBurst < l.Entries {
		fault("limits.site_burst", "%d is below limits.entries, %d: a full body would never be taken", l.SiteBurst, l.Entries)
	}
}

func (c *Config) checkSites(fault func(string, string, ...any)) {
	if len(c.Sites) == 0 {
		fault("sites", "there is none: name the site as the edge's configuration has it")
	}
	names, hosts := map[string]bool{}, map[string]string{}
	for i := range c.Sites {
		s, key := &c.Sites[i], fmt.Sprintf("sites[%d]", i)
		switch {
		case s.Name == "":
			fault(key+".name", "it is missing: the site's name, as the edge's configuration has it")
		case !session.ValidSite(s.Name):
			fault(key+".name", "%q: a name has 1 to %d characters of a-z, 0-9, '.', '-' and '_'", s.Name, session.MaxSite)
		case names[s.Name]:
			fault(key+".name", "%q stands twice", s.Name)
		}
		names[s.Name] = true
		for _, h := range s.Hosts {
			if other, ok := hosts[strings.ToLower(h)]; ok {
				fault(key+".hosts", "%q is %s's already", h, other)
			}
			hosts[strings.ToLower(h)] = s.Name
		}
		for _, o := range s.AllowedOrigins {
			if !validOrigin(o) {
				fault(key+".allowed_origins", "%q is not an origin, as https://shop.example", o)
			}
		}
	}
}

// ValidBase reports whether a base path can stand in a URL, a route and a cookie
// without being quoted.
func ValidBase(base string) bool {
	odd := strings.ContainsFunc(base, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-", r))
	})
	return !odd && len(base) >= 2 && base[0] == '/' && path.Clean(base) == base
}

func validOrigin(o string) bool {
	scheme, host, ok := strings.Cut(o, "://")
	return ok && slices.Contains([]string{"http", "https"}, scheme) && host != "" && !strings.ContainsAny(host, "/?#@ ,*")
}
