package nonce

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
)

func system(p []byte) error {
	_, err := rand.Read(p)
	return err
}

func TestNextIsNewAndLongEnough(t *testing.T) {
	s := NewSource(system)
	seen := map[string]bool{}
	for range 10_000 {
		n, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if len(n) != Len {
			t.Fatalf("nonce %q has %d characters, want %d", n, len(n), Len)
		}
		if strings.Trim(n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("nonce %q holds characters outside base64url", n)
		}
		if seen[n] {
			t.Fatalf("nonce %q came twice", n)
		}
		seen[n] = true
	}
	if Size*8 < 128 {
		t.Fatalf("a nonce has %d bits, CSP3 7.1 asks for 128", Size*8)
	}
}

func TestEveryByteOfTheSourceCounts(t *testing.T) {
	for i := range Size {
		base := NewSource(func(p []byte) error { copy(p, "abcdefghijklmnopqrstuvwxyz"); return nil })
		other := NewSource(func(p []byte) error { copy(p, "abcdefghijklmnopqrstuvwxyz"); p[i]++; return nil })
		a, errA := base.Next()
		b, errB := other.Next()
		if errA != nil || errB != nil || a == b {
			t.Errorf("byte %d: %q and %q (%v, %v), want two nonces", i, a, b, errA, errB)
		}
	}
}

func TestFailingSourceGivesNoNonce(t *testing.T) {
	s := NewSource(func([]byte) error { return errors.New("host refused") })
	if n, err := s.Next(); n != "" || !errors.Is(err, ErrRandom) {
		t.Errorf("got %q, %v; want no nonce and ErrRandom", n, err)
	}
}

func TestRepeatingSourceGivesNoNonce(t *testing.T) {
	for _, period := range []int{1, 2, remembered} {
		calls := 0
		s := NewSource(func(p []byte) error {
			for i := range p {
				p[i] = byte(calls%period + 1)
			}
			calls++
			return nil
		})
		for range period {
			if _, err := s.Next(); err != nil {
				t.Fatalf("period %d: first round: %v", period, err)
			}
		}
		if n, err := s.Next(); n != "" || !errors.Is(err, ErrRepeated) {
			t.Errorf("period %d: got %q, %v; want no nonce and ErrRepeated", period, n, err)
		}
	}
}

func TestSilentSourceGivesNoNonce(t *testing.T) {
	s := NewSource(func([]byte) error { return nil })
	if n, err := s.Next(); n != "" || !errors.Is(err, ErrRepeated) {
		t.Errorf("a source that writes nothing: got %q, %v; want ErrRepeated", n, err)
	}
}

func TestReadLimits(t *testing.T) {
	s := NewSource(system)
	if err := s.Read(make([]byte, MinRead-1)); !errors.Is(err, ErrShortRead) {
		t.Errorf("one under MinRead: %v", err)
	}
	if err := s.Read(make([]byte, MinRead)); err != nil {
		t.Errorf("MinRead: %v", err)
	}
}
