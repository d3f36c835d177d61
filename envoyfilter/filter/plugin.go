package filter

import (
	"errors"
	"strings"
	"time"

	"github.com/edgecsp/edgecsp/core/edgeconfig"
	"github.com/edgecsp/edgecsp/core/nonce"
	"github.com/edgecsp/edgecsp/core/session"
)

// A Plugin is one configuration in force. It makes the streams.
type Plugin struct {
	host           Host
	config         *edgeconfig.Config
	routes         []*route // of config.Routes, in its order
	nonces         *nonce.Source
	tokens         *session.Minter
	upstreamNonces seen
	counts         counters
	logged         map[string]time.Time
	idle           []*Stream // ended streams, to be used again
	out            []byte    // scratch for one body callback
}

// goodKey is where the last good configuration is kept, before the filter's
// identity.
const goodKey = "edgecsp.config/"

// Start starts a plugin with a configuration or, where that is refused, with
// the last one that was not: a mistake in an update must not take the policies
// from a site. Without an identity there is none to go back to: another
// filter's could be taken for this one's. The error is New's.
func Start(host Host, config []byte) (*Plugin, error) {
	key, identity := goodKey, host.Identity()
	key += identity
	p, err := New(host, config)
	switch {
	case identity == "":
		return p, err
	case err == nil:
		if err := host.SetShared(key, config); err != nil {
			host.Log(Warn, "the configuration can't be kept for the case that the next is refused: "+err.Error())
		}
		return p, nil
	}
	good := host.Shared(key)
	if good == nil {
		return nil, err
	}
	p, goodErr := New(host, good)
	if goodErr != nil {
		return nil, err
	}
	host.Log(Error, "the configuration is refused, and the last good one stays in force:\n"+err.Error())
	p.counts.refused(1)
	return p, nil
}

// New starts a plugin with a configuration. The error lists everything that is
// wrong with it, a line each.
func New(host Host, config []byte) (*Plugin, error) {
	c, err := edgeconfig.Parse(config)
	if err != nil {
		return nil, err
	}
	p := &Plugin{host: host, config: c, nonces: nonce.NewSource(host.Random), counts: newCounters(host), logged: map[string]time.Time{}}
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

// match finds the compiled route of a request, nil if it has none, is exempt,
// or belongs to the collector.
func (p *Plugin) match(host, path string) *route {
	if p.config.CollectorPath(path) {
		return nil
	}
	i := p.config.Select(host, path)
	if i < 0 || p.routes[i].Exempt {
		return nil
	}
	return p.routes[i]
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

// logEvery is how often the same thing is logged at most.
const logEvery = 10 * time.Second

// log writes a line, unless the same was said a moment ago: what goes wrong
// goes wrong for every request. what is a constant of the filter's.
func (p *Plugin) log(level Level, what, detail string) {
	now := p.host.Now()
	if last, said := p.logged[what]; said && now.Sub(last) < logEvery && now.After(last) {
		return
	}
	p.logged[what] = now
	p.host.Log(level, what+": "+detail)
}
