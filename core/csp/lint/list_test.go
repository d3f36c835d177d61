package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/edgecsp/edgecsp/core/csp"
)

func rulesOf(found []csp.Finding) (ids []string) {
	for _, f := range found {
		ids = append(ids, f.Rule)
	}
	return ids
}

// TestForbiddenElsewhere: what another policy of the list forbids is no finding,
// but only if it forbids all that the directive lets through.
func TestForbiddenElsewhere(t *testing.T) {
	for _, tc := range []struct {
		policy, rule string
		want         bool
	}{
		{"object-src *", "wildcard", true},
		{"object-src *, object-src 'none'", "wildcard", false},
		{"object-src *, default-src 'self'", "wildcard", false},
		{"object-src *, script-src 'none'", "wildcard", true},
		{"default-src *, script-src 'self'", "wildcard", true}, // objects
		{"default-src *, script-src 'self'; object-src 'none'", "wildcard", false},
		{"base-uri https:, base-uri 'none'", "plain-scheme", false},
		{"script-src *, script-src 'strict-dynamic' " + nonce, "wildcard", false},
		{"script-src *, script-src https:", "plain-scheme", true},
		{"script-src *.google.com, script-src " + nonce, "bypass-host", false},
		{"script-src *.google.com, script-src 'self'", "bypass-host", true},
		{"object-src 'self', object-src 'none'", "object-source", false},
		{"script-src 'unsafe-inline', script-src 'self'", "script-unsafe-inline", false},
		// The second policy forbids handlers, and elements it does not.
		{"script-src 'unsafe-inline', script-src 'self'; script-src-elem 'unsafe-inline'", "script-unsafe-inline", true},
		{"script-src 'unsafe-eval', script-src-elem 'self'", "script-unsafe-eval", true},
		{"script-src 'unsafe-eval', default-src 'self'", "script-unsafe-eval", false},
		// 'strict-dynamic' silences hosts for scripts alone.
		{"default-src 'strict-dynamic' https: " + nonce, "plain-scheme", true},
		{"default-src 'strict-dynamic' https: " + nonce + "; object-src 'none'", "plain-scheme", false},
		// Directives that do not decide.
		{"script-src 'self'; script-src-elem 'unsafe-eval'", "script-unsafe-eval", false},
		{"script-src 'self'; script-src-attr https:", "plain-scheme", false},
	} {
		if got := slices.Contains(rulesOf(Text(tc.policy, Options{})), tc.rule); got != tc.want {
			t.Errorf("%s: %s is %v", tc.policy, tc.rule, got)
		}
	}
}

// TestHeaders: headers that are sent together make one list, and each finding
// stands where its own header does.
func TestHeaders(t *testing.T) {
	const text = "default-src 'self'; base-uri 'none' | frame-ancestors 'none'; form-action 'self'; imgsrc *"
	cut := strings.IndexByte(text, '|') + 1
	headers := []Header{{text[:cut-1], 0}, {text[cut:], cut}}
	for _, f := range Headers(headers, Options{}) {
		switch f.Rule {
		case "missing-script-src", "missing-object-src", "missing-base-uri", "missing-frame-ancestors", "missing-form-action", "missing-default-src":
			t.Errorf("%s, though another header has it", f.Rule)
		case "directive-unknown":
			if f.Policy != 1 || !strings.HasPrefix(text[f.Offset:], "imgsrc") {
				t.Errorf("%+v", f)
			}
		}
	}
	if found := Headers(nil, Options{}); found != nil {
		t.Errorf("%+v", found)
	}
}

func TestPolicyEmpty(t *testing.T) {
	for policy, want := range map[string]bool{"": true, " ; ,;": true, "img-src é": true, "img-src *": false, ", img-src *": false} {
		if got := slices.Contains(rulesOf(Text(policy, Options{})), "policy-empty"); got != want {
			t.Errorf("%q: %v", policy, got)
		}
	}
}

func TestMaxPolicies(t *testing.T) {
	for _, n := range []int{maxPolicies - 1, maxPolicies, maxPolicies + 1} {
		found := Text(strings.Repeat("form-action 'self',", n), Options{})
		i := slices.IndexFunc(found, func(f csp.Finding) bool { return f.Rule == "too-many" })
		if (i >= 0) != (n > maxPolicies) || i >= 0 && found[i].Severity != csp.High {
			t.Errorf("%d policies: too-many at %d", n, i)
		}
	}
}

// TestTooManyIsSaid: what is left out counts by its severity.
func TestTooManyIsSaid(t *testing.T) {
	for _, tc := range []struct {
		policy string
		want   csp.Severity
	}{
		{"img-src" + strings.Repeat(" http://a.example", maxFindings), csp.Medium},
		{"img-src" + strings.Repeat(" 10.0.0.1", maxFindings) + "; script-src *.google.com", csp.High},
	} {
		found := List(parse(tc.policy), Options{})
		if last := found[len(found)-1]; last.Rule != "too-many" || last.Severity != tc.want {
			t.Errorf("%+v", last)
		}
	}
}

func parse(text string) csp.List {
	l, _ := csp.ParseList(text)
	return l
}

// TestFallbacksAndObjects: the milder findings that csp-evaluator has too.
func TestFallbacksAndObjects(t *testing.T) {
	for _, tc := range []struct {
		policy, rule string
		want         bool
	}{
		{"script-src " + nonce, "missing-inline-fallback", true},
		{"script-src " + nonce + " 'unsafe-inline'", "missing-inline-fallback", false},
		{"script-src 'self'", "missing-inline-fallback", false},
		{"script-src " + nonce + " 'strict-dynamic'", "missing-host-fallback", true},
		{"script-src " + nonce + " 'strict-dynamic' https:", "missing-host-fallback", false},
		{"script-src " + nonce, "missing-host-fallback", false},
		{"object-src 'self'", "object-source", true},
		{"default-src 'self'", "object-source", true},
		{"object-src 'none'", "object-source", false},
		{"object-src *", "object-source", false}, // grave enough as it is
		{"script-src 'self'", "host-list", true},
		{"script-src 'self' 'strict-dynamic' " + nonce, "host-list", false},
		{"sandbox allow-forms ALLOW-FORMS", "source-duplicate", true},
		{"trusted-types a A", "source-duplicate", false},
		{"trusted-types a *", "source-redundant", true},
		{"trusted-types 'allow-duplicates' *", "source-redundant", false},
		{"img-src a.example *", "source-redundant", true},
	} {
		if got := slices.Contains(rulesOf(Text(tc.policy, Options{})), tc.rule); got != tc.want {
			t.Errorf("%s: %s is %v", tc.policy, tc.rule, got)
		}
	}
}
