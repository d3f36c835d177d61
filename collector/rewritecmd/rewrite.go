// Package rewritecmd is `edgecsp rewrite`: it does to a page on standard input what the filter does to one in Envoy.
package rewritecmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edgecsp/edgecsp/core/rewrite"
)

// Streams are the standard streams.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

type flags struct {
	trust, nonce, approve, inject, place, inventory string
	url, charset                                    string
	upstream                                        []string
	chunk                                           int
	diff, hostTrust                                 bool
}

// MaxChunk bounds --chunk, in bytes.
const MaxChunk = 64 << 20

// New returns the command.
func New(st Streams) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "rewrite --trust MODE --nonce NONCE < page.html > out.html",
		Short: "Rewrite a page as the filter does",
		Long: `rewrite stamps the tags of a page that have earned a nonce, puts a snippet in, and takes an inventory.

--trust says what earns a nonce: "all" every script and style, "inventory" only what --approve lists, "upstream" nothing
(tags with another nonce are counted), "none" nothing. A summary goes to standard error.`,
		Example: `  edgecsp rewrite --trust all --nonce "$(openssl rand -base64 18)" < page.html > out.html
  edgecsp rewrite --trust inventory --nonce r4nd0m --approve approved.txt --url https://shop.example/ --diff < page.html
  edgecsp rewrite --trust none --inventory inventory.json < page.html > /dev/null`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return f.run(st) },
	}
	p := cmd.Flags()
	p.StringVar(&f.trust, "trust", "all", "what earns a nonce: all, inventory, upstream or none")
	p.StringVar(&f.nonce, "nonce", "", "the nonce, base64")
	p.StringSliceVar(&f.upstream, "upstream-nonce", nil, "a nonce of the upstream's own policy; tags with it are left alone")
	p.StringVar(&f.approve, "approve", "", "`file` of approved hashes, URLs and source expressions, one a line")
	p.BoolVar(&f.hostTrust, "insecure-host-trust", false, "let source expressions in --approve count, not only URLs")
	p.StringVar(&f.inject, "inject", "", "`file` with one line of markup to insert")
	p.StringVar(&f.place, "place", "head", "where --inject goes: head or body-end")
	p.StringVar(&f.url, "url", "", "the page's URL; relative URLs are approved by it")
	p.StringVar(&f.charset, "charset", "", "charset of the page's Content-Type")
	p.IntVar(&f.chunk, "chunk", 16<<10, "read the page in chunks of so many `bytes`; 0 for all at once")
	p.StringVar(&f.inventory, "inventory", "", "write what the page holds to `file`, as JSON")
	p.BoolVar(&f.diff, "diff", false, "show what changes instead of the page")
	return cmd
}

