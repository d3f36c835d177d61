package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/edgecsp/edgecsp/core/csp"
)

// Imported is one policy read from settings.
type Imported struct {
	Policy     csp.Policy
	ReportOnly bool
	// ScriptNonce and StyleNonce say that the settings ask for nonces: a template
	// places them (csp.Placement); the policy holds none.
	ScriptNonce, StyleNonce bool
}

// Result is what Import reads.
type Result struct {
	// Format is the one that was read, one of Formats.
	Format   string
	Policies []Imported
	// Notes name what has no counterpart in a policy, and defaults that the tool
	// adds by itself.
	Notes []string
}

// MaxImport bounds the JSON text that Import reads, in bytes.
const MaxImport = 1 << 20

// The formats.
const (
	DjangoCSP      = "django-csp"
	DjangoObserver = "django-csp-observer"
	FlaskTalisman  = "flask-talisman"
	SecurePy       = "secure.py"
	Helmet         = "helmet"
)

// format reads the settings of one tool, and recognises them.
type format struct {
	name   string
	claims func([]member) bool
	read   func(*importer, []member) error
}

var formats = []format{
	{DjangoObserver, claimsObserver, (*importer).observer},
	{DjangoCSP, claimsDjango, (*importer).django},
	{FlaskTalisman, claimsTalisman, (*importer).talisman},
	{Helmet, claimsHelmet, (*importer).helmet},
	{SecurePy, func([]member) bool { return true }, (*importer).secure},
}

// Formats lists the names of the formats.
func Formats() []string {
	var out []string
	for _, f := range formats {
		out = append(out, f.name)
	}
	return out
}

// Import reads the settings of another tool, written as a JSON object: the
// dictionary that its documentation shows. name is one of Formats, or "" to tell
// by the keys. Policies are read strictly: what a browser would drop is an
// error that names the key.
func Import(name string, data []byte) (Result, error) {
	if len(data) > MaxImport {
		return Result{}, fmt.Errorf("the settings have %d bytes; give at most %d", len(data), MaxImport)
	}
	obj, err := readObject(data)
	if err != nil {
		return Result{}, err
	}
	for _, f := range formats {
		if name != f.name && (name != "" || !f.claims(obj)) {
			continue
		}
		im := importer{Result: Result{Format: f.name}}
		if err := f.read(&im, obj); err != nil {
			return Result{}, fmt.Errorf("%s: %w", f.name, err)
		}
		if len(im.Policies) == 0 {
			return Result{}, fmt.Errorf("%s: no policy is in the settings", f.name)
		}
		return im.Result, nil
	}
	return Result{}, fmt.Errorf("no format is called %q; the formats are %s", name, strings.Join(Formats(), ", "))
}

type importer struct{ Result }

func (im *importer) note(format string, args ...any) {
	im.Notes = append(im.Notes, fmt.Sprintf(format, args...))
}

// builder gathers the directives of one policy.
type builder struct {
	list  []csp.NameValue
	notes []string
	Imported
}

// add reads one directive.
func (b *builder) add(key, name string, v json.RawMessage) error {
	tokens, present, err := sources(v)
	if err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	if !present {
		return nil
	}
	kept := tokens[:0]
	for _, t := range tokens {
		if isNoncePlaceholder(t) {
			b.nonceIn(name)
			continue
		}
		kept = append(kept, t)
	}
	nv := csp.NameValue{Name: name, Value: strings.Join(kept, " ")}
	if why := obsolete(name); why != "" {
		b.notes = append(b.notes, fmt.Sprintf("%s is left out: no browser knows %s any more; %s", key, name, why))
		return nil
	}
	if _, err := csp.FromDirectives([]csp.NameValue{nv}); err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	b.list = append(b.list, nv)
	return nil
}

// obsolete says what to write instead of an obsolete directive, "" for others.
func obsolete(name string) string {
	_, found := csp.Parse(name)
	for _, f := range found {
		if f.Rule == "directive-obsolete" {
			return f.Fix
		}
	}
	return ""
}

// isNoncePlaceholder recognises what stands for the nonce in settings: names of
// constants, and format strings.
func isNoncePlaceholder(t string) bool {
	switch t {
	case "NONCE", "CSP.NONCE", "csp.constants.NONCE", "<CSP_NONCE_SENTINEL>", "'nonce'", "{nonce}":
		return true
	}
	inner, ok := strings.CutPrefix(strings.Trim(t, "'"), "nonce-")
	return ok && strings.ContainsAny(inner, "{}<>$%")
}

func (b *builder) nonceIn(name string) {
	b.ScriptNonce = b.ScriptNonce || strings.HasPrefix(name, "script-src") || name == "default-src"
	b.StyleNonce = b.StyleNonce || strings.HasPrefix(name, "style-src") || name == "default-src"
}

// defaults adds directives that are neither there nor switched off.
func (b *builder) defaults(list []csp.NameValue, off map[string]bool) (added []string) {
	for _, nv := range list {
		if !off[nv.Name] && !slices.ContainsFunc(b.list, func(x csp.NameValue) bool { return x.Name == nv.Name }) {
			b.list = append(b.list, nv)
			added = append(added, nv.Name)
		}
	}
	return added
}

// finish adds the policy to the result.
func (im *importer) finish(b *builder) error {
	im.Notes = append(im.Notes, b.notes...)
	p, err := csp.FromDirectives(b.list)
	if err != nil {
		return err
	}
	b.Policy = p
	im.Policies = append(im.Policies, b.Imported)
	return nil
}

// finishText adds a policy that was given as text.
func (im *importer) finishText(key string, v json.RawMessage, b *builder) error {
	var text string
	if err := json.Unmarshal(v, &text); err != nil {
		return jsonError(err)
	}
	p, err := csp.ParseStrict(text)
	if err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	b.Policy = p
	im.Policies = append(im.Policies, b.Imported)
	return nil
}

// directives reads a dictionary of directives; kebab turns its keys into names.
func (b *builder) directives(path string, v json.RawMessage, kebab func(string) string) error {
	obj, err := readObject(v)
	if err != nil {
		return fmt.Errorf("key %q: %w", path, err)
	}
	for _, m := range obj {
		key := m.key
		if path != "" {
			key = path + "." + key
		}
		if err := b.add(key, kebab(m.key), m.value); err != nil {
			return err
		}
	}
	return nil
}

// kebab makes a directive's name of camelCase, snake_case and UPPER_CASE keys.
func kebab(key string) string {
	if key == strings.ToUpper(key) {
		key = strings.ToLower(key)
	}
	var out strings.Builder
	for i, c := range key {
		switch {
		case c == '_':
			out.WriteByte('-')
		case 'A' <= c && c <= 'Z':
			if i > 0 {
				out.WriteByte('-')
			}
			out.WriteRune(c + 'a' - 'A')
		default:
			out.WriteRune(c)
		}
	}
	return out.String()
}

var errNoDirectives = errors.New("the directives are missing")
