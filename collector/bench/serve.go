package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"time"

	"github.com/edgecsp/edgecsp/collector/ingest"
	"github.com/edgecsp/edgecsp/collector/server"
)

const (
	site   = "shop"
	secret = "a secret for the benchmark only"
)

// serve is the process that is measured: it prints its address and serves until
// it is told to stop.
func serve(ctx context.Context, what, database, profile string) error {
	if what == "bare" {
		return serveBare(ctx)
	}
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	limits := ingest.DefaultLimits()
	limits.Network, limits.Site = ingest.Rate{}, ingest.Rate{} // all load is one network's
	s, err := server.New(ctx, server.Config{
		Public: "127.0.0.1:0", Private: "127.0.0.1:0", Base: "/csp", Database: database, Connections: 4096, NewGroups: -1,
		Settings: server.Settings{
			Sites: []ingest.Site{{Name: site, Secrets: [][]byte{[]byte(secret)}}}, TrustedHops: 1, KeepNetworks: true, Limits: limits,
			Keep: server.Keep{Samples: 14 * 24 * time.Hour, Counts: 365 * 24 * time.Hour},
		},
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Out: io.Discard, Now: time.Now,
	})
	if err != nil {
		return err
	}
	fmt.Println(s.PublicAddr())
	return s.Run(ctx)
}

// serveBare only reads and decodes: no more can be expected of net/http.
func serveBare(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	context.AfterFunc(ctx, func() { os.Exit(0) })
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var v any
		if err != nil || json.Unmarshal(body, &v) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
}
