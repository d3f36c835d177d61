package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/edgecsp/edgecsp/core/session"
)

// Flags that more than one command has, with their defaults.
const (
	defaultPublic  = "127.0.0.1:9401"
	defaultPrivate = "127.0.0.1:9402"
	defaultBase    = "/csp"
	defaultDB      = "edgecsp.db"
	defaultSecret  = "EDGECSP_SECRET"
)

func privateFlag(f *pflag.FlagSet, p *string) {
	f.StringVar(p, "private", defaultPrivate, "host:port of the dashboard's listener; never route it to the protected site")
}

func baseFlag(f *pflag.FlagSet, p *string) {
	f.StringVar(p, "base-path", defaultBase, "path that everything of edgecsp is below")
}

func dbFlag(f *pflag.FlagSet, p *string) {
	f.StringVar(p, "db", defaultDB, "SQLite `file` with the reports; its directory must be writable")
}

// envNote ends the description of commands whose flags can come from the environment.
const envNote = `
Every flag can also be set in the environment: --base-path is EDGECSP_BASE_PATH.
A flag on the command line counts more.`

// withEnv lets a command's flags come from the environment: those that are not
// on the command line are taken from EDGECSP_ and their name.
func withEnv(cmd *cobra.Command, getenv func(string) string) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		var err error
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			name := envName(f.Name)
			value := getenv(name)
			if f.Name == "help" || f.Changed || value == "" || err != nil {
				return
			}
			if e := cmd.Flags().Set(f.Name, value); e != nil {
				err = fmt.Errorf("%s=%q in the environment: %w", name, value, e)
			}
		})
		return err
	}
	return cmd
}

func envName(flag string) string {
	return "EDGECSP_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// checkBase holds a base path to what can stand in a URL, a route and a cookie
// without being quoted.
func checkBase(base string) error {
	odd := strings.ContainsFunc(base, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-", r))
	})
	if odd || len(base) < 2 || base[0] != '/' || path.Clean(base) != base {
		return fmt.Errorf("--base-path %q: it begins with a slash, ends without one and has letters, digits, '.', '_' and '-' between, as %s", base, defaultBase)
	}
	return nil
}

func checkSite(site string) error {
	if site == "" {
		return errors.New("--site is missing: the site's name, as the edge's configuration has it")
	}
	if !session.ValidSite(site) {
		return fmt.Errorf("--site %q: a name has 1 to %d characters of a-z, 0-9, '.', '-' and '_'", site, session.MaxSite)
	}
	return nil
}

// readSecret takes the site's secret from a file, where one is named, or from
// an environment variable.
func readSecret(w World, envVar, file string) ([]byte, error) {
	secret, from := []byte(w.Getenv(envVar)), "environment variable "+envVar
	if file != "" {
		var err error
		if secret, err = readSecretFile(file); err != nil {
			return nil, fmt.Errorf("--secret-file: %w", err)
		}
		from = "file " + file
	}
	switch n := len(secret); {
	case n == 0:
		return nil, fmt.Errorf("no secret in %s: put there what the edge has; `openssl rand -base64 32` makes one", from)
	case n < session.MinSecret || n > session.MaxSecret:
		return nil, fmt.Errorf("the secret in %s has %d bytes, and %d to %d are needed; `openssl rand -base64 32` makes a good one",
			from, n, session.MinSecret, session.MaxSecret)
	}
	return secret, nil
}

// readSecretFile reads a file, without the line end that editors leave.
func readSecretFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, session.MaxSecret+3)) // "\r\n" and one too many
	if err != nil {
		return nil, err
	}
	return []byte(strings.TrimRight(string(b), "\r\n")), nil
}
