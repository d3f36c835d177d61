// Command demoshop serves the demo shop by itself, without Envoy in front.
// `make run` serves it with everything around it.
package main

import (
	"flag"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/edgecsp/edgecsp/e2e/demo"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:3000", "`address` to listen on")
	flag.Parse()
	slog.Info("the demo shop listens", "url", "http://"+*listen)
	server := &http.Server{Addr: *listen, Handler: demo.New(), ReadHeaderTimeout: 10 * time.Second}
	slog.Error("the demo shop ended", "error", server.ListenAndServe())
	os.Exit(1)
}
