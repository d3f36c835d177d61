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
	code := command.Main(ctx, os.Args[1:], command.System())
	stop()
	os.Exit(code)
}
