package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"net/netip"
	"strings"
)

// A sender is the client as far as we look at it.
type sender struct {
	addr    netip.Addr // as the trusted proxies saw it; may be invalid
	network string     // what may be kept of it
}

const (
	networkBits4 = 16
	networkBits6 = 32
)

func (h *handler) sender(r *http.Request) sender {
	s := sender{addr: clientAddr(r, h.TrustedHops)}
	if s.addr.IsValid() {
		s.network = networkOf(s.addr).String()
	}
	return s
}

// networkOf returns what may be kept of an address.
func networkOf(a netip.Addr) netip.Prefix {
	bits := networkBits6
	if a.Is4() {
		bits = networkBits4
	}
	p, _ := a.Prefix(bits) // never fails: the address is valid and has as many
	return p
}

// clientAddr returns the client's address. Of X-Forwarded-For only the last
// entries are believed, one for each proxy of ours: whatever stands before them
// the client may have written. Where there are fewer, the request did not come
// through all of them, and the connection's address counts.
func clientAddr(r *http.Request, hops int) netip.Addr {
	if hops > 0 {
		list := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
		entry := ""
		for range hops {
			i := strings.LastIndexByte(list, ',')
			entry, list = list[i+1:], list[:max(i, 0)]
		}
		if a, ok := parseAddr(strings.TrimSpace(entry)); ok {
			return a
		}
	}
	a, _ := parseAddr(r.RemoteAddr)
	return a
}

// parseAddr reads an address with or without a port.
func parseAddr(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		ap, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		a = ap.Addr()
	}
	return a.Unmap().WithZone(""), true
}

// pseudonym stands for a client or a network in the estimate of how many there
// were. Without the site's key nobody can tell whose it is; it is not kept.
func pseudonym(key []byte, parts ...string) uint64 {
	var buf [512]byte
	b := append(buf[:0], key...)
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:])
}
