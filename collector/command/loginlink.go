package command

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edgecsp/edgecsp/collector/admin"
	"github.com/edgecsp/edgecsp/collector/config"
)

func loginLinkCommand(w World) *cobra.Command {
	var f databaseFlags
	cmd := &cobra.Command{
		Use:   "login-link",
		Short: "Print a one-time link to log in to the dashboard",
		Long: `Login-link prints a link that logs in to the dashboard once, within an hour. It
works while ` + "`edgecsp serve`" + ` runs; give it the same --config, or the same --db,
--private and --base-path.
` + envNote,
		Example: `  edgecsp login-link
  edgecsp login-link --db /var/lib/edgecsp/edgecsp.db --private 127.0.0.1:9402`,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.loginLink(cmd, w) },
	}
	f.register(cmd.Flags())
	privateFlag(cmd.Flags(), &f.private)
	baseFlag(cmd.Flags(), &f.base)
	return withEnv(cmd, w.Getenv)
}

func (f *databaseFlags) loginLink(cmd *cobra.Command, w World) (err error) {
	s, c, err := f.open(cmd, w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if cmd.Flags().Lookup("private").Changed {
		c.Private = f.private
	}
	if cmd.Flags().Lookup("base-path").Changed {
		c.BasePath = f.base
	}
	if !config.ValidBase(c.BasePath) {
		return fmt.Errorf("--base-path %q: it is to be as %s", c.BasePath, defaultBase)
	}
	link, err := admin.NewLoginLink(cmd.Context(), s, w.Rand, w.Now(), c.Private, c.BasePath)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.Stdout, link)
	return err
}
