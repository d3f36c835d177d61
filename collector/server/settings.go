package server

import (
	"time"

	"github.com/edgecsp/edgecsp/collector/ingest"
)

// Settings are what Reload can change while the server runs.
type Settings struct {
	Sites        []ingest.Site
	TrustedHops  int
	KeepNetworks bool
	Limits       ingest.Limits
	Keep         Keep
}

// Keep says how long what is kept.
type Keep struct{ Samples, Counts time.Duration }

// names returns the sites' names.
func (s *Settings) names() []string {
	names := make([]string, len(s.Sites))
	for i := range s.Sites {
		names[i] = s.Sites[i].Name
	}
	return names
}

// Reload puts new settings into effect for requests from now on. Where it
// fails, those before stay in effect.
func (s *Server) Reload(settings Settings) error {
	err := s.apply(settings)
	s.metrics.Reload(err == nil)
	return err
}

func (s *Server) apply(settings Settings) error {
	h, err := ingest.New(ingest.Config{
		Base: s.cfg.Base, Sites: settings.Sites, TrustedHops: settings.TrustedHops, KeepNetworks: settings.KeepNetworks, Limits: settings.Limits,
		Store: s.store, Metrics: s.metrics, Now: s.cfg.Now, Log: s.cfg.Log,
	})
	if err != nil {
		return err
	}
	s.ingest.Store(&h)
	s.settings.Store(&settings)
	return nil
}

// sites returns the names of the sites in effect.
func (s *Server) sites() []string { return s.settings.Load().names() }

// ReloadFailed counts settings that were refused before they came to Reload.
func (s *Server) ReloadFailed() { s.metrics.Reload(false) }
