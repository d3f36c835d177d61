// Command edgecsp receives what browsers report about Content Security Policy
// and shows it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/edgecsp/edgecsp/collector/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends it at once
	world := command.System()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	world.Hangup = hangup
	code := command.Main(ctx, os.Args[1:], world)
	stop()
	os.Exit(code)
}
