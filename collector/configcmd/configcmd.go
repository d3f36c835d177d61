// Package configcmd is `edgecsp config`: it judges configurations before they
// are put into effect.
package configcmd

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/edgecsp/edgecsp/collector/edgecheck"
	"github.com/edgecsp/edgecsp/collector/policycmd"
)

// Streams are what a command reads and writes.
type Streams struct {
	In  io.Reader
	Out io.Writer
	// ReadFile reads a file by its path.
	ReadFile func(path string) ([]byte, error)
}

// A Refused error says that a file has faults or grave findings; its exit code
// is 1.
type Refused struct{ File string }

func (e *Refused) Error() string { return e.File + ": not good" }

// ExitCode is 1: the answer is no.
func (e *Refused) ExitCode() int { return 1 }

// New makes the command `config` with its subcommands.
func New(s Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Judge a configuration before it is put into effect",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(checkCommand(s))
	return cmd
}

func checkCommand(s Streams) *cobra.Command {
	var format, failOn string
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Check the filter's configuration: JSON, an envoy.yaml, or an Istio manifest",
		Long: `Check the filter's configuration wherever it is kept: as JSON, in an Envoy
configuration, or in an Istio WasmPlugin or TrafficExtension. It lists every
fault with which the filter would not start, and what a linter says of the
policies as they are served. FILE may be - for standard input.

Exit codes: 0 good, 1 faults or findings of --fail-on and above, 2 no such file,
or nothing to check in it.`,
		Example: `  edgecsp config check envoy.yaml
  kubectl get wasmplugin edgecsp -o yaml | edgecsp config check -`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return s.check(args[0], format, failOn) },
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	cmd.Flags().StringVar(&failOn, "fail-on", "high", "besides faults, fail on findings of this severity and above: info, low, medium, high, never")
	return cmd
}

func (s Streams) check(file, format, failOn string) error {
	limit, err := policycmd.Threshold(failOn)
	if err != nil {
		return err
	}
	if format != "text" && format != "json" {
		return fmt.Errorf("--format %s: write text or json", format)
	}
	text, err := s.read(file)
	if err != nil {
		return err
	}
	found, err := edgecheck.Check(text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := write(s.Out, format, file, found); err != nil {
		return err
	}
	for _, f := range found {
		if f.AtLeast(limit) {
			return &Refused{file}
		}
	}
	return nil
}

func (s Streams) read(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(io.LimitReader(s.In, edgecheck.MaxFile+1))
	}
	return s.ReadFile(file)
}

func write(w io.Writer, format, file string, found []edgecheck.Finding) error {
	if format == "json" {
		if found == nil {
			found = []edgecheck.Finding{}
		}
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(found)
	}
	for _, f := range found {
		where := fmt.Sprintf("%s:%d: ", file, f.Line)
		if f.Path != "" {
			where += f.Path + ": "
		}
		if _, err := fmt.Fprintf(w, "%s%s: %s (%s)\n", where, f.Severity, f.Message, f.Rule); err != nil {
			return err
		}
	}
	if len(found) == 0 {
		_, err := fmt.Fprintf(w, "%s: good\n", file)
		return err
	}
	return nil
}
