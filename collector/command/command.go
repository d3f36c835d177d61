// Package command is the command line of edgecsp. Arguments, environment,
// streams and clock are handed in, so that tests run it as main does.
package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecsp/edgecsp/collector/configcmd"
	"github.com/edgecsp/edgecsp/collector/policycmd"
	"github.com/edgecsp/edgecsp/collector/rewritecmd"
)

// Exit codes of Main. A command whose answer can be no has 1 for that, as grep
// does; its error has a method ExitCode.
const (
	ExitOK     = 0
	ExitFailed = 2
)

// World is what a command has of the world around it.
type World struct {
	Getenv func(string) string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Now    func() time.Time
	Rand   io.Reader
	Hangup <-chan os.Signal // asks for the configuration to be read anew; nil never does
}

// System is the real world.
func System() World {
	return World{Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Now: time.Now, Rand: rand.Reader}
}

// Main runs a command line, without the program's name, until it is done or
// ctx ends, and returns the exit code. What went wrong it says on Stderr, in
// one line.
func Main(ctx context.Context, args []string, w World) int {
	root := newRoot(w)
	root.SetArgs(args)
	root.SetIn(w.Stdin)
	root.SetOut(w.Stdout)
	root.SetErr(w.Stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(w.Stderr, "edgecsp: %s\n", oneLine(err.Error()))
		return exitCode(err)
	}
	return ExitOK
}

func exitCode(err error) int {
	var e interface {
		error
		ExitCode() int
	}
	if errors.As(err, &e) {
		return e.ExitCode()
	}
	return ExitFailed
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' }), "; ")
}

func newRoot(w World) *cobra.Command {
	root := &cobra.Command{
		Use:   "edgecsp",
		Short: "Content Security Policy at the edge: the collector and its tools",
		Long: `edgecsp receives what browsers report about a site's Content Security Policy
and shows it on a dashboard. It also judges policies and configurations, and does to a
page what the filter does.`,
		Example: `  export EDGECSP_SECRET="$(openssl rand -base64 32)"
  edgecsp serve --site shop
  edgecsp policy lint "script-src 'self' 'unsafe-inline'"`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (see `%s --help`)", err, cmd.CommandPath())
	})
	root.AddCommand(
		serveCommand(w), loginLinkCommand(w), tokenCommand(w), backupCommand(w), cleanCommand(w),
		policycmd.New(policycmd.Streams{In: w.Stdin, Out: w.Stdout, Err: w.Stderr}),
		rewritecmd.New(rewritecmd.Streams{In: w.Stdin, Out: w.Stdout, Err: w.Stderr}),
		configCommand(w, configcmd.Streams{In: w.Stdin, Out: w.Stdout, ReadFile: os.ReadFile}),
		versionCommand(),
	)
	return root
}
