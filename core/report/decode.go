package report

import (
	"strings"
	"time"

	"github.com/valyala/fastjson"
)

const (
	// MaxAge is the greatest age of a report that is believed; browsers give
	// up on delivery long before.
	MaxAge = 24 * time.Hour

	maxStatus   = 999
	maxPosition = 1<<31 - 1
	// maxKey is the length of the longest member name that means something,
	// with room to spare.
	maxKey = 32
)

var parsers fastjson.ParserPool

// Decode returns the reports in one request's body, in the body's order, and
// counts of all entries. It never fails: what can't be read is counted, and one
// odd entry never costs the others. now is the time of receipt, from which ages
// are taken. The reports share no memory with body.
//
// Accepted are an array of entries or a single entry; an entry is a Reporting
// API envelope, a legacy report, or a legacy report without its wrapper; member
// names in any of their spellings (documentURL, document-uri, document_url).
func Decode(body []byte, now time.Time) ([]Report, Stats) {
	return DecodeWithin(body, now, DefaultLimits())
}

// DecodeWithin is Decode with other limits.
func DecodeWithin(body []byte, now time.Time, limits Limits) ([]Report, Stats) {
	entries, more := split(body, limits.Entries)
	stats := Stats{Entries: len(entries) + more, Dropped: more}
	p := parsers.Get()
	defer parsers.Put(p)
	var reports []Report
	for _, e := range entries {
		if !limits.fits(e) {
			stats.Dropped++
			continue
		}
		r, res := decodeEntry(p, e.json, now)
		switch res {
		case kept:
			reports = append(reports, r)
			stats.Kept++
		case unknown:
			stats.Unknown++
		case malformed:
			stats.Malformed++
		}
	}
	return reports, stats
}

type result int

const (
	kept result = iota
	unknown
	malformed
)

func decodeEntry(p *fastjson.Parser, raw []byte, now time.Time) (Report, result) {
	v, err := p.ParseBytes(raw)
	if err != nil {
		return Report{}, malformed
	}
	o, err := v.Object()
	if err != nil {
		return Report{}, malformed
	}
	env := readEnvelope(o)
	if env.wrapper {
		return finish(env, CSPViolation, env.legacy, now)
	}
	if env.kind.Known() && (env.body != nil || env.kind != CSPViolation) {
		return finish(env, env.kind, env.body, now)
	}
	if env.kind == "" || env.body == nil {
		// A violation without its wrapper may carry a type and a url of its
		// own; an envelope may lack its type. Their members tell.
		inner := env.body
		if inner == nil {
			inner = o
		}
		if f := readFields(inner); f.isCSP() {
			return finish(env, CSPViolation, inner, now)
		}
	}
	if env.otherWrapper || env.kind != "" && !env.kind.Known() {
		return Report{}, unknown
	}
	return Report{}, malformed
}

// An envelope is the outer object of an entry. Its members are read apart from
// the body's: coep, coop and network-error bodies have a type of their own.
type envelope struct {
	wrapper      bool // has a csp-report member, of whatever value
	otherWrapper bool // such as expect-ct-report
	legacy       *fastjson.Object
	kind         Kind
	body         *fastjson.Object
	url          string
	userAgent    string
	age          time.Duration
}

func readEnvelope(o *fastjson.Object) (env envelope) {
	o.Visit(func(key []byte, v *fastjson.Value) {
		var buf [maxKey]byte
		switch name := string(fold(&buf, key)); name {
		default:
			env.otherWrapper = env.otherWrapper || strings.HasSuffix(name, "report")
		case "cspreport":
			env.wrapper = true
			env.legacy = object(v)
		case "type":
			env.kind = Kind(text(v))
		case "body":
			env.body = object(v)
		case "url":
			env.url = text(v)
		case "useragent":
			env.userAgent = text(v)
		case "age":
			env.age = age(v)
		}
	})
	return env
}

// finish makes the report of an envelope and its body, which is nil where it
// was null or no object.
func finish(env envelope, k Kind, body *fastjson.Object, now time.Time) (Report, result) {
	var f fields
	if body != nil {
		f = readFields(body)
	}
	if k == CSPViolation && !f.isCSP() {
		return Report{}, malformed
	}
	r := f.Report
	r.Kind = k
	r.UserAgent = env.userAgent
	r.Observed = now.Add(-env.age)
	if r.Page == "" {
		r.Page = env.url
	}
	if r.Directive == "" {
		r.Directive = f.violated
	}
	if k != CSPViolation {
		f.fillOther(&r)
	}
	return r, kept
}

// fillOther gives a report of another type what such types say.
func (f *fields) fillOther(r *Report) {
	r.Sample, r.Detail = "", f.detail.text
	if r.Directive == "" {
		r.Directive = f.about.text
	}
	if r.Blocked == "" {
		r.Blocked = f.blocked.text
	}
}
