package command

import (
	"fmt"
	"io"
	"os"
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
	f.StringVar(p, "db", defaultDB, "SQLite `file` with the reports, whose directory must be writable; or a postgres:// URL")
}

func configFlag(f *pflag.FlagSet, p *string) {
	f.StringVar(p, "config", "", "YAML `file` with the collector's configuration")
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
