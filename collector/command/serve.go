package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/edgecsp/edgecsp/collector/config"
	"github.com/edgecsp/edgecsp/collector/server"
)

func serveCommand(w World) *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Receive reports and show them on the dashboard",
		Long: `Serve takes the reports that browsers send on its public listener and shows them
on its private one. While nobody has ever logged in it prints a link to do so.

All settings can stand in a YAML file (--config); for one site the flags are
enough. docs/configuration.md lists the file's keys.

The secret is the one that the edge has for the site: reports that don't carry a
token made with it are kept apart as unverified. It comes from the environment
or a file, never from the command line, which other users can read.

SIGHUP reads the configuration anew; one that is not right leaves the one before
in effect. An interrupt or SIGTERM stops it once the requests under way are
answered.
` + envNote,
		Example: `  export EDGECSP_SECRET="$(openssl rand -base64 32)"   # the edge needs the same
  edgecsp serve --site shop

  edgecsp serve --config /etc/edgecsp/collector.yaml

  edgecsp serve --site shop --public 0.0.0.0:9401 --db /var/lib/edgecsp/edgecsp.db --secret-file /etc/edgecsp/secret`,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.serve(cmd, w) },
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	configFlag(fl, &f.file)
	fl.StringVar(&f.site, "site", "", "`name` of the site, as the edge's configuration has it (needed without --config)")
	fl.StringVar(&f.public, "public", defaultPublic, "host:port of the listener that the edge routes reports to")
	privateFlag(fl, &f.private)
	baseFlag(fl, &f.base)
	dbFlag(fl, &f.db)
	fl.StringVar(&f.secretEnv, "secret-env", defaultSecret, "environment `variable` with the site's secret")
	fl.StringVar(&f.secretFile, "secret-file", "", "`file` with the site's secret, instead of the variable")
	fl.BoolVar(&f.debug, "debug", false, "log every request's counts")
	return withEnv(cmd, w.Getenv)
}

func (f *configFlags) serve(cmd *cobra.Command, w World) error {
	c, err := f.load(cmd)
	if err != nil {
		return err
	}
	set, err := settings(&c, w)
	if err != nil {
		return err
	}
	db, err := database(&c, w)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if c.Debug {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(w.Stderr, &slog.HandlerOptions{Level: level}))
	s, err := server.New(cmd.Context(), server.Config{
		Public: c.Public, Private: c.Private, Base: c.BasePath, Database: db, Settings: set,
		Connections: c.Limits.Connections, NewGroups: c.Limits.NewGroupsPerMinute, MinFree: uint64(c.MinFreeMB) << 20,
		Log: log, Out: w.Stdout, Now: w.Now, Rand: w.Rand,
	})
	if err != nil {
		return flagError(err)
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	go f.reloads(ctx, cmd, w, s, c, log)
	return s.Run(ctx)
}

// reloads puts the configuration into effect anew at every hang-up. What is not
// right, or needs a restart, leaves the one before in effect.
func (f *configFlags) reloads(ctx context.Context, cmd *cobra.Command, w World, s *server.Server, first config.Config, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.Hangup:
		}
		if err := f.reload(cmd, w, s, &first); err != nil {
			log.Error("the configuration was not reloaded; the one before stays in effect", "error", err)
			continue
		}
		log.Info("configuration reloaded")
	}
}

func (f *configFlags) reload(cmd *cobra.Command, w World, s *server.Server, first *config.Config) error {
	c, err := f.load(cmd)
	if err == nil {
		err = fixed(first, &c)
	}
	set, e := settings(&c, w)
	if err = errors.Join(err, e); err != nil {
		s.ReloadFailed()
		return err
	}
	return s.Reload(set)
}

// fixed names what only a restart can change.
func fixed(was, is *config.Config) error {
	var errs []error
	for _, k := range []struct {
		key     string
		changed bool
	}{
		{"public", was.Public != is.Public}, {"private", was.Private != is.Private}, {"base_path", was.BasePath != is.BasePath},
		{"database", was.Database != is.Database || was.DatabaseEnv != is.DatabaseEnv}, {"debug", was.Debug != is.Debug},
		{"min_free_mb", was.MinFreeMB != is.MinFreeMB}, {"limits.connections", was.Limits.Connections != is.Limits.Connections},
		{"limits.new_groups_per_minute", was.Limits.NewGroupsPerMinute != is.Limits.NewGroupsPerMinute},
	} {
		if k.changed {
			errs = append(errs, fmt.Errorf("%s: it can only be changed by a restart", k.key))
		}
	}
	return errors.Join(errs...)
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
	server.SettingDatabase: "a file in a directory that may be written to, or a postgres:// URL",
}
