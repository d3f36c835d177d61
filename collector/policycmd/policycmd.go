// Package policycmd is `edgecsp policy`: linting, explaining, comparing and
// importing policies on the command line and in pipelines.
package policycmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// Streams are what a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// ReadFile reads a file by its path; nil stands for os.ReadFile.
	ReadFile func(path string) ([]byte, error)
}

// Exit codes, for pipelines.
const (
	// ExitAnswer: the answer is no. Findings at or above --fail-on, a request
	// that is blocked, policies that differ.
	ExitAnswer = 1
	// ExitUsage: the command could not do its work: input or flags are wrong.
	ExitUsage = 2
)

// ExitError is an error that asks for an exit code.
type ExitError struct {
	Code int
	Err  error
}

// Error is that of what is wrapped.
func (e *ExitError) Error() string { return e.Err.Error() }

// Unwrap gives the wrapped error.
func (e *ExitError) Unwrap() error { return e.Err }

// ExitCode is the code to exit with; main asks for it by errors.As.
func (e *ExitError) ExitCode() int { return e.Code }

// ExitCode gives the exit code of a command's error: 0 for nil, that of an
// ExitError, or else ExitUsage.
func ExitCode(err error) int {
	var e *ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.Code
	}
	return ExitUsage
}

func answer(format string, args ...any) error {
	return &ExitError{ExitAnswer, fmt.Errorf(format, args...)}
}

// New makes the command `policy` with its subcommands.
func New(s Streams) *cobra.Command {
	if s.ReadFile == nil {
		s.ReadFile = os.ReadFile
	}
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Lint, explain, compare and import policies",
		Long: `Lint, explain, compare and import Content Security Policies.

A policy is given as text, as @FILE, or as - for standard input, which is also
read when none is given. The text is a policy, or headers as a browser's network
tab or curl -i shows them: the policies are picked out, enforced and report-only.

Exit codes: 0 yes, 1 no (findings, blocked, different), 2 wrong input.`,
		Args: cobra.NoArgs, // an unknown command is an error, not a call for help
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, sub := range []*cobra.Command{lintCommand(s), explainCommand(s), diffCommand(s), importCommand(s)} {
		sub.SilenceUsage, sub.SilenceErrors = true, true
		run := sub.RunE
		sub.RunE = func(cmd *cobra.Command, args []string) error { return usage(run(cmd, args)) }
		cmd.AddCommand(sub)
	}
	return cmd
}

// usage gives an error without an exit code ExitUsage.
func usage(err error) error {
	var e *ExitError
	if err == nil || errors.As(err, &e) {
		return err
	}
	return &ExitError{ExitUsage, err}
}

// Output formats.
const (
	formatText  = "text"
	formatJSON  = "json"
	formatSARIF = "sarif"
)

func checkFormat(format string, allowed ...string) error {
	for _, a := range allowed {
		if a == format {
			return nil
		}
	}
	return fmt.Errorf("--format %s: write one of %v", format, allowed)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
