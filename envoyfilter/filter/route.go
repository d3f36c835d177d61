package filter

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/edgeconfig"
	"github.com/edgecsp/edgecsp/core/rewrite"
)

// route is a route compiled: what its responses share.
type route struct {
	*edgeconfig.Route
	enforce, reportOnly policies
	// stamping is what the rewriter does to a page, nil if no policy has a
	// place for a nonce.
	stamping     *rewrite.Options
	frameOptions string // the X-Frame-Options that says the same, "" none
	version      uint32
}

// policies are those of one disposition, in the forms that pages need.
type policies struct {
	list   csp.List
	nonced []*csp.Template // with a place for the nonce
	hashed []*csp.Template // with the approved hashes instead
}

func compile(from *edgeconfig.Route) (*route, error) {
	r := &route{Route: from, version: version(from)}
	var err error
	if r.enforce, err = r.policies(from.Enforce); err != nil {
		return nil, err
	}
	if r.reportOnly, err = r.policies(from.ReportOnly); err != nil {
		return nil, err
	}
	o := rewrite.Options{Trust: from.Trust, Approved: from.Approved, HostTrust: from.HostTrust, MetaNonce: from.MetaNonce, MaxTag: from.MaxTag, MaxBlock: from.MaxBlock}
	for _, p := range []policies{r.enforce, r.reportOnly} {
		for _, t := range p.nonced {
			o.Scripts = o.Scripts || t.StampsScripts()
			o.Styles = o.Styles || t.StampsStyles()
		}
	}
	if o.Scripts || o.Styles {
		r.stamping = &o
	}
	if from.FrameOptions {
		r.frameOptions = frameOptions(from.Enforce)
	}
	return r, nil
}

func (r *route) policies(l csp.List) (policies, error) {
	out := policies{list: l}
	for _, p := range l {
		t, err := csp.NewTemplate(p, r.Placement())
		if err != nil {
			return out, err
		}
		out.nonced = append(out.nonced, t)
		if r.Cacheable != edgeconfig.ByHash {
			continue
		}
		if t, err = csp.NewTemplate(withHashes(p, r.ApprovedHashes), csp.Placement{ReportSample: true}); err != nil {
			return out, err
		}
		out.hashed = append(out.hashed, t)
	}
	return out, nil
}

// withHashes adds hashes to what decides script and style elements. A 'none'
// stays 'none', and where 'unsafe-inline' is in force no hash is needed.
func withHashes(p csp.Policy, hashes []csp.Source) csp.Policy {
	for _, chain := range [][]string{{"script-src-elem", "script-src", "default-src"}, {"style-src-elem", "style-src", "default-src"}} {
		for _, name := range chain {
			d, ok := p.Get(name)
			if !ok {
				continue
			}
			if name == "default-src" {
				name = chain[1]
			}
			if wider, err := p.Allow(name, hashes...); err == nil && !d.IsNone() {
				p = wider
			}
			break
		}
	}
	return p
}

// frameOptions translates frame-ancestors where X-Frame-Options can say it
// (RFC 7034 2.1): 'none' and 'self' alone.
func frameOptions(l csp.List) string {
	for _, p := range l {
		d, ok := p.Get("frame-ancestors")
		switch {
		case !ok:
		case d.IsNone():
			return "DENY"
		case len(d.Sources) == 1 && d.Sources[0].Keyword() == csp.Self:
			return "SAMEORIGIN"
		}
	}
	return ""
}

// version names the policies of a route: the same policies have the same
// version at every edge.
func version(r *edgeconfig.Route) uint32 {
	text := r.Enforce.String() + "\n" + r.ReportOnly.String()
	sum := sha256.Sum256([]byte(text))
	return binary.BigEndian.Uint32(sum[:])
}
