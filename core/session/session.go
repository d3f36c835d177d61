// Package session makes and checks the signed token of a page view.
//
// The edge mints a token for each page and puts it into the page's report URL;
// the collector verifies it without a look-up. A token is write-only: every
// script on the page can read it, so it proves that somebody fetched a page and
// opens nothing else.
//
// A token is 44 bytes, base64url without padding:
//
//	0      format version (high four bits), flags (low four bits)
//	1      key id
//	2-7    site tag: the first bytes of the site name's SHA-256
//	8-11   time of issue, Unix seconds, big endian
//	12-15  policy version, big endian
//	16-27  session: the page view's random id
//	28-43  HMAC-SHA-256 over all before it, cut to 128 bits
package session

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"time"
)

const (
	// MinSecret and MaxSecret bound a site's secret, in bytes.
	MinSecret = 16
	MaxSecret = 4096
	// MaxSite is the longest site name, in bytes.
	MaxSite = 100
	// TokenLen is the length of every token in characters.
	TokenLen = 59
	// MaxAge is how long a token is fresh; later it is expired, not forged.
	MaxAge = 24 * time.Hour
	// MaxSkew is how far ahead of the collector's clock an edge's may run.
	MaxSkew = 5 * time.Minute
	// IDSize is the size of a session id in bytes.
	IDSize = 12

	tagSize     = 6
	macSize     = 16
	signed      = 4 + 4 + 2 + tagSize + IDSize
	raw         = signed + macSize
	version     = 1
	flagEnforce = 1 << 0
	flagClass   = 1 << 1
)

// Labels of the keys that HKDF derives from a site's secret, one per use, so
// that a key for one use says nothing about another.
const (
	labelToken = "edgecsp report token v1"
	labelKeyID = "edgecsp key id v1"
)

var (
	// ErrSecretLength says that a secret is shorter than MinSecret or longer than MaxSecret.
	ErrSecretLength = errors.New("session: a site's secret has 16 to 4096 bytes; `openssl rand -base64 32` makes a good one")
	// ErrSite says that a site's name is empty, longer than MaxSite, or not of a-z, 0-9, '.', '-' and '_'.
	ErrSite = errors.New("session: a site's name has 1 to 100 characters of a-z, 0-9, '.', '-' and '_'")
	// ErrForged says that a token was not made with any of the verifier's keys, or for another site.
	ErrForged = errors.New("session: not a token of this site")
	// ErrExpired says that a token is genuine, but older than MaxAge or dated ahead by more than MaxSkew.
	ErrExpired = errors.New("session: token expired")
)

// A Kind says what a token stands for.
type Kind uint8

const (
	// PageView tokens are made for one response.
	PageView Kind = iota
	// PageClass tokens are shared by all who get the same cached page: they
	// have no session and open no result.
	PageClass
)

// An ID is the random id of one page view.
type ID [IDSize]byte

