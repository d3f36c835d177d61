// Package nonce makes the values that tie a policy to the tags of one response.
//
// A nonce must be unpredictable, new for each response and at least 128 bits
// before encoding (CSP3 7.1). The source is a parameter, because a filter in a
// sandbox has only its host to ask, and because a source that fails or repeats
// itself must cost the nonce, never its strength.
package nonce

import (
	"encoding/base64"
	"errors"
)

const (
	// Size is the number of random bytes in a nonce: 144 bits, which base64
	// writes without padding.
	Size = 18
	// Len is the length of a nonce in characters of the base64url alphabet, all
	// of which an HTML attribute and a policy can hold as they are.
	Len = Size * 4 / 3
	// MinRead is the shortest read that a Source can watch for repetition.
	MinRead = 8
	// remembered is how many reads back a Source looks for a repetition.
	remembered = 16
)

var (
	// ErrRandom says that the source of randomness failed.
	ErrRandom = errors.New("nonce: the source of randomness failed")
	// ErrRepeated says that the source gave the same bytes twice, or all zero.
	ErrRepeated = errors.New("nonce: the source of randomness repeats itself")
	// ErrShortRead says that fewer than MinRead bytes were asked for.
	ErrShortRead = errors.New("nonce: a read of randomness is too short to watch")
)

// A Source reads from a random source and watches it. It is not safe for
// concurrent use.
type Source struct {
	read func(p []byte) error
	seen [remembered][MinRead]byte
	n    int // reads so far
}

// NewSource returns a Source over read, which must fill p whole or return an
// error.
func NewSource(read func(p []byte) error) *Source {
	return &Source{read: read}
}

// Read fills p, which holds at least MinRead bytes. An error means that p must
// not be used: it is ErrShortRead, ErrRandom or ErrRepeated.
func (s *Source) Read(p []byte) error {
	if len(p) < MinRead {
		return ErrShortRead
	}
	if err := s.read(p); err != nil {
		return ErrRandom
	}
	head := [MinRead]byte(p)
	if head == ([MinRead]byte{}) {
		return ErrRepeated
	}
	for i := range min(s.n, remembered) {
		if s.seen[i] == head {
			return ErrRepeated
		}
	}
	s.seen[s.n%remembered] = head
	s.n++
	return nil
}

// Next returns a new nonce of Len characters, or the error of Read and no nonce.
func (s *Source) Next() (string, error) {
	var raw [Size]byte
	if err := s.Read(raw[:]); err != nil {
		return "", err
	}
	return Encode(raw), nil
}

// Encode writes random bytes as a nonce of Len characters.
func Encode(raw [Size]byte) string { return base64.RawURLEncoding.EncodeToString(raw[:]) }
