package policycmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edgecsp/edgecsp/core/csp"
	"github.com/edgecsp/edgecsp/core/csp/convert"
)

type importOptions struct {
	file, from, format, preset string
	hashFiles                  []string
}

func importCommand(s Streams) *cobra.Command {
	var o importOptions
	var names []string
	for _, p := range convert.Presets() {
		names = append(names, p.Name)
	}
	cmd := &cobra.Command{
		Use:   "import [JSON | @FILE | -]",
		Short: "Make a policy of another tool's settings, or of a preset",
		Long: `Make a policy of another tool's settings, written as a JSON object: those of
` + strings.Join(convert.Formats(), ", ") + `. Or of a preset: ` + strings.Join(names, ", ") + `.

Nonces are not part of the policy: the edge places them per response. Where the
settings ask for them it is noted on standard error, and in the JSON output.`,
		Example: `  edgecsp policy import '{"CSP_DEFAULT_SRC": ["'"'self'"'"]}'
  edgecsp policy import --preset strict-hash --hash inline.js`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkFormat(o.format, formatText, formatJSON); err != nil {
				return err
			}
			if o.preset != "" {
				return s.preset(args, o)
			}
			if len(o.hashFiles) > 0 {
				return fmt.Errorf("--hash goes with --preset")
			}
			return s.importSettings(args, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.file, "file", "f", "", "read the settings from this file")
	f.StringVar(&o.from, "from", "", "whose settings they are; told by the keys if not given")
	f.StringVar(&o.format, "format", formatText, "text or json")
	f.StringVar(&o.preset, "preset", "", "start from a preset instead: "+strings.Join(names, ", "))
	f.StringSliceVar(&o.hashFiles, "hash", nil, "with --preset: add the hash of this file: an inline script, byte for byte as it stands between the tags")
	return cmd
}

func (s Streams) importSettings(args []string, o importOptions) error {
	text, name, err := s.single(args, o.file)
	if err != nil {
		return err
	}
	r, err := convert.Import(o.from, []byte(text))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return s.writeImport(o.format, r)
}

func (s Streams) preset(args []string, o importOptions) error {
	if len(args) > 0 || o.file != "" || o.from != "" {
		return fmt.Errorf("--preset takes no settings; give one or the other")
	}
	p, ok := convert.PresetByName(o.preset)
	if !ok {
		return fmt.Errorf("--preset %s is not known; write one of those in --help", o.preset)
	}
	var hashes []csp.Source
	for _, path := range o.hashFiles {
		b, err := s.ReadFile(path)
		if err != nil {
			return err
		}
		hashes = append(hashes, csp.HashSource(csp.SHA256, b))
	}
	policy, err := p.Policy(hashes...)
	if err != nil {
		return err
	}
	return s.writeImport(o.format, convert.Result{Format: "preset " + p.Name, Notes: []string{p.Summary},
		Policies: []convert.Imported{{Policy: policy, ReportOnly: p.ReportOnly, ScriptNonce: p.ScriptNonce, StyleNonce: p.StyleNonce}}})
}

// imported is a policy in the JSON output: as text, and as ordered directives
// that fit a configuration.
type imported struct {
	Policy      string      `json:"policy"`
	Directives  [][2]string `json:"directives"`
	ReportOnly  bool        `json:"report_only"`
	ScriptNonce bool        `json:"script_nonce"`
	StyleNonce  bool        `json:"style_nonce"`
}

func (s Streams) writeImport(format string, r convert.Result) error {
	if format == formatJSON {
		out := struct {
			Format   string     `json:"format"`
			Policies []imported `json:"policies"`
			Notes    []string   `json:"notes"`
		}{Format: r.Format, Notes: append([]string{}, r.Notes...)}
		for _, p := range r.Policies {
			x := imported{Policy: p.Policy.String(), ReportOnly: p.ReportOnly, ScriptNonce: p.ScriptNonce, StyleNonce: p.StyleNonce}
			for _, d := range p.Policy.Directives {
				x.Directives = append(x.Directives, [2]string{d.Name, strings.TrimPrefix(strings.TrimPrefix(d.String(), d.Name), " ")})
			}
			out.Policies = append(out.Policies, x)
		}
		return writeJSON(s.Out, out)
	}
	return writeImportText(s.Out, s.Err, r)
}

func writeImportText(out, notes io.Writer, r convert.Result) error {
	for _, p := range r.Policies {
		name := "Content-Security-Policy"
		if p.ReportOnly {
			name += "-Report-Only"
		}
		if _, err := fmt.Fprintf(out, "%s: %s\n", name, p.Policy); err != nil {
			return err
		}
		if p.ScriptNonce || p.StyleNonce {
			fmt.Fprintf(notes, "note: %s asks for a nonce for scripts: %t, for styles: %t\n", name, p.ScriptNonce, p.StyleNonce)
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(notes, "note: %s\n", n)
	}
	return nil
}
