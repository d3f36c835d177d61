package rewritecmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

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
	var out bytes.Buffer
	for at, c := range s.Changes() {
		showChange(&out, page, at, c)
	}
	held := s.Held()
	if end := s.Close(nil)[held:]; len(end) > 0 {
		showChange(&out, page, len(page), rewrite.Change{Insert: end})
	}
	_, err := w.Write(out.Bytes())
	return s.Counts(), err
}

func showChange(w *bytes.Buffer, page []byte, at int, c rewrite.Change) {
	start := bytes.LastIndexByte(page[:at], '\n') + 1
	end := at + c.Remove
	if n := bytes.IndexByte(page[end:], '\n'); n >= 0 {
		end += n
	} else {
		end = len(page)
	}
	head, tail := string(page[max(start, at-around):at]), string(page[at+c.Remove:min(end, at+c.Remove+around)])
	if at-around > start {
		head = "…" + head
	}
	if at+c.Remove+around < end {
		tail += "…"
	}
	fmt.Fprintf(w, "@ %d:%d\n-%s%s%s\n+%s%s%s\n", bytes.Count(page[:at], []byte("\n"))+1, at-start+1,
		head, page[at:at+c.Remove], tail, head, c.Insert, tail)
}
