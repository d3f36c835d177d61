package policycmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/csp/diff"
)

func diffCommand(s Streams) *cobra.Command {
	var page, format string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what the new policy allows that the old one did not, and the other way round",
		Long: `Say what the new policy allows that the old one did not, and the other way round.

Of headers the enforced policies are compared; those that only report allow
everything, and are compared only where neither side enforces any.`,
		Example: `  edgecsp policy diff "default-src 'self'" "default-src 'self'; img-src *"`,
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkFormat(format, formatText, formatJSON); err != nil {
				return err
			}
			if args[0] == "-" && args[1] == "-" {
				return fmt.Errorf("both policies are to come from standard input; give one otherwise")
			}
			return s.diff(args, page, format)
		},
	}
	cmd.Flags().StringVar(&page, "page", "", "the page's URL: what 'self' stands for")
	cmd.Flags().StringVar(&format, "format", formatText, "text or json")
	return cmd
}

func (s Streams) diff(args []string, page, format string) error {
	var self csp.Origin
	if page != "" {
		u, err := csp.ParseURL(page)
		if err != nil {
			return fmt.Errorf("--page: %w", err)
		}
		self = u.Origin()
	}
	var ps [2]csp.Policies
	for i, arg := range args {
		text, _, err := s.operand(arg)
		if err != nil {
			return err
		}
		ps[i] = readHeaders(text).policies()
	}
	before, after := ps[0].Enforce, ps[1].Enforce
	if len(before) == 0 && len(after) == 0 {
		before, after = ps[0].ReportOnly, ps[1].ReportOnly
	}
	r, err := diff.Compare(before, after, self)
	if err != nil {
		return err
	}
	if err := writeDiff(s.Out, format, r); err != nil {
		return err
	}
	if !r.Equal() {
		return answer("the policies differ: %d allowed, %d forbidden", len(r.Allows), len(r.Forbids))
	}
	return nil
}

func writeDiff(w io.Writer, format string, r diff.Result) error {
	if format == formatJSON {
		if r.Allows == nil {
			r.Allows = []diff.Change{}
		}
		if r.Forbids == nil {
			r.Forbids = []diff.Change{}
		}
		return writeJSON(w, r)
	}
	var b strings.Builder
	lines := func(sign string, list []diff.Change) {
		for _, c := range list {
			fmt.Fprintf(&b, "%s %s %s", sign, c.Directive, c.Expression)
			if len(c.Activities) > 0 {
				fmt.Fprintf(&b, "  (%s)", strings.Join(c.Activities, ", "))
			}
			b.WriteByte('\n')
		}
	}
	lines("+", r.Allows)
	lines("-", r.Forbids)
	if r.Equal() {
		b.WriteString("the same is allowed\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
