package ingest

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
	"github.com/edgecsp/edgecsp/core/session"
)

// A Site is one of those whose reports are taken.
type Site struct {
	Name    string
	Secrets [][]byte // the one in use, and old ones while they rotate
	// Hosts are the host names that requests for the site have. With several
	// sites they say whose the reports without a token are; those for other
	// hosts are not kept.
	Hosts []string
	// Keys open /report?key= for sites that set their header themselves.
	Keys []string
	// Origins may send reports from their pages to this host; none is any.
	Origins []string
	// AnnounceSecret lets another collector announce its sessions; nil is nobody.
	AnnounceSecret []byte
}

type site struct {
	Site
	verifier *session.Verifier
	reachKey []byte // makes pseudonyms
}

type sites struct {
	all       []*site
	byHost    map[string]*site
	byKey     map[string]*site
	anyOrigin bool
	origins   map[string]bool
}

func newSites(configured []Site) (*sites, error) {
	s := &sites{byHost: map[string]*site{}, byKey: map[string]*site{}, origins: map[string]bool{}}
	for _, c := range configured {
		v, err := session.NewVerifier(c.Name, c.Secrets...)
		if err != nil {
			return nil, err
		}
		key, err := hkdf.Key(sha256.New, c.Secrets[0], nil, "edgecsp reach v1\x00"+c.Name, sha256.Size)
		if err != nil {
			return nil, err
		}
		s.add(&site{Site: c, verifier: v, reachKey: key})
	}
	return s, nil
}

func (s *sites) add(one *site) {
	s.all = append(s.all, one)
	for _, h := range one.Hosts {
		s.byHost[strings.ToLower(h)] = one
	}
	for _, k := range one.Keys {
		s.byKey[k] = one
	}
	for _, o := range one.Origins {
		s.origins[o] = true
	}
	s.anyOrigin = s.anyOrigin || len(one.Origins) == 0
}

func (s *sites) announces() bool {
	for _, one := range s.all {
		if one.AnnounceSecret != nil {
			return true
		}
	}
	return false
}

// forHost returns the site of a request that nothing else tells the site of.
func (s *sites) forHost(host string) (*site, bool) {
	if len(s.all) == 1 {
		return s.all[0], true
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	one, ok := s.byHost[strings.ToLower(host)]
	return one, ok
}

// An identity is what a request's URL says about who sends it.
type identity struct {
	site    *site
	lane    store.Lane
	claims  session.Claims
	session string
	issued  time.Time
	keep    bool // the network, with samples
}

// identify finds out whose report this is: by the token, the key, the announced
// session, or else the host. It is false where it is no site's.
func (h *handler) identify(r *http.Request, now time.Time) (id identity, ok bool) {
	token := r.PathValue("session")
	switch {
	case token == "":
		if s, ok := h.sites.byKey[r.URL.Query().Get("key")]; ok {
			return identity{site: s, lane: store.Keyed, keep: h.KeepNetworks}, true
		}
	case len(token) == uuidLen && h.sites.announces():
		if id, ok = h.announced(r, token, now); ok {
			return id, true
		}
	default:
		if id, ok = h.sites.verify(token, now); ok {
			id.keep = h.KeepNetworks
			return id, true
		}
	}
	s, ok := h.sites.forHost(r.Host)
	return identity{site: s, lane: store.Forged, keep: h.KeepNetworks}, ok
}

// verify looks for the site whose token it is. Those of other sites are told
// apart by their tag, before any signature is checked.
func (s *sites) verify(token string, now time.Time) (identity, bool) {
	for _, one := range s.all {
		c, err := one.verifier.Verify(token, now)
		if errors.Is(err, session.ErrForged) {
			continue
		}
		id := identity{site: one, lane: store.Genuine, claims: c, session: c.SessionID(), issued: c.Issued}
		if err != nil {
			id.lane = store.Expired
		}
		return id, true
	}
	return identity{}, false
}

// records makes what is stored of reports.
func (id *identity) records(r *http.Request, reports []report.Report, from sender, now time.Time) []store.Record {
	agent := r.UserAgent()
	base := store.Record{
		Site: id.site.Name, Received: now, Lane: id.lane,
		KeyID: id.claims.KeyID, Session: id.session, Issued: id.issued, PolicyVersion: id.claims.PolicyVersion,
	}
	if from.addr.IsValid() {
		addr, _ := from.addr.MarshalBinary() // never fails
		base.Client = pseudonym(id.site.reachKey, "client", string(addr), agent)
		base.Net = pseudonym(id.site.reachKey, "network", from.network)
		if id.keep {
			base.Network = from.network
		}
	}
	records := make([]store.Record, len(reports))
	for i := range reports {
		records[i] = base
		records[i].Report = id.normal(&reports[i], agent)
	}
	return records
}

// normal fills in what the report leaves out and redacts it. What judges a
// report by what Redact cuts, such as a query, has its place before that.
func (id *identity) normal(rep *report.Report, agent string) report.Report {
	if rep.UserAgent == "" {
		rep.UserAgent = agent
	}
	if rep.Disposition == report.Unstated && rep.Kind == report.CSPViolation && (id.lane == store.Genuine || id.lane == store.Expired) {
		rep.Disposition = disposition(id.claims)
	}
	return report.Redact(*rep)
}

// disposition is that of the policy whose report URL the token stood in: what
// a browser before CSP3 leaves out.
func disposition(c session.Claims) report.Disposition {
	if c.Enforced {
		return report.Enforce
	}
	return report.ReportOnly
}

func sameSecret(a, b []byte) bool {
	x, y := sha256.Sum256(a), sha256.Sum256(b)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
