package ingest

import (
	"net/http"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

const (
	// AnnouncedLife is how long an announced session is known.
	AnnouncedLife = 24 * time.Hour

	uuidLen         = 36
	maxAnnouncement = 4 << 10 // bytes of its form
)

// announce takes a session that another collector tells of, as
// django-csp-observer's remote reporter does: a form with secret, user_agent
// and anonymized_ip.
func (h *handler) announce(w http.ResponseWriter, r *http.Request) {
	now := h.Now()
	from := h.sender(r)
	if !h.networks.take(from.network, 1, now) {
		retry(w, http.StatusTooManyRequests, ratePause)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxAnnouncement)
	id := r.PathValue("uuid")
	one := h.sites.announcer([]byte(r.PostFormValue("secret")))
	switch {
	case one == nil:
		w.WriteHeader(http.StatusForbidden)
		return
	case !report.IsUUID(id):
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	network := ""
	if addr, ok := parseAddr(r.PostFormValue("anonymized_ip")); ok && h.KeepNetworks {
		network = networkOf(addr).String()
	}
	agent := report.Redact(report.Report{UserAgent: r.PostFormValue("user_agent")}).UserAgent
	err := h.Store.Announce(r.Context(), store.Announcement{ID: id, Site: one.Name, UserAgent: agent, Network: network, Created: now, Expires: now.Add(AnnouncedLife)})
	if err != nil {
		h.Log.Error("a session was not announced", "error", err)
		retry(w, http.StatusServiceUnavailable, RetryAfter)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// announcer returns the site that a secret may announce sessions for, or nil.
func (s *sites) announcer(secret []byte) *site {
	for _, one := range s.all {
		if one.AnnounceSecret != nil && sameSecret(one.AnnounceSecret, secret) {
			return one
		}
	}
	return nil
}

// announced identifies a report of an announced session.
func (h *handler) announced(r *http.Request, id string, now time.Time) (identity, bool) {
	a, err := h.Store.Announced(r.Context(), id, now)
	if err != nil {
		return identity{}, false
	}
	for _, one := range h.sites.all {
		if one.Name == a.Site {
			return identity{site: one, lane: store.Announced, session: a.ID, issued: a.Created, keep: h.KeepNetworks}, true
		}
	}
	return identity{}, false
}
