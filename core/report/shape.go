package report

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// A Shape is what reports with one cause have in common: reports whose shapes
// are equal are one line on a dashboard. Its text was chosen by senders, as a
// report's was.
type Shape struct {
	Kind      Kind
	Directive string
	// Blocked is the blocked URL's origin and, for code, frames and objects,
	// its path, folded; or the keyword that stood there.
	Blocked string
	// Source is the source file's origin and path, folded, or SourcePage.
	Source string
	// Sample is the class of the sample: see sampleClass. Of a csp-hash report
	// it is the hash, so that changed code is seen.
	Sample string
	// Page is the document's origin and path, folded.
	Page string
}

const (
	// MaxShape is the length of each text of a Shape, in bytes.
	MaxShape = 512
	// SourcePage is a Shape's source where the page itself is the source.
	SourcePage = "page"
	// Folded stands for a number or an id.
	Folded = "*"
	// Overflow is the Blocked of the shape that takes in what would be one
	// group too many.
	Overflow = "(more than can be told apart)"
)

// ShapeOf returns the shape of a redacted report.
func ShapeOf(r *Report) Shape {
	s := Shape{
		Kind:      r.Kind,
		Directive: r.Directive,
		Blocked:   foldBlocked(r),
		Source:    foldURL(r.SourceFile),
		Sample:    sampleClass(r.Sample),
		Page:      foldURL(r.Page),
	}
	if r.SourceFile != "" && r.SourceFile == r.Page {
		s.Source = SourcePage
	}
	if r.Kind == CSPHash {
		s.Sample = clean(r.Detail, MaxShape)
	}
	return s
}

// Overflowed is the shape of reports of a kind that there was no room for.
func Overflowed(k Kind) Shape { return Shape{Kind: k, Blocked: Overflow} }

// A Fingerprint stands for a shape in a scope.
type Fingerprint [16]byte

// Fingerprint returns what tells the shape from all others in a site's lane.
func (s *Shape) Fingerprint(site, lane string) Fingerprint {
	var buf [1024]byte
	b := buf[:0]
	for _, text := range [...]string{site, lane, string(s.Kind), s.Directive, s.Blocked, s.Source, s.Sample, s.Page} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	sum := sha256.Sum256(b)
	return Fingerprint(sum[:16])
}

// foldBlocked keeps the path only where it says which code or document it is;
// a thousand images of one host are one matter.
func foldBlocked(r *Report) string {
	u := foldURL(r.Blocked)
	if r.Kind == CSPViolation && !ofCode(r.Directive) {
		return origin(u)
	}
	return u
}

// ofCode reports whether a directive governs code, style sheets or documents.
func ofCode(directive string) bool {
	for _, prefix := range [...]string{"script-src", "style-src", "worker-src", "object-src", "frame-src", "child-src", "base-uri", "form-action", "manifest-src"} {
		if strings.HasPrefix(directive, prefix) {
			return true
		}
	}
	return false
}

// origin returns what stands before a URL's path.
func origin(u string) string {
	i := authority(u)
	if i < 0 {
		return u
	}
	if end := strings.IndexAny(u[i:], `/\`); end >= 0 {
		return u[:i+end]
	}
	return u
}

// maxSegments is how many segments of a path tell pages apart.
const maxSegments = 8

// foldURL folds the numbers and ids in a URL's path, and host names that are
// an id: those of extensions that browsers make anew on every installation.
func foldURL(u string) string {
	i := authority(u)
	if i < 0 {
		return clean(u, MaxShape)
	}
	host, path := u[i:], ""
	if end := strings.IndexAny(host, `/\`); end >= 0 {
		host, path = host[:end], host[end:]
	}
	var b strings.Builder
	b.Grow(len(u))
	b.WriteString(u[:i])
	if IsUUID(host) {
		host = Folded
	}
	b.WriteString(strings.ToLower(host))
	foldPath(&b, path)
	return clean(b.String(), MaxShape)
}

func foldPath(b *strings.Builder, path string) {
	for n := 0; path != ""; n++ {
		if n == maxSegments {
			b.WriteString("/" + Folded)
			return
		}
		b.WriteByte('/')
		segment, rest := path[1:], ""
		if end := strings.IndexAny(segment, `/\`); end >= 0 {
			segment, rest = segment[:end], segment[end:]
		}
		foldSegment(b, segment)
		path = rest
	}
}

// foldSegment folds the words of a path's segment that are numbers or ids; a
// segment longer than any name is one.
func foldSegment(b *strings.Builder, s string) {
	const longest = 80
	if len(s) > longest || IsUUID(s) {
		b.WriteString(Folded)
		return
	}
	for s != "" {
		n := strings.IndexAny(s, "-_.,;=~")
		if n < 0 {
			n = len(s)
		}
		if isID(s[:n]) {
			b.WriteString(Folded)
		} else {
			b.WriteString(s[:n])
		}
		if n < len(s) {
			b.WriteByte(s[n])
			n++
		}
		s = s[n:]
	}
}

// isID reports whether a word is a number, or so long a mixture of letters and
// digits that nobody wrote it: a hash, a key, base64.
func isID(s string) bool {
	const shortHex, shortMixed = 6, 16
	digits, letters, other, upper := 0, 0, 0, 0
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			upper++
		}
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			letters++
		default:
			other++
		}
	}
	switch {
	case digits == 0:
		return false
	case letters == 0 && other == 0:
		return true
	case other == 0:
		return len(s) >= shortHex
	}
	bothCases := upper > 0 && upper+digits < len(s)
	return len(s) >= shortMixed && (digits >= 3 || bothCases)
}

// IsUUID reports whether s is a UUID as RFC 9562 4 writes it.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// sampleClass folds what changes from visitor to visitor in the beginning of
// one and the same code: numbers, ids and white space.
func sampleClass(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		n := wordEnd(s, i)
		switch {
		case n == i:
			if c := s[i]; c != ' ' {
				b.WriteByte(c)
			} else if b.Len() > 0 && s[i-1] != ' ' {
				b.WriteByte(' ')
			}
			n++
		case s[i] >= '0' && s[i] <= '9' || isID(s[i:n]):
			b.WriteString(Folded)
		default:
			b.WriteString(s[i:n])
		}
		i = n
	}
	return b.String()
}

// wordEnd returns where the letters and digits that begin at s[i] end.
func wordEnd(s string, i int) int {
	for i < len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			break
		}
		i++
	}
	return i
}
