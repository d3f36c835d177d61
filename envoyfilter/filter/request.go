package filter

import (
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"

	"github.com/edgecsp/edgecsp/core/edgeconfig"
)

// request is what of the request's headers decides about the response.
type request struct {
	method, scheme, host, path string
	https                      bool
	document                   bool // a document is asked for
	fragment                   bool // a header of the route's says that a fragment is asked for
	cookie, agent              string
}

func readRequest(h Header) request {
	var r request
	var forwarded, dest, accept, purpose string
	for _, kv := range h {
		switch kv[0] {
		case ":method":
			r.method = kv[1]
		case ":scheme":
			r.scheme = kv[1]
		case ":authority", "host":
			r.host = kv[1]
		case ":path":
			r.path = kv[1]
		case "x-forwarded-proto":
			forwarded = kv[1]
		case "sec-fetch-dest":
			dest = kv[1]
		case "accept":
			accept = kv[1]
		case "sec-purpose", "purpose":
			purpose = kv[1]
		case "cookie": // HTTP/2 may send several
			r.cookie += kv[1] + ";"
		case "user-agent":
			r.agent = kv[1]
		}
	}
	if forwarded != "" { // the proxy's own word, with use_remote_address
		r.scheme = forwarded
	}
	r.https = strings.EqualFold(r.scheme, "https")
	r.document = asksDocument(dest, accept, purpose)
	return r
}

// asksDocument: a prefetch by <link> says `Sec-Fetch-Dest: empty` and is
// reused as the page all the same (facts.md), so that its purpose counts.
func asksDocument(dest, accept, purpose string) bool {
	switch dest {
	case "document", "iframe", "frame", "embed", "object", "fencedframe":
		return true
	case "":
		return strings.Contains(accept, "text/html") || purpose != ""
	}
	return strings.Contains(purpose, "prefetch")
}

func asksFragment(h Header, names []string) bool {
	return len(names) > 0 && slices.ContainsFunc(h, func(kv [2]string) bool { return slices.Contains(names, kv[0]) })
}

// buckets is how finely visitors are divided: a percent is a hundred of them.
const buckets = 10_000

// sampled reports whether a visitor's browser reports. The answer is the same
// for all responses to one visitor: by the cookie where one is configured and
// there, else by network and user agent.
func sampled(s edgeconfig.Sample, r *request, address func() string) bool {
	switch {
	case s.Percent >= 100:
		return true
	case s.Percent <= 0:
		return false
	}
	who := cookieValue(r.cookie, s.Cookie)
	if who == "" {
		who = network(address()) + "\n" + r.agent
	}
	h := fnv.New64a()
	h.Write([]byte(who))
	return mix(h.Sum64())%buckets < uint64(s.Percent)*buckets/100
}

// mix spreads a hash whose low bits are poor (the finalizer of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func cookieValue(header, name string) string {
	if name == "" {
		return ""
	}
	for pair := range strings.SplitSeq(header, ";") {
		if k, v, ok := strings.Cut(strings.TrimSpace(pair), "="); ok && k == name {
			return v
		}
	}
	return ""
}

// network cuts an address to the network that a visitor keeps: /16 of IPv4,
// /32 of IPv6.
func network(address string) string {
	addr, err := netip.ParseAddr(address)
	if ap, perr := netip.ParseAddrPort(address); perr == nil {
		addr, err = ap.Addr(), nil
	}
	if err != nil {
		return ""
	}
	bits := 32
	if addr = addr.Unmap(); addr.Is4() {
		bits = 16
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
