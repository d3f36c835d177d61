package store

import (
	"context"
	"time"

	"github.com/edgecsp/edgecsp/core/report"
)

const (
	// SampleCap is how many reports of a group are kept whole; further ones
	// are counts, until retention makes room.
	SampleCap = 50
	// RegressGrace is how long after a group was resolved its reports say
	// nothing: pages that were open then still send them.
	RegressGrace = time.Hour
)

// A State is where a group stands in its life.
type State string

const (
	Open         State = "open"
	Acknowledged State = "acknowledged"
	Resolved     State = "resolved"
	Ignored      State = "ignored"
	// Regressed groups got a report over RegressGrace after they were resolved.
	// Only the store sets it.
	Regressed State = "regressed"
)

// States returns all states.
func States() []State { return []State{Open, Acknowledged, Resolved, Ignored, Regressed} }

// Settable reports whether a person may put a group into state s.
func (s State) Settable() bool {
	return s == Open || s == Acknowledged || s == Resolved || s == Ignored
}

// A Group is all reports with one shape in one lane of a site.
type Group struct {
	ID       int64
	Site     string
	Lane     Lane
	Shape    report.Shape
	Count    int64 // of reports
	Enforced int64 // of these, where the browser blocked
	// Clients and Networks estimate how many different ones sent them, within
	// about 3 percent.
	Clients, Networks uint64
	First, Last       time.Time
	State             State
	StateChanged      time.Time
}

// A GroupQuery asks for a page of a site's groups, those with reports in the
// latest hours first. Empty filters let everything pass.
type GroupQuery struct {
	Site      string
	View      View
	Directive string
	Kind      report.Kind
	Lane      Lane
	State     State
	Limit     int    // 1 to MaxLimit; outside of it the nearer bound
	After     Cursor // the zero Cursor asks for the first page
}

// A Cursor is a place in the list of groups.
type Cursor struct{ Hour, ID int64 }

// A GroupPage is the answer to a GroupQuery.
type GroupPage struct {
	Groups []Group
	Next   Cursor // zero where there are no more
}

// An HourCount is the count of reports in one hour.
type HourCount struct {
	Hour  time.Time
	Count int64
}

// A Total counts a site's reports of one kind and lane in one hour.
type Total struct {
	Lane Lane
	Kind report.Kind
	HourCount
}

// Groups reads groups and changes their state.
type Groups interface {
	Groups(ctx context.Context, q GroupQuery) (GroupPage, error)
	// Group returns a site's group, or ErrNotFound.
	Group(ctx context.Context, site string, id int64) (Group, error)
	// SetState puts a site's group into a settable state; ErrNotFound where
	// there is no such group.
	SetState(ctx context.Context, site string, id int64, state State, now time.Time) error
	// Counts returns a group's hours with reports, from inclusive, to
	// exclusive, the earliest first.
	Counts(ctx context.Context, group int64, from, to time.Time) ([]HourCount, error)
	// Totals returns the same of a site, in order of hour, lane and kind.
	Totals(ctx context.Context, site string, from, to time.Time) ([]Total, error)
}

// A Sighting says that a session sent reports of a group.
type Sighting struct {
	Issued  time.Time
	Session string
	Group   int64
	Count   int64
}

// An Announcement is a session that another collector told of.
type Announcement struct {
	ID        string // a UUID
	Site      string
	UserAgent string
	Network   string
	Created   time.Time
	Expires   time.Time
}

// SessionPage is a page of sightings, latest page views first.
type SessionPage struct {
	Sightings []Sighting
	Next      string // Before of the next page, "" where there are no more
}

// Sessions tells what sessions saw; those that saw nothing are not known.
type Sessions interface {
	// Seen returns what a session of a page issued then saw; nothing is no error.
	Seen(ctx context.Context, site string, issued time.Time, session string) ([]Sighting, error)
	// Sightings lists a site's sightings; before is "" or a page's Next.
	Sightings(ctx context.Context, site, before string, limit int) (SessionPage, error)
	// Announce makes a session known until it expires.
	Announce(ctx context.Context, a Announcement) error
	// Announced returns a session that is announced at now, or ErrNotFound.
	Announced(ctx context.Context, id string, now time.Time) (Announcement, error)
}

// An APIToken opens the read API. The token itself is not kept.
type APIToken struct {
	Name    string // unique
	Hash    Hash
	Site    string // "" for all sites
	Scopes  []string
	Created time.Time
	Expires time.Time // zero for never
}

// Tokens keeps API tokens.
type Tokens interface {
	// AddToken keeps a token; ErrExists where there is one of its name.
	AddToken(ctx context.Context, t APIToken) error
	// Token returns the token with a hash that is valid at now, or ErrNotFound.
	Token(ctx context.Context, h Hash, now time.Time) (APIToken, error)
	// APITokens returns all tokens by name.
	APITokens(ctx context.Context) ([]APIToken, error)
	// RemoveToken removes a token by name, or is ErrNotFound.
	RemoveToken(ctx context.Context, name string) error
}

// A Cutoff says what Clean removes: what is older than its time, and nothing
// of a kind whose time is zero.
type Cutoff struct {
	Samples, Sessions, Counts time.Time
}

// Removed counts what Clean removed.
type Removed struct{ Samples, Sessions, Counts, Groups int64 }

// Keeper does what has to be done from time to time.
type Keeper interface {
	// Clean removes a little of what is older than the cutoff, so little that
	// nobody waits for it, and tells whether there is more.
	Clean(ctx context.Context, c Cutoff) (r Removed, more bool, err error)
	// Lead reports whether holder is to do a periodic job now: it is, if no
	// other took it on before and its lease has not run out. It holds the
	// lease for that long.
	Lead(ctx context.Context, job, holder string, now time.Time, lease time.Duration) (bool, error)
}
