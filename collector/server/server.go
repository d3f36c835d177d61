// Package server is the collector as one thing to run: the store and the two
// listeners in front of it.
package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/edgecsp/edgecsp/collector/admin"
	"github.com/edgecsp/edgecsp/collector/ingest"
	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
	"github.com/edgecsp/edgecsp/core/session"
)

// Time-outs and limits of both listeners.
const (
	ReadHeaderTimeout = 5 * time.Second
	ReadTimeout       = 15 * time.Second // headers and a body of ingest.MaxBody
	WriteTimeout      = 30 * time.Second // from the end of the headers
	MaxHeaderBytes    = 16 << 10
	// PublicIdle is longer than a proxy keeps an idle connection (Envoy: an
	// hour): were it shorter, a report could be sent into a closing connection
	// and be lost.
	PublicIdle  = 65 * time.Minute
	PrivateIdle = 2 * time.Minute
	// DrainTimeout is how long Run waits for requests under way when it stops.
	DrainTimeout = 15 * time.Second
)

// Config says what to run; all of it is required, save for Rand.
type Config struct {
	Public   string // host:port of the listener that the edge routes reports to
	Private  string // host:port of the listener for the dashboard
	Base     string // base path of both, such as /csp
	Database string // path of the SQLite file
	Site     string
	Secrets  [][]byte // of the site: the one in use, and old ones while they rotate
	Log      *slog.Logger
	Out      io.Writer // where the link for the first login is printed
	Now      func() time.Time
	Rand     io.Reader // nil is crypto/rand
}

// Settings that a SettingError names.
const (
	SettingPublic   = "public"
	SettingPrivate  = "private"
	SettingDatabase = "db"
)

// A SettingError says which setting could not be put into effect.
type SettingError struct {
	Setting, Value string
	Err            error
}

func (e *SettingError) Error() string { return e.Setting + " " + e.Value + ": " + e.Err.Error() }

// Unwrap returns what went wrong.
func (e *SettingError) Unwrap() error { return e.Err }

// A Server is a collector that has its database open and its ports taken.
type Server struct {
	cfg             Config
	store           *sqlstore.Store
	admin           *admin.Admin
	public, private listener
}

type listener struct {
	net.Listener
	server *http.Server
}

// New opens the database and takes the ports; nothing is answered before Run.
// An address or a
// file that does not work is a *SettingError.
func New(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	verifier, err := session.NewVerifier(cfg.Site, cfg.Secrets...)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg}
	if err := s.listen(); err != nil {
		return nil, err
	}
	if s.store, err = sqlstore.Open(ctx, cfg.Database, sqlstore.Options{}); err != nil {
		return nil, errors.Join(&SettingError{SettingDatabase, cfg.Database, err}, s.closeListeners())
	}
	s.admin = admin.New(admin.Config{Base: cfg.Base, Site: cfg.Site, Store: s.store, Now: cfg.Now, Rand: cfg.Rand, Log: cfg.Log})
	s.public.server = s.httpServer(PublicIdle, ingest.New(ingest.Config{
		Base: cfg.Base, Site: cfg.Site, Verifier: verifier, Reports: s.store, Now: cfg.Now, Log: cfg.Log,
	}))
	s.private.server = s.httpServer(PrivateIdle, s.privateHandler())
	return s, nil
}

func (s *Server) listen() (err error) {
	if s.public.Listener, err = net.Listen("tcp", s.cfg.Public); err != nil {
		return &SettingError{SettingPublic, s.cfg.Public, reason(err)}
	}
	if s.private.Listener, err = net.Listen("tcp", s.cfg.Private); err != nil {
		return errors.Join(&SettingError{SettingPrivate, s.cfg.Private, reason(err)}, s.public.Close())
	}
	return nil
}

// reason takes the address off an error of net.Listen: it is in SettingError.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

func (s *Server) closeListeners() error {
	return errors.Join(s.public.Close(), s.private.Close())
}

func (s *Server) httpServer(idle time.Duration, h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: ReadHeaderTimeout,
		ReadTimeout:       ReadTimeout,
		WriteTimeout:      WriteTimeout,
		IdleTimeout:       idle,
		MaxHeaderBytes:    MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
	}
}

// PublicAddr and PrivateAddr are where the listeners really are, also where the
// configured port was 0.
func (s *Server) PublicAddr() net.Addr { return s.public.Addr() }

// PrivateAddr is described with PublicAddr.
func (s *Server) PrivateAddr() net.Addr { return s.private.Addr() }

// Run serves until ctx ends or a listener fails. Then it takes no new requests,
// lets those under way finish, writes what waits and closes the database. It
// is called once.
func (s *Server) Run(ctx context.Context) error {
	if err := s.announce(ctx); err != nil {
		return errors.Join(err, s.closeListeners(), s.store.Close())
	}
	failed := make(chan error, 2)
	for _, l := range []listener{s.public, s.private} {
		go func() { failed <- l.server.Serve(l.Listener) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.cfg.Log.Info("stopping")
	return errors.Join(err, s.drain())
}

func (s *Server) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), DrainTimeout)
	defer cancel()
	err := errors.Join(s.public.server.Shutdown(ctx), s.private.server.Shutdown(ctx))
	if err != nil {
		err = fmt.Errorf("requests were still under way after %s: %w", DrainTimeout, err)
	}
	return errors.Join(err, s.store.Close())
}

// announce logs where the listeners are and, while nobody has ever logged in,
// prints a link to do so.
func (s *Server) announce(ctx context.Context) error {
	s.cfg.Log.Info("listening", "public", s.PublicAddr().String(), "private", s.PrivateAddr().String(),
		"base", s.cfg.Base, "site", s.cfg.Site, "db", s.cfg.Database)
	ever, err := s.store.EverLoggedIn(ctx)
	if err != nil || ever {
		return err
	}
	link, err := s.admin.LoginLink(ctx, s.PrivateAddr().String())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.cfg.Out, "Log in to the dashboard, once and within the hour: %s\n", link)
	return err
}