// String returns the id in base64url.
func (id ID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// Claims are what a token says.
type Claims struct {
	Kind          Kind
	Enforced      bool // the policy that the report URL belongs to is enforced
	KeyID         uint8
	Issued        time.Time // whole seconds
	PolicyVersion uint32
	Session       ID
}

// SessionID returns the session's id in base64url, "" for a page class.
func (c Claims) SessionID() string {
	if c.Kind == PageClass {
		return ""
	}
	return c.Session.String()
}

// ValidSite reports whether name can name a site.
func ValidSite(name string) bool {
	if name == "" || len(name) > MaxSite {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

type key struct {
	id  uint8
	mac []byte
}

func newKey(site string, secret []byte) (key, error) {
	if !ValidSite(site) {
		return key{}, ErrSite
	}
	if len(secret) < MinSecret || len(secret) > MaxSecret {
		return key{}, ErrSecretLength
	}
	mac, err := hkdf.Key(sha256.New, secret, nil, labelToken+"\x00"+site, sha256.Size)
	if err != nil {
		return key{}, err
	}
	id, err := hkdf.Key(sha256.New, secret, nil, labelKeyID+"\x00"+site, 1)
	if err != nil {
		return key{}, err
	}
	return key{id: id[0], mac: mac}, nil
}

func siteTag(site string) (tag [tagSize]byte) {
	sum := sha256.Sum256([]byte(site))
	copy(tag[:], sum[:])
	return tag
}

// A Minter makes the tokens of one site. It is not safe for concurrent use.
type Minter struct {
	keyID uint8
	tag   [tagSize]byte
	mac   hash.Hash
	buf   [signed + sha256.Size]byte // the token's bytes; the MAC is cut to macSize
}

// NewMinter returns a Minter for a site and its secret; the error is ErrSite or
// ErrSecretLength.
func NewMinter(site string, secret []byte) (*Minter, error) {
	k, err := newKey(site, secret)
	if err != nil {
		return nil, err
	}
	return &Minter{keyID: k.id, tag: siteTag(site), mac: hmac.New(sha256.New, k.mac)}, nil
}

// Append appends the token for c, TokenLen characters, to dst. The key id in c
// is ignored: it is the minter's.
func (m *Minter) Append(dst []byte, c Claims) []byte {
	b := m.buf[:signed]
	b[0] = version << 4
	if c.Enforced {
		b[0] |= flagEnforce
	}
	if c.Kind == PageClass {
		b[0] |= flagClass
	}
	b[1] = m.keyID
	copy(b[2:], m.tag[:])
	binary.BigEndian.PutUint32(b[8:], uint32(c.Issued.Unix()))
	binary.BigEndian.PutUint32(b[12:], c.PolicyVersion)
	copy(b[16:], c.Session[:])
	m.mac.Reset()
	m.mac.Write(b)
	return base64.RawURLEncoding.AppendEncode(dst, m.mac.Sum(b)[:raw])
}

// A Verifier checks the tokens of one site. It is safe for concurrent use.
type Verifier struct {
	tag  [tagSize]byte
	keys []key
}

// NewVerifier returns a Verifier for a site. Tokens of all its secrets are
// valid, so that an old secret and a new one overlap while keys rotate. The
// error is ErrSite, or ErrSecretLength also where there is no secret.
func NewVerifier(site string, secrets ...[]byte) (*Verifier, error) {
	if len(secrets) == 0 {
		return nil, ErrSecretLength
	}
	v := &Verifier{tag: siteTag(site)}
	for _, s := range secrets {
		k, err := newKey(site, s)
		if err != nil {
			return nil, err
		}
		v.keys = append(v.keys, k)
	}
	return v, nil
}

// Verify returns what a token says. With ErrForged the claims are empty; with
// ErrExpired they are filled.
func (v *Verifier) Verify(token string, now time.Time) (Claims, error) {
	var b [raw]byte
	if !decode(&b, token) || b[0]>>4 != version || b[0]&0xf&^(flagEnforce|flagClass) != 0 {
		return Claims{}, ErrForged
	}
	if [tagSize]byte(b[2:]) != v.tag || !v.authentic(&b) {
		return Claims{}, ErrForged
	}
	c := claims(&b)
	if age := now.Sub(c.Issued); age > MaxAge || age < -MaxSkew {
		return c, ErrExpired
	}
	return c, nil
}

// decode accepts the one spelling that Append writes: no line breaks, which
// Go's decoder would skip. (44 bytes leave no bits over in 59 characters but
// two, which Strict refuses unless they are zero.)
func decode(b *[raw]byte, token string) bool {
	if len(token) != TokenLen {
		return false
	}
	for i := range len(token) {
		if token[i] == '\n' || token[i] == '\r' {
			return false
		}
	}
	n, err := base64.RawURLEncoding.Strict().Decode(b[:], []byte(token))
	return err == nil && n == raw
}

// authentic tries every key with the token's key id: ids are one byte, so two
// secrets may share one.
func (v *Verifier) authentic(b *[raw]byte) bool {
	for _, k := range v.keys {
		if k.id != b[1] {
			continue
		}
		m := hmac.New(sha256.New, k.mac)
		m.Write(b[:signed])
		if hmac.Equal(m.Sum(nil)[:macSize], b[signed:]) {
			return true
		}
	}
	return false
}

func claims(b *[raw]byte) Claims {
	c := Claims{
		Enforced:      b[0]&flagEnforce != 0,
		KeyID:         b[1],
		Issued:        time.Unix(int64(binary.BigEndian.Uint32(b[8:])), 0).UTC(),
		PolicyVersion: binary.BigEndian.Uint32(b[12:]),
		Session:       ID(b[16:]),
	}
	if b[0]&flagClass != 0 {
		c.Kind = PageClass
	}
	return c
}
