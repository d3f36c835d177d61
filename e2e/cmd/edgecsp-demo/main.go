// Command edgecsp-demo is what `make run` starts: the demo shop behind Envoy
// with the filter, and the collector. It says what to open, and ends
// everything on Ctrl-C.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/edgecsp/edgecsp/e2e/demo"
	"github.com/edgecsp/edgecsp/e2e/stack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "edgecsp-demo: "+err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	options := stack.Options{Secret: getenv(stack.SecretVariable), Log: stderr}
	flags := flag.NewFlagSet("edgecsp-demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&options.Root, "root", ".", "the checkout, with envoy.yaml and build/")
	flags.StringVar(&options.Envoy, "envoy", "envoy", "the Envoy to run")
	flags.StringVar(&options.Data, "data", "build/demo", "folder for the collector's database")
	flags.IntVar(&options.Ports.Site, "site-port", 8080, "port of the site, served by Envoy")
	flags.IntVar(&options.Ports.App, "app-port", 3000, "port of the shop itself")
	flags.IntVar(&options.Ports.Public, "public-port", 9401, "port of the collector's public listener")
	flags.IntVar(&options.Ports.Private, "private-port", 9402, "port of the collector's dashboard")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("no arguments are known beside the flags, but there is %q", flags.Arg(0))
	}
	if options.Secret == "" {
		// Good for one run: the tokens in pages of an earlier one are forged to it.
		options.Secret = rand.Text() + rand.Text()
	}
	return serve(ctx, options, stdout)
}

func serve(ctx context.Context, options stack.Options, stdout io.Writer) error {
	fmt.Fprintln(stdout, "== starting the collector, the demo shop and Envoy")
	s, err := stack.Start(ctx, options)
	if ctx.Err() != nil {
		return nil // interrupted before it was up
	}
	if err != nil {
		return err
	}
	link, err := s.LoginLink(ctx)
	if err != nil {
		return errors.Join(err, s.Stop())
	}
	explain(stdout, s, link)
	err = s.Wait()
	if err == nil {
		fmt.Fprintln(stdout, "\n== all ended")
	}
	return err
}

// explain says what there is to see, and in which order it is worth seeing.
func explain(w io.Writer, s *stack.Stack, link string) {
	attack := "/search?q=" + url.QueryEscape(demo.Attack)
	fmt.Fprintf(w, `
== edgecsp runs. Open:

  the shop, through Envoy and the filter   %[1]s/
  the same shop, without them              %[2]s/
  the dashboard (this link logs in once)   %[3]s

== Try:

  1. The search page has a hole: it reflects what is searched for.
     Without the filter a stranger's script runs   %[2]s%[4]s
     With it, it does not                          %[1]s%[4]s
     and the dashboard shows what was blocked.
  2. The shop's home page has an inline event handler ("Hide this"), which no
     nonce can allow. There the policy only reports: it works, and the
     dashboard shows it.
  3. The old catalogue is plain files that nobody stamps. The filter lets run
     what envoy.yaml approves.                     %[1]s/old/

== Ctrl-C ends everything.

`, s.SiteURL(), s.AppURL(), link, attack)
}
