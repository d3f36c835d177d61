// Package store is where the collector's parts meet: what is kept, and the
// contract of whatever keeps it. Package sqlstore keeps it in SQL.
package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/edgecsp/edgecsp/core/report"
)

var (
	// ErrBusy says that more is waiting to be written than the store will
	// hold. Nothing was stored; trying again later may help.
	ErrBusy = errors.New("store: too much waits to be written")
	// ErrClosed says that the store has been closed. Nothing was stored.
	ErrClosed = errors.New("store: closed")
	// ErrExists says that there is such a thing already.
	ErrExists = errors.New("store: exists already")
	// ErrNotFound says that there is no such thing, or no longer.
	ErrNotFound = errors.New("store: not found")
)

// A Lane says how far a report can be trusted. Lanes are never mixed where
// something is decided.
type Lane string

const (
	// Genuine reports came with a valid token: somebody fetched a page.
	Genuine Lane = "genuine"
	// Expired reports came with a token of ours that is over a day old: counted
	// and shown, never a basis for proposals.
	Expired Lane = "expired"
	// Keyed reports came with a site's key, which every visitor can read.
	Keyed Lane = "keyed"
	// Announced reports came for a session that another collector announced.
	Announced Lane = "announced"
	// Forged reports came with no token, or one that is not ours.
	Forged Lane = "forged"
)

// Lanes returns all lanes.
func Lanes() []Lane { return []Lane{Genuine, Expired, Keyed, Announced, Forged} }

// A Record is a report, and how it reached us.
type Record struct {
	ID       int64 // given by the store, growing in the order of commit
	Group    int64 // given by the store: the group's id
	Site     string
	Received time.Time // by the collector's clock; kept to the millisecond
	Lane     Lane
	// KeyID, Session, Issued and PolicyVersion are what the token said; zero in
	// lanes without one. Session is empty for a page that caches share. Issued
	// is kept to the second; of an announced session it is when it was announced.
	KeyID         uint8
	Session       string
	Issued        time.Time
	PolicyVersion uint32
	// Network is the client's address as it may be kept, "" where none is.
	Network string
	// Client and Net are pseudonyms of the client and its network, of which
	// groups count how many different ones there were; 0 is unknown. They
	// themselves are not kept.
	Client, Net uint64
	Report      report.Report // redacted
}

// A View is one list of reports, kept apart from the others.
type View int

const (
	// Violations are CSP violations in every lane but Forged.
	Violations View = iota
	// Others are reports of all other kinds in every lane but Forged.
	Others
	// Unverified are all reports in lane Forged.
	Unverified
)

// MaxLimit is the most records that a Query returns.
const MaxLimit = 500

// A Query asks for a page of a site's records in one view.
type Query struct {
	Site  string
	View  View
	Group int64 // where it is not 0, only this group's, whatever the View
	Limit int   // 1 to MaxLimit; outside of it the nearer bound
	// Before and After are record ids, 0 for none. Before asks for the newest
	// records older than it, After for the oldest that are newer; at most one
	// is set.
	Before, After int64
}

// A Page is the answer to a Query, newest first whatever was asked.
type Page struct {
	Records      []Record
	Newer, Older bool // whether there are more on either side
}

// Reports keeps reports.
type Reports interface {
	// Add stores records; they are on disk when it returns nil. Each counts in
	// the group of its shape; the first SampleCap of a group are kept whole.
	// Records of calls that overlap are committed together. The IDs are not
	// filled in.
	// The error may be ErrBusy or ErrClosed. Where ctx ends first, the error
	// is ctx's and the records may have been stored or not.
	Add(ctx context.Context, records []Record) error
	// List returns a page of the records that were kept whole.
	List(ctx context.Context, q Query) (Page, error)
}

// A Hash stands for a secret that itself is not kept: a login token or a
// session cookie, both of 128 random bits or more.
type Hash [sha256.Size]byte

// HashOf returns the hash of a secret.
func HashOf(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// Logins keeps one-time login tokens and the sessions that they open.
type Logins interface {
	// AddLoginToken makes a token valid until expires.
	AddLoginToken(ctx context.Context, token Hash, expires time.Time) error
	// Login uses up a token that is valid at now and opens a session until
	// expires, both or neither. Another token, or the same again, is
	// ErrNotFound.
	Login(ctx context.Context, token, session Hash, now, expires time.Time) error
	// Session returns nil while the session is open at now, ErrNotFound after.
	Session(ctx context.Context, session Hash, now time.Time) error
	// Logout closes a session; one that is not open is no error.
	Logout(ctx context.Context, session Hash) error
	// EverLoggedIn reports whether there has been a login.
	EverLoggedIn(ctx context.Context) (bool, error)
}

// Health tells whether the store works.
type Health interface {
	// Ready returns nil if the store can be written to: it writes.
	Ready(ctx context.Context, now time.Time) error
}

// A Store is all of it.
type Store interface {
	Reports
	Groups
	Sessions
	Tokens
	Logins
	Health
	Keeper
	// Close writes what waits and closes the store; Add then returns ErrClosed.
	Close() error
}
