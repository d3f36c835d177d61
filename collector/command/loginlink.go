package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/edgecsp/edgecsp/collector/admin"
	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
)

type loginLinkFlags struct{ private, base, db string }

func loginLinkCommand(w World) *cobra.Command {
	var f loginLinkFlags
	cmd := &cobra.Command{
		Use:   "login-link",
		Short: "Print a one-time link to log in to the dashboard",
		Long: `Login-link prints a link that logs in to the dashboard once, within an hour. It
works while ` + "`edgecsp serve`" + ` runs; give it the same --db, --private and --base-path.
` + envNote,
		Example: `  edgecsp login-link
  edgecsp login-link --db /var/lib/edgecsp/edgecsp.db --private 127.0.0.1:9402`,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, w) },
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	dbFlag(fl, &f.db)
	privateFlag(fl, &f.private)
	baseFlag(fl, &f.base)
	return withEnv(cmd, w.Getenv)
}

func (f *loginLinkFlags) run(cmd *cobra.Command, w World) (err error) {
	if err := checkBase(f.base); err != nil {
		return err
	}
	if _, err := os.Stat(f.db); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--db %s: there is no such file; name the one that `edgecsp serve` has", f.db)
	}
	s, err := sqlstore.Open(cmd.Context(), f.db, sqlstore.Options{})
	if err != nil {
		return fmt.Errorf("--db %s: %w", f.db, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	link, err := admin.NewLoginLink(cmd.Context(), s, w.Rand, w.Now(), f.private, f.base)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.Stdout, link)
	return err
}