func (f *flags) run(st Streams) error {
	o, p, err := f.options()
	if err != nil {
		return err
	}
	if f.inventory != "" {
		p.Inventory = rewrite.NewLedger()
	}
	counts, err := f.rewrite(o, p, st)
	if err != nil {
		return err
	}
	if f.inventory != "" {
		if err := writeInventory(f.inventory, p.Inventory, counts); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(st.Err, summary(counts))
	return err
}

func (f *flags) rewrite(o *rewrite.Options, p rewrite.Page, st Streams) (rewrite.Counts, error) {
	if !f.diff {
		return stream(o, p, f.chunk, st.In, st.Out)
	}
	page, err := io.ReadAll(st.In)
	if err != nil {
		return rewrite.Counts{}, fmt.Errorf("reading the page: %w", err)
	}
	return writeDiff(st.Out, o, p, page)
}

var trusts = map[string]rewrite.Trust{
	"all": rewrite.All, "inventory": rewrite.Inventory, "upstream": rewrite.Upstream, "none": rewrite.None,
}

func (f *flags) options() (*rewrite.Options, rewrite.Page, error) {
	trust, ok := trusts[f.trust]
	page := rewrite.Page{Nonce: f.nonce, UpstreamNonces: f.upstream, URL: f.url, Charset: f.charset}
	switch {
	case !ok:
		return nil, page, fmt.Errorf("--trust %q: give all, inventory, upstream or none", f.trust)
	case trust != rewrite.None && !rewrite.ValidNonce(f.nonce):
		return nil, page, fmt.Errorf("--nonce %q: give a nonce in base64 for --trust %s", f.nonce, f.trust)
	case f.approve != "" && trust != rewrite.Inventory:
		return nil, page, fmt.Errorf("--approve: --trust %s does not look at it; give --trust inventory", f.trust)
	case len(f.upstream) > rewrite.MaxNonces:
		return nil, page, fmt.Errorf("--upstream-nonce: give at most %d, not %d", rewrite.MaxNonces, len(f.upstream))
	case f.url != "" && !isPageURL(f.url):
		return nil, page, fmt.Errorf("--url %q: give the page's absolute http or https URL, plain ASCII and without user name", f.url)
	case f.place != "head" && f.place != "body-end":
		return nil, page, fmt.Errorf("--place %q: give head or body-end", f.place)
	case f.chunk < 0 || f.chunk > MaxChunk:
		return nil, page, fmt.Errorf("--chunk %d: give 0 to %d bytes", f.chunk, MaxChunk)
	}
	o := &rewrite.Options{Trust: trust, Scripts: true, Styles: true, HostTrust: f.hostTrust}
	var err error
	if o.Approved, err = readApprovals(f.approve); err != nil {
		return nil, page, err
	}
	if o.Place, page.Snippet, err = f.snippet(); err != nil {
		return nil, page, err
	}
	return o, page, nil
}

// isPageURL refuses what relative URLs would silently not be resolved against.
func isPageURL(text string) bool {
	u, err := url.Parse(text)
	odd := func(c rune) bool { return c < ' ' || c >= 0x7f || c == '\\' }
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && !strings.ContainsFunc(text, odd)
}

// readApprovals reads one approval a line; empty lines and those that begin with '#' are skipped.
func readApprovals(name string) (*rewrite.Approvals, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--approve: %w", err)
	}
	var list []string
	for i, line := range strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if _, err := rewrite.NewApprovals([]string{line}); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
		list = append(list, line)
	}
	return rewrite.NewApprovals(list)
}

func (f *flags) snippet() (rewrite.Place, []byte, error) {
	if f.inject == "" {
		return rewrite.Nowhere, nil, nil
	}
	text, err := os.ReadFile(f.inject)
	if err != nil {
		return 0, nil, fmt.Errorf("--inject: %w", err)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 || bytes.ContainsAny(text, "\r\n") {
		return 0, nil, fmt.Errorf("--inject %s: give one line of markup, so that the page's line numbers stay", f.inject)
	}
	if f.place == "body-end" {
		return rewrite.BodyEnd, text, nil
	}
	return rewrite.Head, text, nil
}

// stream rewrites in to out in chunks of n bytes, or in one.
func stream(o *rewrite.Options, p rewrite.Page, n int, in io.Reader, out io.Writer) (rewrite.Counts, error) {
	var s rewrite.Stream
	s.Reset(o, p)
	chunks := chunks(in, n)
	var buf []byte
	for {
		chunk, err := chunks()
		if err != nil && !errors.Is(err, io.EOF) {
			return s.Counts(), fmt.Errorf("reading the page: %w", err)
		}
		buf = s.Write(buf[:0], chunk)
		if err != nil {
			buf = s.Close(buf)
		}
		if _, err := out.Write(buf); err != nil {
			return s.Counts(), fmt.Errorf("writing the page: %w", err)
		}
		if err != nil {
			return s.Counts(), nil
		}
	}
}

// chunks returns a function that reads the next chunk, with io.EOF beside the last.
func chunks(in io.Reader, n int) func() ([]byte, error) {
	if n == 0 {
		return func() ([]byte, error) {
			all, err := io.ReadAll(in)
			if err == nil {
				err = io.EOF
			}
			return all, err
		}
	}
	buf := make([]byte, n)
	return func() ([]byte, error) {
		k, err := io.ReadFull(in, buf)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		return buf[:k], err
	}
}
