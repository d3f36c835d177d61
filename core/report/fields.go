package report

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"
)

// fields are the members of a report's body. Of several spellings of one
// member the first that says something counts.
type fields struct {
	Report
	violated string // violated-directive's first token
	// What reports of other types are about and what they say of it, by rank:
	// their members come in any order.
	about, detail, blocked ranked
}

// A ranked text is that of the first of several members, in an order of ours
// and not the sender's.
type ranked struct {
	text string
	rank int // 0 for none; 1 counts most
}

func (r *ranked) offer(rank int, v *fastjson.Value) {
	if r.rank != 0 && r.rank <= rank {
		return
	}
	if s := text(v); s != "" {
		r.text, r.rank = s, rank
	}
}

// isCSP reports whether the members are those of a CSP violation.
func (f *fields) isCSP() bool { return f.Directive != "" || f.violated != "" || f.Blocked != "" }

func readFields(o *fastjson.Object) (f fields) {
	o.Visit(func(key []byte, v *fastjson.Value) {
		var buf [maxKey]byte
		f.read(string(fold(&buf, key)), v)
	})
	return f
}

func (f *fields) read(key string, v *fastjson.Value) {
	switch key {
	case "documenturl", "documenturi":
		first(&f.Page, v)
	case "referrer":
		first(&f.Referrer, v)
	case "blockedurl", "blockeduri", "subresourceurl":
		first(&f.Blocked, v)
	case "effectivedirective":
		firstDirective(&f.Directive, v)
	case "violateddirective":
		firstDirective(&f.violated, v)
	case "originalpolicy":
		first(&f.Policy, v)
	case "sourcefile":
		first(&f.SourceFile, v)
	case "scriptsample", "sample":
		first(&f.Sample, v)
	case "linenumber":
		firstNumber(&f.Line, v, maxPosition)
	case "columnnumber":
		firstNumber(&f.Column, v, maxPosition)
	case "statuscode":
		firstNumber(&f.Status, v, maxStatus)
	case "disposition", "reportonly":
		if f.Disposition == Unstated {
			f.Disposition = disposition(v)
		}
	default:
		f.readOther(key, v)
	}
}

// readOther reads the members of types other than CSP violations.
func (f *fields) readOther(key string, v *fastjson.Value) {
	switch key {
	case "featureid":
		f.about.offer(1, v)
	case "policyid":
		f.about.offer(2, v)
	case "id":
		f.about.offer(3, v)
	case "type":
		f.about.offer(4, v)
	case "destination":
		f.about.offer(5, v)
	case "reason":
		f.about.offer(6, v)
		f.detail.offer(3, v)
	case "message":
		f.detail.offer(1, v)
	case "hash":
		f.detail.offer(2, v)
	case "phase":
		f.detail.offer(4, v)
	case "property":
		f.detail.offer(5, v)
	case "effectivepolicy":
		f.detail.offer(6, v)
	case "otherdocumenturl", "openeeurl":
		f.blocked.offer(1, v)
	case "openerurl", "initialpopupurl":
		f.blocked.offer(2, v)
	case "nextresponseurl":
		f.blocked.offer(3, v)
	case "previousresponseurl":
		f.blocked.offer(4, v)
	}
}

func first(dst *string, v *fastjson.Value) {
	if *dst == "" {
		*dst = text(v)
	}
}

func firstDirective(dst *string, v *fastjson.Value) {
	if *dst == "" {
		*dst = directive(text(v))
	}
}

func firstNumber(dst *int, v *fastjson.Value, limit int) {
	if *dst == 0 {
		*dst = number(v, limit)
	}
}

// directive returns the name in a directive's text, "" where there is none:
// browsers before CSP3 sent the whole directive with its sources.
func directive(s string) string {
	s = strings.TrimLeft(s, " \t\r\n")
	for i := range len(s) {
		if c := s[i]; c|0x20 < 'a' || c|0x20 > 'z' {
			if c != '-' {
				s = s[:i]
				break
			}
		}
	}
	return strings.ToLower(s)
}

// disposition reads a CSP disposition (enforce, report; reporting in coep,
// coop and some early reports) or integrity-violation's reportOnly.
func disposition(v *fastjson.Value) Disposition {
	switch v.Type() {
	case fastjson.TypeTrue:
		return ReportOnly
	case fastjson.TypeFalse:
		return Enforce
	}
	switch strings.ToLower(text(v)) {
	case "enforce":
		return Enforce
	case "report", "reporting":
		return ReportOnly
	}
	return Unstated
}

// text returns a string, or a number in its own spelling, and "" for the rest.
func text(v *fastjson.Value) string {
	switch v.Type() {
	case fastjson.TypeString:
		b, _ := v.StringBytes()
		return strings.ToValidUTF8(string(b), "\uFFFD")
	case fastjson.TypeNumber:
		return v.String()
	}
	return ""
}

// number returns a whole number from 0 to limit; what is no number, or below
// 0, is 0, and what is above limit is limit. Strings of digits are numbers.
func number(v *fastjson.Value, limit int) int {
	n, err := strconv.ParseFloat(strings.TrimSpace(text(v)), 64)
	switch {
	case err != nil && !math.IsInf(n, 1), math.IsNaN(n), n < 0:
		return 0
	case n > float64(limit):
		return limit
	}
	return int(n)
}

func age(v *fastjson.Value) time.Duration {
	return time.Duration(number(v, int(MaxAge/time.Millisecond))) * time.Millisecond
}

func object(v *fastjson.Value) *fastjson.Object {
	o, err := v.Object()
	if err != nil {
		return nil
	}
	return o
}

// fold brings the spellings of a member name together: documentURL,
// document-url and document_url are documenturl. Longer names than any known
// come out empty.
func fold(buf *[maxKey]byte, key []byte) []byte {
	out := buf[:0]
	for _, c := range key {
		switch {
		case c == '-' || c == '_':
			continue
		case len(out) == maxKey:
			return nil
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		}
		out = append(out, c)
	}
	return out
}
