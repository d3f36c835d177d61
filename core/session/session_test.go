package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	now    = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	secret = []byte("0123456789abcdef0123456789abcdef")
)

func minter(t testing.TB, site string, secret []byte) *Minter {
	t.Helper()
	m, err := NewMinter(site, secret)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func verifier(t testing.TB, site string, secrets ...[]byte) *Verifier {
	t.Helper()
	v, err := NewVerifier(site, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sample() Claims {
	return Claims{Enforced: true, Issued: now, PolicyVersion: 0xfeed, Session: ID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}
}

func TestRoundTrip(t *testing.T) {
	m, v := minter(t, "shop", secret), verifier(t, "shop", secret)
	class := Claims{Kind: PageClass, Issued: now, PolicyVersion: 7}
	for _, want := range []Claims{sample(), class, {Issued: now}} {
		token := string(m.Append(nil, want))
		if len(token) != TokenLen || TokenLen > 64 {
			t.Errorf("token %q has %d characters, want %d and at most 64", token, len(token), TokenLen)
		}
		got, err := v.Verify(token, now)
		if err != nil {
			t.Fatalf("%+v: %v", want, err)
		}
		got.KeyID = 0
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("claims (-minted +verified):\n%s", diff)
		}
	}
	if id := class.SessionID(); id != "" {
		t.Errorf("a page class has session %q", id)
	}
	if id := sample().SessionID(); id != "AQIDBAUGBwgJCgsM" {
		t.Errorf("session id %q", id)
	}
}

// Every character of a token is covered: another one in its place is forged.
func TestEveryCharacterIsSigned(t *testing.T) {
	m, v := minter(t, "shop", secret), verifier(t, "shop", secret)
	token := m.Append(nil, sample())
	for i := range token {
		for _, c := range []byte("AZaz09-_=\n /+%\x00\xff") {
			if token[i] == c {
				continue
			}
			bad := append([]byte(nil), token...)
			bad[i] = c
			if got, err := v.Verify(string(bad), now); !errors.Is(err, ErrForged) || got != (Claims{}) {
				t.Fatalf("character %d as %q: %+v, %v; want ErrForged", i, c, got, err)
			}
		}
	}
}

func TestForged(t *testing.T) {
	good := string(minter(t, "shop", secret).Append(nil, sample()))
	for name, token := range map[string]string{
		"empty":          "",
		"one short":      good[:TokenLen-1],
		"one long":       good + "A",
		"other site":     string(minter(t, "blog", secret).Append(nil, sample())),
		"other secret":   string(minter(t, "shop", []byte("another secret of good length")).Append(nil, sample())),
		"a UUID":         "123e4567-e89b-12d3-a456-426614174000",
		"line break":     good[:10] + "\n" + good[11:],
		"a megabyte":     strings.Repeat("A", 1<<20),
		"all zero bytes": strings.Repeat("A", TokenLen),
	} {
		if got, err := verifier(t, "shop", secret).Verify(token, now); !errors.Is(err, ErrForged) || got != (Claims{}) {
			t.Errorf("%s: %+v, %v; want ErrForged", name, got, err)
		}
	}
}

func TestExpiry(t *testing.T) {
	v := verifier(t, "shop", secret)
	token := string(minter(t, "shop", secret).Append(nil, sample()))
	for _, c := range []struct {
		at   time.Duration
		want error
	}{
		{-MaxSkew - 1, ErrExpired}, {-MaxSkew, nil}, {0, nil}, {MaxAge, nil}, {MaxAge + 1, ErrExpired}, {400 * MaxAge, ErrExpired},
	} {
		got, err := v.Verify(token, now.Add(c.at))
		if !errors.Is(err, c.want) {
			t.Errorf("at %v: %v, want %v", c.at, err, c.want)
		}
		if got.Session != sample().Session {
			t.Errorf("at %v: claims %+v are not filled", c.at, got)
		}
	}
}

// While keys rotate, tokens of the old secret and of the new one are valid.
func TestRotation(t *testing.T) {
	old, young := secret, []byte("the next secret, also long enough")
	both := verifier(t, "shop", young, old)
	for _, s := range [][]byte{old, young} {
		if _, err := both.Verify(string(minter(t, "shop", s).Append(nil, sample())), now); err != nil {
			t.Errorf("secret %q: %v", s, err)
		}
	}
	after := verifier(t, "shop", young)
	if _, err := after.Verify(string(minter(t, "shop", old).Append(nil, sample())), now); !errors.Is(err, ErrForged) {
		t.Errorf("after rotation the old secret still opens: %v", err)
	}
}

// Key ids are one byte; two secrets that share one both verify.
func TestKeyIDsMayCollide(t *testing.T) {
	first := minter(t, "shop", secret)
	for i := range 100_000 {
		other := []byte(strings.Repeat("x", MinSecret) + time.Duration(i).String())
		m := minter(t, "shop", other)
		if m.keyID != first.keyID {
			continue
		}
		v := verifier(t, "shop", secret, other)
		for _, token := range [][]byte{first.Append(nil, sample()), m.Append(nil, sample())} {
			if _, err := v.Verify(string(token), now); err != nil {
				t.Errorf("key id %d: %v", m.keyID, err)
			}
		}
		return
	}
	t.Fatal("no two secrets with one key id found")
}

func TestSecretLimits(t *testing.T) {
	for n, want := range map[int]error{
		0: ErrSecretLength, MinSecret - 1: ErrSecretLength, MinSecret: nil,
		MaxSecret: nil, MaxSecret + 1: ErrSecretLength,
	} {
		s := []byte(strings.Repeat("s", n))
		if _, err := NewMinter("shop", s); !errors.Is(err, want) {
			t.Errorf("minter, %d bytes: %v, want %v", n, err, want)
		}
		if _, err := NewVerifier("shop", s); !errors.Is(err, want) {
			t.Errorf("verifier, %d bytes: %v, want %v", n, err, want)
		}
	}
	if _, err := NewVerifier("shop"); !errors.Is(err, ErrSecretLength) {
		t.Errorf("no secret at all: %v", err)
	}
}

func TestSiteNames(t *testing.T) {
	for name, want := range map[string]bool{
		"": false, "shop": true, "shop.example-1_x": true, "Shop": false, "a b": false, "sh\x00op": false, "münchen": false,
		strings.Repeat("a", MaxSite): true, strings.Repeat("a", MaxSite+1): false,
	} {
		if got := ValidSite(name); got != want {
			t.Errorf("ValidSite(%q) = %v", name, got)
		}
		if _, err := NewMinter(name, secret); (err == nil) != want {
			t.Errorf("NewMinter(%q): %v", name, err)
		}
	}
}

func TestMintingDoesNotAllocate(t *testing.T) {
	m, dst, c := minter(t, "shop", secret), make([]byte, 0, TokenLen), sample()
	if n := testing.AllocsPerRun(100, func() { m.Append(dst, c) }); n != 0 {
		t.Errorf("%v allocations per token", n)
	}
}

func FuzzVerify(f *testing.F) {
	v := verifier(f, "shop", secret)
	good := string(minter(f, "shop", secret).Append(nil, sample()))
	for _, s := range []string{good, good[1:], "", "=", strings.Repeat("_", TokenLen)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := v.Verify(token, now); err == nil && token != good {
			t.Errorf("%q is taken for genuine", token)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	m, dst, c := minter(b, "shop", secret), make([]byte, 0, TokenLen), sample()
	b.ReportAllocs()
	for b.Loop() {
		m.Append(dst, c)
	}
}

func BenchmarkVerify(b *testing.B) {
	v := verifier(b, "shop", secret)
	token := string(minter(b, "shop", secret).Append(nil, sample()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(token, now); err != nil {
			b.Fatal(err)
		}
	}
}
