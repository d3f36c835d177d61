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
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"github.com/edgecsp/edgecsp/collector/admin"
	"github.com/edgecsp/edgecsp/collector/metrics"
	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
)

// Time-outs and limits of both listeners.
const (
	ReadHeaderTimeout = 5 * time.Second
	ReadTimeout       = 15 * time.Second // headers and body
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

// Config says what to run; all of it is required, save where it says otherwise.
type Config struct {
	Public   string // host:port of the listener that the edge routes reports to
	Private  string // host:port of the listener for the dashboard
	Base     string // base path of both, such as /csp
	Database string // path of an SQLite file, or a postgres:// URL
	Settings Settings
	// Connections is how many the public listener has at once; further ones
	// wait to be accepted.
	Connections int
	NewGroups   int    // see sqlstore.Options
	MinFree     uint64 // bytes on the database's disk, below which /readyz says no
	Log         *slog.Logger
	Out         io.Writer // where the link for the first login is printed
	Now         func() time.Time
	Rand        io.Reader // nil is crypto/rand
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
	metrics         *metrics.Metrics
	public, private listener
	holder          string // of leases
	settings        atomic.Pointer[Settings]
	ingest          atomic.Pointer[http.Handler]
	background      sync.WaitGroup
}

type listener struct {
	net.Listener
	server *http.Server
}

// New opens the database and takes the ports; nothing is answered before Run.
// An address or a database that does not work is a *SettingError.
func New(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	s := &Server{cfg: cfg, metrics: metrics.New()}
	var err error
	if s.holder, err = NewHolder(cfg.Rand); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	if s.store, err = sqlstore.Open(ctx, cfg.Database, sqlstore.Options{NewGroups: cfg.NewGroups, Observe: s.observe}); err != nil {
		return nil, errors.Join(&SettingError{SettingDatabase, DatabaseName(cfg.Database), err}, s.closeListeners())
	}
	if err := s.apply(cfg.Settings); err != nil {
		return nil, errors.Join(err, s.closeListeners(), s.store.Close())
	}
	s.metrics.Gauge("edgecsp_queue_length", "Requests that wait to be committed.", func() float64 { return float64(s.store.Waiting()) })
	s.admin = admin.New(admin.Config{Base: cfg.Base, Sites: s.sites, Store: s.store, Now: cfg.Now, Rand: cfg.Rand, Log: cfg.Log})
	s.public.server = s.httpServer(PublicIdle, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*s.ingest.Load()).ServeHTTP(w, r) }))
	s.private.server = s.httpServer(PrivateIdle, s.privateHandler())
	return s, nil
}

func (s *Server) observe(c sqlstore.Commit) {
	s.metrics.Commit(metrics.Commit{
		Reports: c.Reports, NewGroups: c.NewGroups, Overflowed: c.Overflowed, Samples: c.Samples, Took: c.Took, Failed: c.Err != nil,
	})
}

// DatabaseName names a database where others can read it: without the password
// that a URL may hold.
func DatabaseName(database string) string {
	if !sqlstore.IsPostgres(database) {
		return database
	}
	if u, err := url.Parse(database); err == nil {
		return u.Scheme + "://" + u.Host + u.Path
	}
	return "postgres://"
}

func (s *Server) listen() (err error) {
	if s.public.Listener, err = net.Listen("tcp", s.cfg.Public); err != nil {
		return &SettingError{SettingPublic, s.cfg.Public, reason(err)}
	}
	s.public.Listener = netutil.LimitListener(s.public.Listener, s.cfg.Connections)
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
	background, stop := context.WithCancel(ctx)
	defer stop()
	s.background.Go(func() { s.keepClean(background) })
	failed := make(chan error, 2)
	for _, l := range []listener{s.public, s.private} {
		go func() { failed <- l.server.Serve(l.Listener) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stop()
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
	s.background.Wait()
	return errors.Join(err, s.store.Close())
}

// announce logs where the listeners are and, while nobody has ever logged in,
// prints a link to do so.
func (s *Server) announce(ctx context.Context) error {
	s.cfg.Log.Info("listening", "public", s.PublicAddr().String(), "private", s.PrivateAddr().String(),
		"base", s.cfg.Base, "sites", s.sites(), "db", DatabaseName(s.cfg.Database))
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
