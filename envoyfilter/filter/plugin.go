package filter

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/edgeconfig"
	"github.com/edgecsp/edgecsp/core/nonce"
	"github.com/edgecsp/edgecsp/core/rewrite"
	"github.com/edgecsp/edgecsp/core/session"
)

// A Plugin is one configuration in force. It makes the streams.
type Plugin struct {
	host   Host
	config *edgeconfig.Config
	routes []*route // of config.Routes, in its order
	nonces *nonce.Source
	tokens *session.Minter
	counts counters
	idle   []*Stream // ended streams, to be used again
	out    []byte    // scratch for one body callback
}

// route is a route compiled: what its responses share.
type route struct {
	exempt              bool
	enforce, reportOnly []*csp.Template
	// stamping is what the rewriter does to a page, nil if it has nothing to
	// do; beside stands for pages that come with an enforced nonce or hash
	// policy of the application's own.
	stamping *rewrite.Options
	upstream bool // the application stamps the nonce that the request brings
	version  uint32
}

// New starts a plugin with a configuration. The error lists everything that is
// wrong with it, a line each.
func New(host Host, config []byte) (*Plugin, error) {
	c, err := edgeconfig.Parse(config)
	if err != nil {
		return nil, err
	}
	p := &Plugin{host: host, config: c, nonces: nonce.NewSource(host.Random), counts: newCounters(host)}
	if p.tokens, err = minter(host, c); err != nil {
		return nil, err
	}
	for i := range c.Routes {
		r, err := compile(&c.Routes[i])
		if err != nil {
			return nil, err
		}
		p.routes = append(p.routes, r)
	}
	return p, nil
}

func minter(host Host, c *edgeconfig.Config) (*session.Minter, error) {
	secret := c.Secret.Literal
	if c.Secret.Env != "" {
		if secret = host.Getenv(c.Secret.Env); secret == "" {
			return nil, errors.New("secret_env: the variable " + c.Secret.Env + " is empty or not passed to the filter; set it for the proxy and name it in vm_config.environment_variables.host_env_keys")
		}
	}
	m, err := session.NewMinter(c.Site, []byte(secret))
	if err != nil {
		return nil, errors.New("secret_env: the value of " + c.Secret.Env + " does not do: " + err.Error())
	}
	return m, nil
}

func compile(from *edgeconfig.Route) (*route, error) {
	r := &route{exempt: from.Exempt, upstream: from.Trust == rewrite.Upstream, version: version(from)}
	placement := csp.Placement{ScriptNonce: from.Scripts, StyleNonce: from.Styles, ReportSample: true}
	var err error
	if r.enforce, err = templates(from.Enforce, placement); err != nil {
		return nil, err
	}
	if r.reportOnly, err = templates(from.ReportOnly, placement); err != nil {
		return nil, err
	}
	o := rewrite.Options{Trust: from.Trust, Approved: from.Approved}
	for _, t := range append(append([]*csp.Template(nil), r.enforce...), r.reportOnly...) {
		o.Scripts = o.Scripts || t.StampsScripts()
		o.Styles = o.Styles || t.StampsStyles()
	}
	if o.Scripts || o.Styles {
		r.stamping = &o
	}
	return r, nil
}

func templates(l csp.List, placement csp.Placement) (out []*csp.Template, err error) {
	for _, p := range l {
		t, err := csp.NewTemplate(p, placement)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// version names the policies of a route: the same policies have the same
// version at every edge.
func version(r *edgeconfig.Route) uint32 {
	text := r.Enforce.String() + "\n" + r.ReportOnly.String()
	sum := sha256.Sum256([]byte(text))
	return binary.BigEndian.Uint32(sum[:])
}

// NewStream returns a stream for one request. It may be one that ended before.
func (p *Plugin) NewStream() *Stream {
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return s
	}
	return &Stream{plugin: p}
}

// maxIdle bounds how many ended streams are kept: a burst's memory is given
// back.
const maxIdle = 64

func (p *Plugin) recycle(s *Stream) {
	*s = Stream{plugin: p, body: s.body} // whose buffers are worth keeping
	if len(p.idle) < maxIdle {
		p.idle = append(p.idle, s)
	}
}

// match finds the compiled route of a request, nil if it has none or belongs
// to the collector.
func (p *Plugin) match(host, path string) *route {
	if p.config.CollectorPath(path) {
		return nil
	}
	chosen := p.config.Select(host, path)
	for i := range p.config.Routes {
		if chosen == &p.config.Routes[i] && !p.routes[i].exempt {
			return p.routes[i]
		}
	}
	return nil
}

// reportURL is the path that reports of a policy go to: on the page's own
// origin, with the page view's token.
func (p *Plugin) reportURL(c session.Claims) string {
	var b strings.Builder
	b.WriteString(p.config.BasePath)
	b.WriteString("/report/csp/")
	b.Write(p.tokens.Append(nil, c))
	return b.String()
}
