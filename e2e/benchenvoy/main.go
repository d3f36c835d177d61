package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "benchenvoy: "+err.Error())
		os.Exit(1)
	}
}

// run measures, prints the table and writes the file. A budget that is not met
// is an error.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, out, short := Full, "", false
	flags := flag.NewFlagSet("benchenvoy", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Root, "root", ".", "the checkout, with build/edgecsp.wasm")
	flags.StringVar(&o.Envoy, "envoy", "envoy", "the Envoy to run")
	flags.StringVar(&out, "out", "build/bench/envoy.json", "where the figures go; \"\" is nowhere")
	flags.BoolVar(&short, "short", false, "take a few seconds, to see that everything works; judge nothing")
	flags.IntVar(&o.Connections, "connections", Full.Connections, "of the load generator")
	flags.IntVar(&o.Rounds, "rounds", Full.Rounds, "turns of each page and variant")
	flags.DurationVar(&o.Slice, "slice", Full.Slice, "time of a turn")
	flags.Int64Var(&o.Responses, "responses", Full.Responses, "after which Envoy's size is looked at, 100 or more; 1000000 takes some minutes")
	flags.IntVar(&o.Streams, "streams", Full.Streams, "slow streams open at the same time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if short {
		o = o.shortened()
	}
	report, err := measured(ctx, o, stderr)
	if err != nil {
		return err
	}
	if err := report.Table(stdout); err != nil {
		return err
	}
	if err := write(report, out); err != nil {
		return err
	}
	if missed := report.Missed(); len(missed) > 0 && !o.Short {
		return fmt.Errorf("%d budgets are not met", len(missed))
	}
	return nil
}

// shortened has Short's times and numbers.
func (o Options) shortened() Options {
	s := Short
	s.Root, s.Envoy = o.Root, o.Envoy
	return s
}

// measured runs the benchmark with a folder of its own.
func measured(ctx context.Context, o Options, progress io.Writer) (*Report, error) {
	version, err := versionOf(ctx, o.Envoy)
	if err != nil {
		return nil, err
	}
	if o.Folder, err = os.MkdirTemp("", "benchenvoy"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(o.Folder)
	o.Progress = progress
	report, err := Run(ctx, o)
	if err != nil {
		return nil, err
	}
	report.Envoy, report.Processors = "Envoy "+version, runtime.NumCPU()
	return report, nil
}

// versionOf reads "envoy  version: <commit>/1.40.0/Clean/...".
func versionOf(ctx context.Context, envoy string) (string, error) {
	out, err := exec.CommandContext(ctx, envoy, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%q is no Envoy that runs (%w); e2e/tools/envoy.sh gets one", envoy, err)
	}
	if found := regexp.MustCompile(`version: [^/]*/([0-9.]+)`).FindSubmatch(out); found != nil {
		return string(found[1]), nil
	}
	return "", fmt.Errorf("%q does not answer --version as Envoy does", envoy)
}

func write(r *Report, file string) error {
	if file == "" {
		return nil
	}
	text, err := r.JSON()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
