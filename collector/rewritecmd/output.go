package rewritecmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/edgecsp/edgecsp/core/rewrite"
)

// summary says in one line what was done.
func summary(c rewrite.Counts) string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{
		{c.Stamped, "stamped"}, {c.Kept, "left alone"}, {c.Foreign, "with another nonce"}, {c.Bare, "without a nonce"}, {c.Suspect, "suspect"},
		{c.Unapproved, "not approved"}, {c.Oversized, "too long"}, {c.Bases, "base elements not approved"}, {c.MetaPolicies, "meta policies"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if c.Injected {
		parts = append(parts, "snippet inserted")
	}
	if c.GaveUp != rewrite.Going {
		parts = append(parts, "gave up ("+c.GaveUp.String()+"): the rest of the page is untouched")
	}
	if parts == nil {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

// found is an entry of the inventory as JSON.
type found struct {
	Found   string `json:"found"`
	Hash    string `json:"hash,omitempty"`
	Sample  string `json:"sample,omitempty"`
	Text    string `json:"text,omitempty"`
	Name    string `json:"name"`
	Ordinal int    `json:"ordinal"`
	Seen    int    `json:"seen"`
	Varying bool   `json:"varying"`
}

func writeInventory(name string, g *rewrite.Ledger, c rewrite.Counts) error {
	doc := struct {
		GaveUp  string  `json:"gave_up,omitempty"`
		Dropped int     `json:"dropped"`
		Entries []found `json:"entries"`
	}{c.GaveUp.String(), g.Dropped(), []found{}}
	for _, e := range g.Entries() {
		doc.Entries = append(doc.Entries, found{e.Found.String(), e.Hash, e.Sample, e.Text, e.Name, e.Ordinal, e.Seen, e.Varying})
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err == nil {
		err = os.WriteFile(name, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("--inventory: %w", err)
	}
	return nil
}

// around is how many bytes of its line are shown on either side of a change.
const around = 60

// writeDiff rewrites a whole page and shows each change in its line: "@ line:column", what was there after '-', what comes there after
// '+'. Lines and columns count from 1, columns in bytes.
func writeDiff(w io.Writer, o *rewrite.Options, p rewrite.Page, page []byte) (rewrite.Counts, error) {
	var s rewrite.Stream
	s.Reset(o, p)
	s.Scan(page)
	d := differ{page: page, line: 1, end: -1}
	for at, c := range s.Changes() {
		d.show(at, c)
	}
	held := s.Held()
	if end := s.Close(nil)[held:]; len(end) > 0 {
		d.show(len(page), rewrite.Change{Insert: end})
	}
	_, err := w.Write(d.out.Bytes())
	return s.Counts(), err
}

// A differ shows changes in order, and goes through the page once.
type differ struct {
	page       []byte
	out        bytes.Buffer
	at, line   int // of the last change
	start, end int // of its last line
}

func (d *differ) show(at int, c rewrite.Change) {
	passed := d.page[d.at:at]
	if n := bytes.LastIndexByte(passed, '\n'); n >= 0 {
		d.line += bytes.Count(passed, []byte{'\n'})
		d.start = d.at + n + 1
	}
	d.at = at
	after := at + c.Remove
	if after > d.end {
		d.end = len(d.page)
		if n := bytes.IndexByte(d.page[after:], '\n'); n >= 0 {
			d.end = after + n
		}
	}
	head, tail := d.page[max(d.start, at-around):at], d.page[after:min(d.end, after+around)]
	before, behind := visible(head), visible(tail)
	if at-around > d.start {
		before = "…" + before
	}
	if after+around < d.end {
		behind += "…"
	}
	fmt.Fprintf(&d.out, "@ %d:%d\n-%s%s%s\n+%s%s%s\n", d.line, at-d.start+1,
		before, visible(d.page[at:after]), behind, before, visible(c.Insert), behind)
}

// visible shows what a page could do to a terminal: control characters but tabs and line breaks become their pictures.
func visible(b []byte) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || !unicode.IsControl(r):
			return r
		case r == 0x7f:
			return '\u2421'
		case r < ' ':
			return '\u2400' + r
		}
		return unicode.ReplacementChar
	}, string(b))
}
