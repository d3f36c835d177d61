package report

import "bytes"

// Limits on one body, held before a parser sees it: a parser allocates for
// every value, and a body of commas and brackets would become fifty times its
// size in memory.
const (
	// MaxEntries is how many entries of an array are read. Chromium queues at
	// most 100 reports.
	MaxEntries = 100
	// MaxDepth is how deep an entry's objects and arrays may nest. Real
	// reports have 2 levels.
	MaxDepth = 8
	// MaxValues is how many values an entry may have. Real reports have about 20.
	MaxValues = 256
)

// Limits bound what is read of one body; see the constants.
type Limits struct{ Entries, Depth, Values int }

// DefaultLimits are the constants.
func DefaultLimits() Limits {
	return Limits{Entries: MaxEntries, Depth: MaxDepth, Values: MaxValues}
}

// An entry is one element of an array, or the whole of a body that is not one.
type entry struct {
	json          []byte // aliases the body
	depth, values int    // upper bounds
}

func (l Limits) fits(e entry) bool { return e.depth <= l.Depth && e.values <= l.Values }

var bom = []byte("\xef\xbb\xbf")

// split cuts a body into its entries without judging their syntax, so that an
// entry that is broken or cut short takes no other with it. It returns at most
// limit and how many more there were.
func split(body []byte, limit int) (entries []entry, more int) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, bom))
	if len(body) == 0 {
		return nil, 0
	}
	inArray := body[0] == '['
	if inArray {
		body = body[1:]
	}
	for {
		e, rest, last := next(body, inArray)
		if len(e.json) > 0 || !last {
			if len(entries) < limit {
				entries = append(entries, e)
			} else {
				more++
			}
		}
		if last {
			return entries, more
		}
		body = rest
	}
}

// next measures the entry at the start of b. In an array it ends at the comma
// or bracket that is not nested, and last says that no other follows.
func next(b []byte, inArray bool) (e entry, rest []byte, last bool) {
	depth := 0
	e.values = 1
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
		case '{', '[':
			depth++
			e.values++
			e.depth = max(e.depth, depth)
		case ',':
			if depth == 0 && inArray {
				e.json = bytes.TrimSpace(b[:i])
				return e, b[i+1:], false
			}
			e.values++
		case '}', ']':
			if depth == 0 && inArray {
				e.json = bytes.TrimSpace(b[:i])
				return e, nil, true
			}
			depth--
		}
	}
	e.json = bytes.TrimSpace(b)
	return e, nil, true
}

// stringEnd returns the index of the quote that ends the string whose first
// quote is b[i], or len(b).
func stringEnd(b []byte, i int) int {
	for i++; ; i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return len(b)
		}
		start := i
		i += n
		slashes := 0
		for j := i - 1; j >= start && b[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
	}
}
