package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/edgecsp/edgecsp/collector/config"
	"github.com/edgecsp/edgecsp/collector/server"
	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
)

// databaseFlags find the database that `edgecsp serve` has.
type databaseFlags struct{ configFlags }

func (f *databaseFlags) register(fl *pflag.FlagSet) {
	fl.SortFlags = false
	configFlag(fl, &f.file)
	dbFlag(fl, &f.db)
}

// open opens it; a file is not made.
func (f *databaseFlags) open(cmd *cobra.Command, w World) (*sqlstore.Store, config.Config, error) {
	c := config.Default()
	if f.file != "" {
		if err := readConfig(&c, f.file); err != nil {
			return nil, c, err
		}
	}
	if cmd.Flags().Lookup("db").Changed {
		c.Database, c.DatabaseEnv = f.db, ""
	}
	db, err := database(&c, w)
	if err != nil {
		return nil, c, err
	}
	name := server.DatabaseName(db)
	if _, err := os.Stat(db); !sqlstore.IsPostgres(db) && errors.Is(err, fs.ErrNotExist) {
		return nil, c, fmt.Errorf("--db %s: there is no such file; name the one that `edgecsp serve` has", name)
	}
	s, err := sqlstore.Open(cmd.Context(), db, sqlstore.Options{})
	if err != nil {
		return nil, c, fmt.Errorf("--db %s: %w", name, err)
	}
	return s, c, nil
}

func backupCommand(w World) *cobra.Command {
	var f databaseFlags
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database to a new file while the collector runs",
		Long: `Backup writes a copy of the SQLite database as it is at this moment to a new file,
which has everything that was acknowledged before. The collector goes on
meanwhile. To restore, stop the collector and put the file in the database's
place. Of PostgreSQL take backups with its own tools, such as pg_dump.
` + envNote,
		Example: `  edgecsp backup --db /var/lib/edgecsp/edgecsp.db /backup/edgecsp.db`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, _, err := f.open(cmd, w)
			if err != nil {
				return err
			}
			return errors.Join(s.Backup(cmd.Context(), args[0]), s.Close())
		},
	}
	f.register(cmd.Flags())
	withEnv(cmd, w.Getenv)
	cmd.Args = cobra.ExactArgs(1)
	return cmd
}

func cleanCommand(w World) *cobra.Command {
	var f databaseFlags
	var keep int
	cmd := &cobra.Command{
		Use:   "cleanunused",
		Short: "Remove samples and sessions that are older than some days",
		Long: `Cleanunused removes what is older than --days, in small steps, and gives the space
back. The collector does the same by itself every hour, with session_keep_days;
it may run meanwhile. Counts are kept for count_keep_days, groups as long as
they have counts.
` + envNote,
		Example: `  edgecsp cleanunused --days 14
  edgecsp cleanunused --config /etc/edgecsp/collector.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, c, err := f.open(cmd, w)
			if err != nil {
				return err
			}
			if cmd.Flags().Lookup("days").Changed {
				c.SessionKeepDays = keep
			}
			return errors.Join(clean(cmd.Context(), w, s, &c), s.Close())
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().IntVar(&keep, "days", config.Default().SessionKeepDays, "`number` of days whose samples and sessions stay; else session_keep_days")
	return withEnv(cmd, w.Getenv)
}

func clean(ctx context.Context, w World, s *sqlstore.Store, c *config.Config) error {
	if c.SessionKeepDays < 1 || c.SessionKeepDays > 3650 {
		return fmt.Errorf("--days %d: it is 1 to 3650", c.SessionKeepDays)
	}
	now := w.Now()
	cutoff := store.Cutoff{Samples: now.Add(-days(c.SessionKeepDays)), Sessions: now.Add(-days(c.SessionKeepDays)), Counts: now.Add(-days(c.CountKeepDays))}
	holder, err := server.NewHolder(w.Rand)
	if err != nil {
		return err
	}
	sum, err := server.CleanNow(ctx, s, cutoff, holder, time.Millisecond)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.Stdout, "removed %d samples, %d sessions' sightings, %d hourly counts, %d groups\n", sum.Samples, sum.Sessions, sum.Counts, sum.Groups)
	return err
}

func tokenCommand(w World) *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Make, list and remove tokens of the read API", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(tokenAddCommand(w), tokenListCommand(w), tokenRemoveCommand(w))
	return cmd
}

func tokenAddCommand(w World) *cobra.Command {
	var f databaseFlags
	var t store.APIToken
	var life int
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a token and print it; it is not kept and can't be shown again",
		Example: `  edgecsp token add grafana --scope read
  edgecsp token add ci --scope read --scope triage --for-site shop --life-days 30`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, _, err := f.open(cmd, w)
			if err != nil {
				return err
			}
			t.Name, t.Created = args[0], w.Now()
			if life > 0 {
				t.Expires = t.Created.Add(days(life))
			}
			return errors.Join(addToken(cmd.Context(), w, s, t), s.Close())
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().StringArrayVar(&t.Scopes, "scope", []string{"read"}, "what it may do: read (groups, counts, samples), sessions, triage (change groups)")
	cmd.Flags().StringVar(&t.Site, "for-site", "", "the only `site` that it opens; else all")
	cmd.Flags().IntVar(&life, "life-days", 365, "`number` of days that it is valid; 0 for ever")
	withEnv(cmd, w.Getenv)
	cmd.Args = cobra.ExactArgs(1)
	return cmd
}

func tokenListCommand(w World) *cobra.Command {
	var f databaseFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List the tokens that there are", Example: `  edgecsp token list`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := f.open(cmd, w)
			if err != nil {
				return err
			}
			all, err := s.APITokens(cmd.Context())
			for _, t := range all {
				expires := "never"
				if !t.Expires.IsZero() {
					expires = t.Expires.Format(time.DateOnly)
				}
				fmt.Fprintf(w.Stdout, "%s\tscopes %s\tsite %s\texpires %s\n", t.Name, strings.Join(t.Scopes, ","), orAll(t.Site), expires)
			}
			return errors.Join(err, s.Close())
		},
	}
	f.register(cmd.Flags())
	return withEnv(cmd, w.Getenv)
}

func orAll(site string) string {
	if site == "" {
		return "all"
	}
	return site
}

func tokenRemoveCommand(w World) *cobra.Command {
	var f databaseFlags
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Make a token invalid", Example: `  edgecsp token remove grafana`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, _, err := f.open(cmd, w)
			if err != nil {
				return err
			}
			err = s.RemoveToken(cmd.Context(), args[0])
			if errors.Is(err, store.ErrNotFound) {
				err = fmt.Errorf("there is no token %q; `edgecsp token list` lists those that there are", args[0])
			}
			return errors.Join(err, s.Close())
		},
	}
	f.register(cmd.Flags())
	withEnv(cmd, w.Getenv)
	cmd.Args = cobra.ExactArgs(1)
	return cmd
}
