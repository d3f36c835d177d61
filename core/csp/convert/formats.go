package convert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
)

func anyKey(obj []member, f func(string) bool) bool {
	return slices.ContainsFunc(obj, func(m member) bool { return f(m.key) })
}

// ---- django-csp-observer: settings CSPO_..., or another namespace

const observerSuffix = "_CSP_POLICIES"

func claimsObserver(obj []member) bool {
	return anyKey(obj, func(k string) bool { return strings.HasSuffix(k, observerSuffix) || k == "CSP_POLICIES" })
}

// observer: REPORT_ONLY and the nonces default to true, as there.
func (im *importer) observer(obj []member) error {
	namespace, known := "", false
	for _, m := range obj {
		if s, ok := strings.CutSuffix(m.key, "CSP_POLICIES"); ok {
			namespace, known = s, true
		}
	}
	b := builder{}
	policies := lookup(obj, namespace+"CSP_POLICIES")
	if !known {
		policies = nil
		for _, m := range obj {
			if i := strings.IndexByte(m.key, '_'); i > 0 {
				namespace = m.key[:i+1]
				break
			}
		}
	}
	if policies == nil {
		policies = json.RawMessage(`{"default-src": ["'self'"], "script-src": ["'self'"], "style-src": ["'self'"], "connect-src": ["'self'"], "style-src-attr": ["'unsafe-inline'"]}`)
		im.note("%sCSP_POLICIES is missing: django-csp-observer's default policy is taken", namespace)
	}
	if err := b.directives(namespace+"CSP_POLICIES", policies, strings.ToLower); err != nil {
		return err
	}
	b.ReportOnly = flag(lookup(obj, namespace+"REPORT_ONLY"), true)
	b.ScriptNonce = flag(lookup(obj, namespace+"USE_SCRIPT_NONCE"), true)
	b.StyleNonce = flag(lookup(obj, namespace+"USE_STYLE_NONCE"), true)
	for _, m := range obj {
		switch strings.TrimPrefix(m.key, namespace) {
		case "CSP_POLICIES", "REPORT_ONLY", "USE_SCRIPT_NONCE", "USE_STYLE_NONCE":
		default:
			im.note("%s is no part of the policy", m.key)
		}
	}
	return im.finish(&b)
}

// ---- django-csp 3 (CSP_DEFAULT_SRC) and 4 (CONTENT_SECURITY_POLICY), Django 6
// (SECURE_CSP)

func claimsDjango(obj []member) bool {
	return anyKey(obj, func(k string) bool {
		return strings.HasPrefix(k, "CONTENT_SECURITY_POLICY") || strings.HasPrefix(k, "SECURE_CSP") || strings.HasPrefix(k, "CSP_") || k == "DIRECTIVES"
	})
}

func (im *importer) django(obj []member) error {
	var old []member
	for _, m := range obj {
		reportOnly := strings.HasSuffix(m.key, "_REPORT_ONLY")
		var err error
		switch {
		case m.key == "CONTENT_SECURITY_POLICY" || m.key == "CONTENT_SECURITY_POLICY_REPORT_ONLY":
			err = im.django4(m.key, m.value, reportOnly)
		case m.key == "SECURE_CSP" || m.key == "SECURE_CSP_REPORT_ONLY":
			b := builder{Imported: Imported{ReportOnly: reportOnly}}
			if err = b.directives(m.key, m.value, strings.ToLower); err == nil {
				err = im.finish(&b)
			}
		case strings.HasPrefix(m.key, "CSP_"):
			old = append(old, m)
		case m.key == "DIRECTIVES":
			return im.django4("", toJSON(obj), false)
		default:
			im.note("%s is no part of the policy", m.key)
		}
		if err != nil {
			return err
		}
	}
	if len(old) > 0 {
		return im.django3(old)
	}
	return nil
}

