package csp

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Allow gives a policy that lets through what the sources name, in the named
// directive, besides what p lets through:
//
//   - 'none' goes, for next to others it would be a lie;
//   - a directive that is not there is made of the sources of the one that
//     decides in its place (CSP3 6.8.3), so that nothing is forbidden by it;
//   - where nothing restricts the directive the policy stays as it is: to name
//     sources would forbid all others.
//
// It fails for a directive without a source list, and where the result would
// forbid more than before: a nonce or hash, or 'strict-dynamic', silences
// 'unsafe-inline' and hosts.
func (p Policy) Allow(name string, sources ...Source) (Policy, error) {
	id := dirByName(name)
	if v := directives[id].value; id == dirUnknown || v != valueSources && v != valueAncestors || directives[id].obsolete != "" {
		return Policy{}, &ParseError{Directive: printable(name), Problem: "the directive has no source list", Fix: "name one such as script-src"}
	}
	chain := fallbacks(name)
	i := p.first(chain...)
	if i < 0 {
		return p, nil
	}
	d := p.Directives[i]
	if err := silences(name, d, sources); err != nil {
		return Policy{}, err
	}
	made := Directive{Name: name, Sources: d.Sources}
	if d.Name != name && strings.HasSuffix(name, "-src") && name != "script-src" && name != "style-src" && name != "worker-src" {
		made.Sources = urlSources(d)
	}
	for _, s := range sources {
		if s.text != "" && s.keyword != None && !slices.ContainsFunc(made.Sources, s.Equal) {
			made.Sources = withSource(made.Sources, s)
		}
	}
	out := Policy{Directives: slices.Clone(p.Directives)}
	if d.Name == name {
		out.Directives[i] = made
	} else {
		out.Directives = slices.Insert(out.Directives, i+1, made)
	}
	return out, nil
}

// fallbacks is the chain that decides a directive's activities; a directive of
// which others make use (script-src, child-src) has itself and default-src.
func fallbacks(name string) []string {
	for a := NoActivity + 1; a < activityCount; a++ {
		if c := activities[a].chain; c[0] == name {
			return c
		}
	}
	switch name {
	case "script-src", "style-src", "child-src":
		return []string{name, "default-src"}
	}
	return []string{name}
}

// silences says whether new sources would take from old ones their force.
func silences(name string, d Directive, sources []Source) error {
	script := strings.HasPrefix(name, "script-src") || name == "default-src"
	inline := (script || strings.HasPrefix(name, "style-src")) && d.inlineInForce(script)
	for _, s := range sources {
		switch {
		case inline && (s.kind == KindNonce || s.kind == KindHash || script && s.keyword == StrictDynamic):
			return &ParseError{Directive: name, Value: s.text, Problem: "it would silence 'unsafe-inline'", Fix: "take 'unsafe-inline' out first"}
		case script && s.keyword == StrictDynamic && !d.Has(StrictDynamic):
			return &ParseError{Directive: name, Value: s.text, Problem: "it would silence hosts, schemes and 'self'", Fix: "write the directive anew"}
		}
	}
	return nil
}

// Intersect joins lists: what all of them allow. Policies that are there already
// are left out; the result shares the policies.
func Intersect(lists ...List) List {
	var out List
	for _, l := range lists {
		for _, p := range l {
			if !slices.ContainsFunc(out, p.Equal) {
				out = append(out, p)
			}
		}
	}
	return out
}

// Identity is the same for all responses that carry the policy: 32 hexadecimal
// digits of a SHA-256 over what the policy says, without nonces, report-uri and
// report-to (they hold values of one response). The order of directives and
// sources, letter case where it does not matter, and repetitions change nothing.
func (p Policy) Identity() string {
	sum := sha256.Sum256([]byte(p.canonical()))
	return hex.EncodeToString(sum[:16])
}

// Identity of a list is that of its policies, in any order.
func (l List) Identity() string {
	all := make([]string, 0, len(l))
	for _, p := range l {
		all = append(all, p.canonical())
	}
	slices.Sort(all)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(all), ", ")))
	return hex.EncodeToString(sum[:16])
}

func (p Policy) canonical() string {
	var out []string
	for _, d := range p.Directives {
		if d.Name == "report-uri" || d.Name == "report-to" {
			continue
		}
		var sources []string
		for i := range d.Sources {
			if d.Sources[i].kind != KindNonce {
				sources = append(sources, d.Sources[i].Canonical())
			}
		}
		slices.Sort(sources)
		out = append(out, strings.Join(append([]string{d.Name}, slices.Compact(sources)...), " "))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// Canonical is the text with upper case folded where it means nothing: in
// keywords, schemes, hosts and names of hash algorithms.
func (s Source) Canonical() string {
	switch s.kind {
	case KindKeyword, KindScheme:
		return lower(s.text)
	case KindHost:
		return lower(s.text[:s.pathOff]) + s.text[s.pathOff:s.pathEnd]
	case KindHash, KindNonce:
		return lower(s.text[:s.prefix]) + s.text[s.prefix:]
	}
	return s.text
}
