package rewrite

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// Approvals is what Inventory lets run on a route. It is built once and may be used by many streams.
type Approvals struct {
	hashes map[[sha256.Size]byte]struct{}
	urls   map[string]struct{} // absolute, or a path with its query on the document's own origin
	hosts  []hostSource
	known  atomic.Pointer[blocks]
}

// blocks holds the text of approved blocks that were hashed before; it is replaced, never changed.
type blocks struct {
	byKey map[uint64]string
	size  int
}

// MaxKnown is how many bytes of approved blocks are kept for comparison before hashing.
const MaxKnown = 1 << 20

// NewApprovals takes a list of
//
//   - hashes of inline code, 'sha256-...', with or without the quotes;
//   - absolute http or https URLs, with their query, of code or of base elements;
//   - the same on the document's own origin, as "/path?query";
//     none of these approves a relative URL that a later base could change: of a script in svg with an end tag, of a link after a select;
//   - source expressions 'self', host, *.host, with scheme, port or path as in a policy (CSP3 2.3.1), which count only under
//     Options.HostTrust.
//
// An error says which entry is none of these.
func NewApprovals(list []string) (*Approvals, error) {
	a := &Approvals{hashes: map[[sha256.Size]byte]struct{}{}, urls: map[string]struct{}{}}
	a.known.Store(&blocks{})
	for _, e := range list {
		if err := a.add(e); err != nil {
			return nil, errors.New("approval \"" + e + "\": " + err.Error())
		}
	}
	return a, nil
}

func (a *Approvals) add(e string) error {
	bare := e
	if len(e) > 2 && e[0] == '\'' && e[len(e)-1] == '\'' {
		bare = e[1 : len(e)-1]
	}
	switch h, ok := strings.CutPrefix(bare, "sha256-"); {
	case ok:
		return a.addHash(h)
	case strings.HasPrefix(bare, "sha384-"), strings.HasPrefix(bare, "sha512-"):
		return errors.New("inline code is compared by SHA-256 only: give its sha256-... instead")
	case strings.HasPrefix(e, "/") && !strings.HasPrefix(e, "//"):
		return a.addPath(e)
	}
	return a.addSource(e)
}

// addPath takes a path on the document's own origin, in the form that location has.
func (a *Approvals) addPath(e string) error {
	var l location
	if !l.resolve(nil, []byte("https://self"+e)) {
		return errors.New("not a path that can be compared: plain ASCII, percent-encoded where it must be")
	}
	a.urls[string(l.text[l.origin:])] = struct{}{}
	return nil
}

// addSource takes a URL or a source expression. With a path it is a URL; one that ends in a slash is an expression too.
func (a *Approvals) addSource(e string) error {
	var l location
	h, isHost := parseHost(e)
	_, rest, absolute := strings.Cut(e, "://")
	if absolute && strings.Contains(rest, "/") && !strings.Contains(e, "*") {
		if !l.resolve(nil, []byte(e)) {
			return errors.New("not an http or https URL that can be compared: plain ASCII, no user name, no backslash")
		}
		a.urls[string(l.text)] = struct{}{}
		isHost = isHost && strings.HasSuffix(e, "/")
	} else if !isHost {
		return errors.New("neither a hash ('sha256-...'), nor a URL, nor a host as in a policy")
	}
	if isHost {
		a.hosts = append(a.hosts, h)
	}
	return nil
}

func (a *Approvals) addHash(h string) error {
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(h, "-_") {
		encoding = base64.RawURLEncoding
	}
	sum, err := encoding.DecodeString(strings.TrimRight(h, "="))
	if err != nil || len(sum) != sha256.Size {
		return errors.New("not the base64 of a SHA-256 sum; it has 44 characters after sha256-")
	}
	a.hashes[[sha256.Size]byte(sum)] = struct{}{}
	return nil
}

// exact tells whether l is an approved URL; page is the document's.
func (a *Approvals) exact(l, page *location) bool {
	if a == nil {
		return false
	}
	if _, ok := a.urls[string(l.text)]; ok {
		return true
	}
	_, ok := a.urls[string(l.text[l.origin:])]
	return ok && l.sameOrigin(page)
}

// host tells whether a source expression matches l.
func (a *Approvals) host(l, page *location) bool {
	for i := range a.hosts {
		if a.hosts[i].match(l, page) {
			return true
		}
	}
	return false
}

// inline tells whether an inline block is approved. Its text is what a browser would hash: UTF-8 with line feeds alone.
func (a *Approvals) inline(content []byte, cs charset, scratch *[]byte) bool {
	if cs != csUTF8 && !isASCII(content) {
		return false
	}
	known := a.known.Load()
	if known.has(content) {
		return true
	}
	text, ok := blockText(content, cs, scratch)
	if !ok {
		return false
	}
	if known.has(text) {
		return true
	}
	if _, ok := a.hashes[sha256.Sum256(text)]; !ok {
		return false
	}
	a.remember(known, text)
	return true
}

// has compares all bytes.
func (k *blocks) has(text []byte) bool {
	t, ok := k.byKey[blockKey(text)]
	return ok && t == string(text)
}

// remember adds an approved block to the known ones, in its normal form: one with n line breaks can be written in 3^n ways. Two
// streams that add at once lose one of them, which costs a hash later.
func (a *Approvals) remember(old *blocks, text []byte) {
	key := blockKey(text)
	size := old.size - len(old.byKey[key]) + len(text)
	if size > MaxKnown {
		return
	}
	n := &blocks{byKey: make(map[uint64]string, len(old.byKey)+1), size: size}
	for k, v := range old.byKey {
		n.byKey[k] = v
	}
	n.byKey[key] = string(text)
	a.known.CompareAndSwap(old, n)
}

// blockKey is a cheap key that tells most blocks apart; who finds it compares all bytes.
func blockKey(b []byte) uint64 {
	k := uint64(len(b))
	for i, step := 0, len(b)/16+1; i < len(b); i += step {
		k = k*nameMix + uint64(b[i])
	}
	return k
}

// blockText normalizes a block as a browser does before it hashes (HTML 13.2.3.5, CSP3 6.7.3.3). It reports false where the bytes' meaning
// depends on an encoding other than UTF-8.
func blockText(b []byte, cs charset, scratch *[]byte) ([]byte, bool) {
	if cs == csUTF8 && !utf8.Valid(b) || cs != csUTF8 && !isASCII(b) {
		return nil, false
	}
	if bytes.IndexByte(b, '\r') < 0 && bytes.IndexByte(b, 0) < 0 {
		return b, true
	}
	out := (*scratch)[:0]
	for i, c := range b {
		switch {
		case c == 0:
			out = utf8.AppendRune(out, utf8.RuneError)
		case c != '\r':
			out = append(out, c)
		case i+1 == len(b) || b[i+1] != '\n':
			out = append(out, '\n')
		}
	}
	*scratch = out
	return out, true
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