func toJSON(obj []member) json.RawMessage {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range obj {
		if i > 0 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(m.key)
		b.Write(key)
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return json.RawMessage(b.String())
}

// djangoDefault is what django-csp adds where default-src is not set.
var djangoDefault = []csp.NameValue{{Name: "default-src", Value: "'self'"}}

func (im *importer) django4(key string, v json.RawMessage, reportOnly bool) error {
	if kind(v) == 'n' {
		return nil
	}
	obj, err := readObject(v)
	if err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	b := builder{Imported: Imported{ReportOnly: reportOnly}}
	off := map[string]bool{}
	for _, m := range obj {
		switch m.key {
		case "DIRECTIVES":
			if err := b.directives(strings.TrimPrefix(key+".DIRECTIVES", "."), m.value, strings.ToLower); err != nil {
				return err
			}
			off = switchedOff(m.value, strings.ToLower)
		default:
			im.note("%s is no part of the policy", strings.TrimPrefix(key+"."+m.key, "."))
		}
	}
	im.addDefaults(&b, djangoDefault, off, "django-csp")
	return im.finish(&b)
}

func (im *importer) addDefaults(b *builder, list []csp.NameValue, off map[string]bool, tool string) {
	if added := b.defaults(list, off); len(added) > 0 {
		im.note("%s adds by itself: %s", tool, strings.Join(added, ", "))
	}
}

// switchedOff lists the directives whose value is null or false.
func switchedOff(v json.RawMessage, name func(string) string) map[string]bool {
	obj, _ := readObject(v)
	out := map[string]bool{}
	for _, m := range obj {
		if k := kind(m.value); k == 'n' || k == 'f' {
			out[name(m.key)] = true
		}
	}
	return out
}

func (im *importer) django3(obj []member) error {
	var b builder
	off := map[string]bool{}
	for _, m := range obj {
		switch m.key {
		case "CSP_REPORT_ONLY":
			b.ReportOnly = flag(m.value, false)
		case "CSP_INCLUDE_NONCE_IN":
			names, _, err := sources(m.value)
			if err != nil {
				return fmt.Errorf("key %q: %w", m.key, err)
			}
			for _, n := range names {
				b.nonceIn(n)
			}
		case "CSP_EXCLUDE_URL_PREFIXES", "CSP_REPORT_PERCENTAGE":
			im.note("%s is no part of the policy", m.key)
		default:
			name := kebab(strings.TrimPrefix(m.key, "CSP_"))
			if k := kind(m.value); k == 'n' || k == 'f' {
				off[name] = true
			}
			if err := b.add(m.key, name, m.value); err != nil {
				return err
			}
		}
	}
	im.addDefaults(&b, djangoDefault, off, "django-csp")
	return im.finish(&b)
}

// ---- Flask-Talisman: the arguments of Talisman()

func claimsTalisman(obj []member) bool {
	return anyKey(obj, func(k string) bool { return strings.HasPrefix(k, "content_security_policy") })
}

func (im *importer) talisman(obj []member) error {
	var b builder
	const key = "content_security_policy"
	b.ReportOnly = flag(lookup(obj, key+"_report_only"), false)
	if in := lookup(obj, key+"_nonce_in"); in != nil {
		names, _, err := sources(in)
		if err != nil {
			return fmt.Errorf("key %q: %w", key+"_nonce_in", err)
		}
		for _, n := range names {
			b.nonceIn(n)
		}
	}
	for _, m := range obj {
		switch strings.TrimPrefix(m.key, key) {
		case "", "_report_only", "_nonce_in", "_report_uri":
		default:
			if claimsTalisman(obj) {
				im.note("%s is no part of the policy", m.key)
			}
		}
	}
	policy := lookup(obj, key)
	switch {
	case policy == nil && claimsTalisman(obj):
		im.note("content_security_policy is missing: Talisman's default policy is taken")
		policy = json.RawMessage(`{"default-src": "'self'", "object-src": "'none'"}`)
	case policy == nil: // the dictionary alone
		policy = toJSON(obj)
	case kind(policy) == '"':
		return im.finishText(key, policy, &b)
	case kind(policy) != '{':
		return nil // switched off
	}
	if err := b.directives(key, policy, strings.ToLower); err != nil {
		return err
	}
	if uri := lookup(obj, key+"_report_uri"); uri != nil {
		if err := b.add(key+"_report_uri", "report-uri", uri); err != nil {
			return err
		}
	}
	return im.finish(&b)
}

// ---- helmet: the options of helmet() or of helmet.contentSecurityPolicy()

func claimsHelmet(obj []member) bool {
	return anyKey(obj, func(k string) bool {
		return k == "contentSecurityPolicy" || k == "directives" || k == "useDefaults" || strings.HasSuffix(k, "Src")
	})
}

// helmetDefaults are those of helmet 8.
var helmetDefaults = []csp.NameValue{
	{Name: "default-src", Value: "'self'"},
	{Name: "base-uri", Value: "'self'"},
	{Name: "font-src", Value: "'self' https: data:"},
	{Name: "form-action", Value: "'self'"},
	{Name: "frame-ancestors", Value: "'self'"},
	{Name: "img-src", Value: "'self' data:"},
	{Name: "object-src", Value: "'none'"},
	{Name: "script-src", Value: "'self'"},
	{Name: "script-src-attr", Value: "'none'"},
	{Name: "style-src", Value: "'self' https: 'unsafe-inline'"},
	{Name: "upgrade-insecure-requests"},
}

func (im *importer) helmet(obj []member) error {
	if inner := lookup(obj, "contentSecurityPolicy"); inner != nil {
		switch kind(inner) {
		case 'f':
			return nil
		case 't':
			obj = nil
		default:
			var err error
			if obj, err = readObject(inner); err != nil {
				return fmt.Errorf("key %q: %w", "contentSecurityPolicy", err)
			}
		}
	} else if lookup(obj, "directives") == nil && lookup(obj, "useDefaults") == nil && len(obj) > 0 {
		obj = []member{{"directives", toJSON(obj)}} // the dictionary alone
	}
	for _, m := range obj {
		switch {
		case m.key == "directives", m.key == "useDefaults", m.key == "reportOnly":
		case strings.HasSuffix(m.key, "Src"):
			return fmt.Errorf("key %q: a directive stands outside of \"directives\"; write it inside", m.key)
		default:
			im.note("%s is no part of the policy", m.key)
		}
	}
	b := builder{Imported: Imported{ReportOnly: flag(lookup(obj, "reportOnly"), false)}}
	off := map[string]bool{}
	if d := lookup(obj, "directives"); d != nil {
		if err := b.directives("directives", dropDisabled(d, off), kebab); err != nil {
			return err
		}
	}
	if flag(lookup(obj, "useDefaults"), true) {
		im.addDefaults(&b, helmetDefaults, off, "helmet")
	}
	return im.finish(&b)
}

// dropDisabled leaves out what is null, or the symbol dangerouslyDisableDefaultSrc
// written as text, and notes it.
func dropDisabled(v json.RawMessage, off map[string]bool) json.RawMessage {
	obj, err := readObject(v)
	if err != nil {
		return v // the caller reports it
	}
	obj = slices.DeleteFunc(obj, func(m member) bool {
		gone := kind(m.value) == 'n' || kind(m.value) == 'f' || strings.Contains(string(m.value), "dangerouslyDisableDefaultSrc")
		if gone {
			off[kebab(m.key)] = true
		}
		return gone
	})
	return toJSON(obj)
}

// ---- secure.py: the directives of a ContentSecurityPolicy object, by the names
// of its methods; any other plain dictionary of directives reads the same

func (im *importer) secure(obj []member) error {
	b := builder{}
	for _, key := range [...]string{"csp", "content_security_policy", "Content-Security-Policy"} {
		inner := lookup(obj, key)
		switch kind(inner) {
		case '"':
			return im.finishText(key, inner, &b)
		case '{':
			var err error
			if obj, err = readObject(inner); err != nil {
				return fmt.Errorf("key %q: %w", key, err)
			}
		}
	}
	if ro := lookup(obj, "report_only"); ro != nil {
		b.ReportOnly = flag(ro, false)
		obj = slices.DeleteFunc(obj, func(m member) bool { return m.key == "report_only" })
	}
	if len(obj) == 0 {
		return errNoDirectives
	}
	for _, m := range obj {
		if err := b.add(m.key, kebab(m.key), m.value); err != nil {
			return err
		}
	}
	return im.finish(&b)
}
