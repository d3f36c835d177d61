package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecsp/edgecsp/collector/config"
	"github.com/edgecsp/edgecsp/collector/ingest"
	"github.com/edgecsp/edgecsp/collector/server"
	"github.com/edgecsp/edgecsp/core/report"
	"github.com/edgecsp/edgecsp/core/session"
)

// configFlags are the flags that say what the configuration is: its file, and
// what counts more than the file.
type configFlags struct {
	file                  string
	public, private, base string
	db, site              string
	secretEnv, secretFile string
	debug                 bool
}

// load returns the configuration: what is built in, the file over it, and over
// that the flags that were set, on the command line or in the environment.
func (f *configFlags) load(cmd *cobra.Command) (config.Config, error) {
	c := config.Default()
	if f.file != "" {
		if err := readConfig(&c, f.file); err != nil {
			return c, err
		}
	}
	set := func(name string) bool { fl := cmd.Flags().Lookup(name); return fl != nil && fl.Changed }
	for _, o := range []struct {
		flag string
		dst  *string
		from string
	}{{"public", &c.Public, f.public}, {"private", &c.Private, f.private}, {"base-path", &c.BasePath, f.base}, {"db", &c.Database, f.db}} {
		if set(o.flag) {
			*o.dst = o.from
		}
	}
	if set("db") {
		c.DatabaseEnv = ""
	}
	c.Debug = c.Debug || f.debug
	if err := f.oneSite(&c, set); err != nil {
		return c, err
	}
	if err := c.Check(); err != nil && f.file == "" {
		return c, inFlags(err)
	} else if err != nil {
		return c, inFile(f.file, err)
	}
	return c, nil
}

// flagsOf are the flags for what can be said without a file.
var flagsOf = strings.NewReplacer(
	"public: ", "--public ", "private: ", "--private ", "base_path: ", "--base-path ", "database: ", "--db ",
	"sites[0].name: it is missing", "--site is missing", "sites[0].name: ", "--site ", "sites: there is none", "--site is missing",
)

// inFlags names flags in place of keys.
func inFlags(err error) error {
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		lines[i] = flagsOf.Replace(lines[i])
	}
	return errors.New(strings.Join(lines, "\n"))
}

// oneSite makes the site that flags describe; a file may have many.
func (f *configFlags) oneSite(c *config.Config, set func(string) bool) error {
	if !set("site") && !set("secret-env") && !set("secret-file") {
		return nil
	}
	if len(c.Sites) > 0 {
		return fmt.Errorf("--site, --secret-env and --secret-file describe one site, and %s has sites of its own: leave one or the other out", f.file)
	}
	s := config.Site{Name: f.site, SecretEnv: f.secretEnv, SecretFile: f.secretFile}
	if s.SecretFile != "" {
		s.SecretEnv = ""
	}
	c.Sites = []config.Site{s}
	return nil
}

func readConfig(c *config.Config, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, config.MaxFile+1))
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	return inFile(file, c.Read(b))
}

// inFile puts the file's name before each fault.
func inFile(file string, err error) error {
	if err == nil || file == "" {
		return err
	}
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		lines[i] = file + ": " + lines[i]
	}
	return errors.New(strings.Join(lines, "\n"))
}

// settings resolves what the configuration only names: secrets.
func settings(c *config.Config, w World) (s server.Settings, err error) {
	s = server.Settings{
		TrustedHops: c.TrustedHops, KeepNetworks: c.Addresses == config.Network, Limits: limits(&c.Limits),
		Keep: server.Keep{Samples: days(c.SessionKeepDays), Counts: days(c.CountKeepDays)},
	}
	for i := range c.Sites {
		one, e := site(&c.Sites[i], w)
		if e != nil {
			if len(c.Sites) > 1 {
				e = fmt.Errorf("site %s: %w", c.Sites[i].Name, e)
			}
			err = errors.Join(err, e)
		}
		s.Sites = append(s.Sites, one)
	}
	return s, err
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func limits(l *config.Limits) ingest.Limits {
	return ingest.Limits{
		Body:     ingest.Body{Bytes: l.BodyBytes, Limits: report.Limits{Entries: l.Entries, Depth: l.Depth, Values: l.Values}},
		InFlight: l.InFlightBytes,
		Network:  ingest.Rate{PerSecond: l.NetworkPerSecond, Burst: l.NetworkBurst},
		Site:     ingest.Rate{PerSecond: l.SitePerSecond, Burst: l.SiteBurst},
	}
}

func site(c *config.Site, w World) (ingest.Site, error) {
	s := ingest.Site{Name: c.Name, Hosts: c.Hosts, Origins: c.AllowedOrigins}
	env := c.SecretEnv
	if env == "" {
		env = defaultSecret
	}
	secret, err := readSecret(w, env, c.SecretFile)
	if err != nil {
		return s, err
	}
	s.Secrets = [][]byte{secret}
	if c.OldSecretEnv != "" || c.OldSecretFile != "" {
		old, err := readSecret(w, c.OldSecretEnv, c.OldSecretFile)
		if err != nil {
			return s, fmt.Errorf("the old secret: %w", err)
		}
		s.Secrets = append(s.Secrets, old)
	}
	if c.KeysEnv != "" {
		if s.Keys = strings.Fields(w.Getenv(c.KeysEnv)); len(s.Keys) == 0 {
			return s, fmt.Errorf("no keys in environment variable %s: put words there that are hard to guess", c.KeysEnv)
		}
	}
	if c.AnnounceSecretEnv != "" {
		a := w.Getenv(c.AnnounceSecretEnv)
		if len(a) < session.MinSecret {
			return s, fmt.Errorf("the secret in environment variable %s has %d bytes, and %d are needed", c.AnnounceSecretEnv, len(a), session.MinSecret)
		}
		s.AnnounceSecret = []byte(a)
	}
	return s, nil
}

// database returns where the database is: the file's, or a URL with a password
// that the environment holds.
func database(c *config.Config, w World) (string, error) {
	if c.DatabaseEnv == "" {
		return c.Database, nil
	}
	if db := w.Getenv(c.DatabaseEnv); db != "" {
		return db, nil
	}
	return "", fmt.Errorf("database_env: there is nothing in environment variable %s: put the postgres:// URL there", c.DatabaseEnv)
}
