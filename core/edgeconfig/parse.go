package edgeconfig

import (
	"slices"
	"strconv"
	"strings"

	"github.com/edgecsp/edgecsp/core/session"
	"github.com/valyala/fastjson"
)

// A Fault is one thing that is wrong with a configuration.
type Fault struct {
	Path    string // where, as in "routes[1].enforce.script-src"; "" is the whole
	Message string // what is wrong and what would be right
}

// Faults are all that is wrong with a configuration, in the order of the text,
// at most MaxFaults and a last one that counts the others.
type Faults []Fault

// Error lists the faults, a line each.
func (f Faults) Error() string {
	var b strings.Builder
	for i, fault := range f {
		if i > 0 {
			b.WriteByte('\n')
		}
		if fault.Path != "" {
			b.WriteString(fault.Path + ": ")
		}
		b.WriteString(fault.Message)
	}
	return b.String()
}

// Parse reads a configuration. The error is Faults.
func Parse(text []byte) (*Config, error) {
	p := &parser{}
	c := p.config(text)
	if p.dropped > 0 {
		p.faults = append(p.faults, Fault{"", "and " + strconv.Itoa(p.dropped) + " more faults"})
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}

type parser struct {
	faults  Faults
	dropped int
}

func (p *parser) fault(path, message string) {
	if len(p.faults) >= MaxFaults {
		p.dropped++
		return
	}
	p.faults = append(p.faults, Fault{path, message})
}

// fields are the keys that an object may have, and what reads each.
type fields map[string]func(path string, v *fastjson.Value)

// object reads an object by its fields and reports the keys that are unknown
// or stand twice.
func (p *parser) object(path string, v *fastjson.Value, f fields) {
	if v.Type() != fastjson.TypeObject {
		p.fault(path, "is "+kind(v)+"; an object is right here, with the keys "+f.names())
		return
	}
	seen := map[string]bool{}
	v.GetObject().Visit(func(key []byte, v *fastjson.Value) {
		name := string(key)
		at := join(path, name)
		switch read := f[name]; {
		case seen[name]:
			p.fault(at, "stands twice")
		case read == nil:
			p.fault(at, "unknown key; known are "+f.names())
		default:
			read(at, v)
		}
		seen[name] = true
	})
}

func (f fields) names() string {
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// kind names a value's type with its article.
func kind(v *fastjson.Value) string {
	switch v.Type() {
	case fastjson.TypeObject:
		return "an object"
	case fastjson.TypeArray:
		return "a list"
	case fastjson.TypeString:
		return "a string"
	case fastjson.TypeNumber:
		return "a number"
	case fastjson.TypeNull:
		return "null"
	}
	return "true or false"
}

func (p *parser) string(path string, v *fastjson.Value) string {
	b, err := v.StringBytes()
	if err != nil {
		p.fault(path, "is "+kind(v)+"; a string is right here")
	}
	return string(b)
}

func (p *parser) bool(path string, v *fastjson.Value) bool {
	b, err := v.Bool()
	if err != nil {
		p.fault(path, "is "+kind(v)+"; true or false is right here")
	}
	return b
}

func (p *parser) list(path string, v *fastjson.Value, limit int) []*fastjson.Value {
	a, err := v.Array()
	if err != nil {
		p.fault(path, "is "+kind(v)+"; a list is right here")
	}
	if len(a) > limit {
		p.fault(path, "has "+strconv.Itoa(len(a))+" entries; "+strconv.Itoa(limit)+" are the most")
		return nil
	}
	return a
}

// setString and setBool are fields that only store.
func (p *parser) setString(to *string) func(string, *fastjson.Value) {
	return func(path string, v *fastjson.Value) { *to = p.string(path, v) }
}

func (p *parser) setBool(to *bool) func(string, *fastjson.Value) {
	return func(path string, v *fastjson.Value) { *to = p.bool(path, v) }
}

func (p *parser) config(text []byte) *Config {
	if len(text) > MaxSize {
		p.fault("", "the configuration has "+strconv.Itoa(len(text))+" bytes; "+strconv.Itoa(MaxSize)+" are the most")
		return nil
	}
	v, err := fastjson.ParseBytes(text)
	if err != nil {
		p.fault("", notJSON(text, err))
		return nil
	}
	c := &Config{BasePath: DefaultBasePath}
	var literal bool
	var routes *fastjson.Value
	p.object("", v, fields{
		"site":                    p.setString(&c.Site),
		"secret_env":              p.setString(&c.Secret.Env),
		"secret":                  p.setString(&c.Secret.Literal),
		"insecure_literal_secret": p.setBool(&literal),
		"collector": func(path string, v *fastjson.Value) {
			p.object(path, v, fields{"base_path": p.setString(&c.BasePath)})
		},
		"routes": func(_ string, v *fastjson.Value) { routes = v },
	})
	if v.Type() != fastjson.TypeObject {
		return nil
	}
	p.checkSite(c)
	p.checkSecret(&c.Secret, literal)
	p.checkBasePath(c)
	p.routes(c, routes)
	return c
}

// notJSON explains a text that is no JSON. What Envoy passes on of a Struct is
// protobuf, which starts with the tag of its first field.
func notJSON(text []byte, err error) string {
	switch {
	case len(strings.TrimSpace(string(text))) == 0:
		return "the configuration is empty; give the filter JSON in a google.protobuf.StringValue"
	case text[0] == 0x0a:
		return "the configuration is not JSON but protobuf: Envoy passes a google.protobuf.Struct on that way; use a google.protobuf.StringValue with the JSON as its value"
	}
	return "the configuration is not JSON: " + err.Error()
}

func (p *parser) checkSite(c *Config) {
	if !session.ValidSite(c.Site) {
		p.fault("site", "is "+strconv.Quote(c.Site)+"; a name of 1 to "+strconv.Itoa(session.MaxSite)+" characters of a-z, 0-9, '.', '-' and '_' is right here, the same as the collector's")
	}
}

func (p *parser) checkSecret(s *Secret, literal bool) {
	switch {
	case s.Env == "" && s.Literal == "":
		p.fault("secret_env", "is missing: name the environment variable that holds the site's secret, and pass it to the filter's VM (host_env_keys)")
	case s.Env != "" && s.Literal != "":
		p.fault("secret", "stands beside secret_env; one of them is right")
	case s.Literal != "" && !literal:
		p.fault("secret", "stands in the configuration, where every dump of it shows it; use secret_env, or set insecure_literal_secret to true")
	case s.Literal != "" && (len(s.Literal) < session.MinSecret || len(s.Literal) > session.MaxSecret):
		p.fault("secret", session.ErrSecretLength.Error())
	}
}

func (p *parser) checkBasePath(c *Config) {
	b := c.BasePath
	plain := strings.Trim(b, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_.~") == ""
	if !plain || len(b) < 2 || b[0] != '/' || b[len(b)-1] == '/' || strings.Contains(b, "//") || strings.Contains(b, "/.") {
		p.fault("collector.base_path", "is "+strconv.Quote(b)+`; a path such as "/csp" is right here, without a slash at its end`)
	}
}
