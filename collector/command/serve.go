package command

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/edgecsp/edgecsp/collector/server"
)

type serveFlags struct {
	public, private, base, db, site string
	secretEnv, secretFile           string
	debug                           bool
}

func serveCommand(w World) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Receive reports and show them on the dashboard",
		Long: `Serve takes the reports that browsers send on its public listener and shows them
on its private one. While nobody has ever logged in it prints a link to do so.

The secret is the one that the edge has for the site: reports that don't carry a
token made with it are kept apart as unverified. It comes from the environment
or a file, never from the command line, which other users can read.

An interrupt or SIGTERM stops it once the requests under way are answered.
` + envNote,
		Example: `  export EDGECSP_SECRET="$(openssl rand -base64 32)"   # the edge needs the same
  edgecsp serve --site shop

  edgecsp serve --site shop --public 0.0.0.0:9401 --db /var/lib/edgecsp/edgecsp.db --secret-file /etc/edgecsp/secret`,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, w) },
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.site, "site", "", "`name` of the site, as the edge's configuration has it (required)")
	fl.StringVar(&f.public, "public", defaultPublic, "host:port of the listener that the edge routes reports to")
	privateFlag(fl, &f.private)
	baseFlag(fl, &f.base)
	dbFlag(fl, &f.db)
	fl.StringVar(&f.secretEnv, "secret-env", defaultSecret, "environment `variable` with the site's secret")
	fl.StringVar(&f.secretFile, "secret-file", "", "`file` with the site's secret, instead of the variable")
	fl.BoolVar(&f.debug, "debug", false, "log every request's counts")
	return withEnv(cmd, w.Getenv)
}

func (f *serveFlags) run(cmd *cobra.Command, w World) error {
	if err := errors.Join(checkSite(f.site), checkBase(f.base)); err != nil {
		return err
	}
	secret, err := readSecret(w, f.secretEnv, f.secretFile)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if f.debug {
		level = slog.LevelDebug
	}
	s, err := server.New(cmd.Context(), server.Config{
		Public: f.public, Private: f.private, Base: f.base, Database: f.db, Site: f.site, Secrets: [][]byte{secret},
		Log: slog.New(slog.NewTextHandler(w.Stderr, &slog.HandlerOptions{Level: level})),
		Out: w.Stdout, Now: w.Now, Rand: w.Rand,
	})
	if err != nil {
		return flagError(err)
	}
	return s.Run(cmd.Context())
}

// flagError names the flag behind a setting that did not work.
func flagError(err error) error {
	var se *server.SettingError
	if !errors.As(err, &se) {
		return err
	}
	return fmt.Errorf("--%s %s: %w; set --%[1]s or %[4]s to %[5]s", se.Setting, se.Value, se.Err, envName(se.Setting), remedies[se.Setting])
}

var remedies = map[string]string{
	server.SettingPublic:   "an address of this machine with a free port",
	server.SettingPrivate:  "an address of this machine with a free port",
	server.SettingDatabase: "a file in a directory that may be written to",
}
