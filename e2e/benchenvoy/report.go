package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// The budgets of the filter, as limits and as aims.
const (
	luaMust             = 2.0 // times the rate of the Lua filter, at 100 KB
	wasmMust, wasmAim   = 5.0, 3.5
	startMust, startAim = 2.0, 1.2
	residentMust        = 120.0 // MB, over Envoy without the filter
	workerMust          = 12.0  // MB, the same for a further worker
	growthMust          = 8.0   // MB from a tenth of the responses to all: flat
	tooSlowUpstream     = 1.3   // the upstream alone, in rates of Envoy's
	idleWorker          = 0.8   // of the time that the worker is to be busy
)

// budgets are shares of Envoy's rate without a filter, by the page's size.
var budgets = []struct {
	bytes     float64
	must, aim float64
}{{1_000, 0.75, 0.85}, {10_000, 0.55, 0.70}, {100_000, 0.30, 0.40}, {1_000_000, 0.18, 0.25}}

// budget returns what a page may cost. Between two sizes it lies on the line
// over the size's logarithm.
func budget(p page) (must, aim float64) {
	if !p.html {
		return 0.80, 0.87
	}
	size := float64(len(p.body))
	for i := 1; i < len(budgets); i++ {
		a, b := budgets[i-1], budgets[i]
		if size <= b.bytes {
			at := max(0, math.Log(size/a.bytes)/math.Log(b.bytes/a.bytes))
			return a.must + at*(b.must-a.must), a.aim + at*(b.aim-a.aim)
		}
	}
	last := budgets[len(budgets)-1]
	return last.must, last.aim
}

// A Report is everything that was measured.
type Report struct {
	Envoy       string   `json:"envoy"` // its version
	Processors  int      `json:"processors"`
	Connections int      `json:"connections"`
	Rounds      int      `json:"rounds"`
	Short       bool     `json:"short,omitempty"` // too short for the figures to mean anything
	Rates       []Row    `json:"rates"`
	Wasm        Figure   `json:"wasm"`
	StartBare   Figure   `json:"start_without_filter"`
	Start       Figure   `json:"start"`
	Memory      []Memory `json:"memory"`
	Resident    []Figure `json:"resident"`
	PerWorker   Figure   `json:"per_worker"`
}

// A Figure is one number with its budget.
type Figure struct {
	Name    string  `json:"name"`
	Unit    string  `json:"unit"`
	Value   float64 `json:"value"`
	Must    float64 `json:"must,omitempty"` // at most; 0 is none
	Aim     float64 `json:"aim,omitempty"`
	Verdict string  `json:"verdict,omitempty"`
}

// What becomes of a budget.
const (
	missed = "FAIL"
	met    = "pass"
	better = "aim met"
)

func newFigure(name, unit string, value, must, aim float64) Figure {
	f := Figure{Name: name, Unit: unit, Value: value, Must: must, Aim: aim}
	if must > 0 {
		f.Verdict = verdict(-value, -must, -aim, aim > 0)
	}
	return f
}

// verdict is for a value that is the better the larger it is.
func verdict(value, must, aim float64, hasAim bool) string {
	switch {
	case value < must:
		return missed
	case hasAim && value >= aim:
		return better
	}
	return met
}

// A Row is a page with all variants.
type Row struct {
	Page     string           `json:"page"`
	Bytes    int              `json:"bytes"`
	Must     float64          `json:"must"` // shares of Envoy's rate without a filter
	Aim      float64          `json:"aim"`
	Upstream float64          `json:"upstream_per_second"` // without any Envoy
	Variants map[string]Share `json:"variants"`
	// OfLua is how often the rate of the Lua filter the filter reaches.
	OfLua   float64 `json:"of_lua"`
	LuaMust float64 `json:"of_lua_must,omitempty"`
}

// A Share is a variant's rate and what it is of the rate without a filter.
type Share struct {
	PerSecond    float64 `json:"per_second"`
	Microseconds float64 `json:"microseconds"` // Envoy's processor time for a response
	Busy         float64 `json:"busy"`         // share of the time that Envoy had a processor
	Share        float64 `json:"share"`        // by processor time
	Lowest       float64 `json:"lowest"`       // of all rounds
	Highest      float64 `json:"highest"`
	ByClock      float64 `json:"by_clock"`
	Looked       int64   `json:"looked_at"` // responses that were looked at whole
	Stamped      int     `json:"stamped"`   // tags on each of them
	Verdict      string  `json:"verdict,omitempty"`
}

// newRow compares what the subjects did with page i. A ratio is the median of
// the rounds' ratios: within a round the machine was most likely the same.
func newRow(p page, i int, subjects []*subject) Row {
	row := Row{Page: p.name, Bytes: len(p.body), Variants: map[string]Share{}}
	row.Must, row.Aim = budget(p)
	by := map[string][]rate{}
	for _, s := range subjects {
		by[s.variant] = s.rates[i]
	}
	row.Upstream = median(each(by[alone], rate.perSecond))
	for _, s := range subjects {
		if s.variant == alone {
			continue
		}
		share := newShare(s.rates[i], by[bare])
		share.Stamped = s.wants[i].stamps
		if s.variant == all || s.variant == inventory {
			share.Verdict = verdict(share.Share, row.Must, row.Aim, true)
		}
		row.Variants[s.variant] = share
	}
	row.OfLua = median(ratios(by[lua], by[all], rate.cost))
	if p.name == "100KB" {
		row.LuaMust = luaMust
	}
	return row
}

func newShare(rates, of []rate) Share {
	shares := ratios(of, rates, rate.cost)
	s := Share{
		PerSecond:    median(each(rates, rate.perSecond)),
		Microseconds: median(each(rates, rate.cost)) * 1e6,
		Busy:         median(each(rates, func(r rate) float64 { return r.processor.Seconds() / r.elapsed.Seconds() })),
		Share:        median(shares),
		Lowest:       slices.Min(shares),
		Highest:      slices.Max(shares),
		ByClock:      median(ratios(rates, of, rate.perSecond)),
	}
	for _, r := range rates {
		s.Looked += r.looked
	}
	return s
}

func each(rates []rate, f func(rate) float64) (list []float64) {
	for _, r := range rates {
		list = append(list, f(r))
	}
	return list
}

// ratios are a's figures over b's, round by round.
func ratios(a, b []rate, f func(rate) float64) (list []float64) {
	for i := range min(len(a), len(b)) {
		list = append(list, f(a[i])/f(b[i]))
	}
	return list
}

// Memory is the resident size of a variant's Envoy, in MB.
type Memory struct {
	Variant   string  `json:"variant"`
	Ready     float64 `json:"ready"` // nothing but one small response
	Warm      float64 `json:"warm"`  // after a tenth of the responses
	After     float64 `json:"after"` // after all of them
	Slow      float64 `json:"slow"`  // the most while slow streams were open
	Responses int64   `json:"responses"`
	Streams   int     `json:"streams"`
	Open      int     `json:"open"` // of them, how many were at the same time
	End       float64 `json:"end"`  // after the rates, pages of 1 MB among them
}

// judgeMemory compares with the first, the one without a filter.
func (r *Report) judgeMemory() {
	plain := r.Memory[0]
	for _, m := range r.Memory[1:] {
		r.Resident = append(r.Resident,
			newFigure("resident over no filter, "+m.Variant, "MB", m.After-plain.After, residentMust, 0),
			newFigure("resident over no filter, slow streams, "+m.Variant, "MB", m.Slow-plain.Slow, residentMust, 0),
			newFigure("resident over no filter, 1 MB pages, "+m.Variant, "MB", m.End-plain.End, residentMust, 0),
			newFigure("growth after a tenth of the responses, "+m.Variant, "MB", m.After-m.Warm, growthMust, 0))
	}
}

func (r *Report) figures() []Figure {
	return append([]Figure{r.Wasm, r.StartBare, r.Start, r.PerWorker}, r.Resident...)
}

// Missed lists the budgets that are not met.
func (r *Report) Missed() (list []string) {
	for _, row := range r.Rates {
		for _, variant := range []string{all, inventory} {
			if s := row.Variants[variant]; s.Verdict == missed {
				list = append(list, fmt.Sprintf("%s, %s: %.2f of the rate without a filter, %.2f is the least", row.Page, variant, s.Share, row.Must))
			}
		}
		if row.OfLua < row.LuaMust {
			list = append(list, fmt.Sprintf("%s: %.2f times the Lua filter's rate, %.1f is the least", row.Page, row.OfLua, row.LuaMust))
		}
	}
	for _, f := range r.figures() {
		if f.Verdict == missed {
			list = append(list, fmt.Sprintf("%s: %.1f %s, %.1f is the most", f.Name, f.Value, f.Unit, f.Must))
		}
	}
	return list
}

// Doubts say where the measurement itself is not to be relied on.
func (r *Report) Doubts() (list []string) {
	for _, row := range r.Rates {
		s := row.Variants[bare]
		if row.Upstream < tooSlowUpstream*s.PerSecond {
			list = append(list, fmt.Sprintf("%s: the upstream alone does %.0f/s, Envoy without a filter %.0f/s: it may be the limit", row.Page, row.Upstream, s.PerSecond))
		}
		if s.Busy < idleWorker {
			list = append(list, fmt.Sprintf("%s: without a filter Envoy was busy for %.0f %% of the time only: trust the ratio by processor time", row.Page, 100*s.Busy))
		}
	}
	for _, m := range r.Memory {
		if m.Open < m.Streams {
			list = append(list, fmt.Sprintf("%s: only %d of %d slow streams were open at the same time", m.Variant, m.Open, m.Streams))
		}
	}
	return list
}

// JSON is the report as a file has it.
func (r *Report) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	return append(b, '\n'), err
}

// Table prints the report for people.
func (r *Report) Table(to io.Writer) error {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(to, "\n%s, %d processors, %d connections, medians of %d rounds. Responses per second; share of the rate without a filter\n"+
		"by Envoy's processor time (lowest to highest of the rounds) and by the clock.\n\n", r.Envoy, r.Processors, r.Connections, r.Rounds)
	fmt.Fprintln(t, "page\tbytes\tupstream\tno filter\tall\tshare\trounds\tclock\tmust\taim\t\tinventory\tshare\t\tlua\tshare\tall/lua\t")
	for _, row := range r.Rates {
		n, a, i, l := row.Variants[bare], row.Variants[all], row.Variants[inventory], row.Variants[lua]
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%.0f\t%.0f\t%.2f\t%.2f-%.2f\t%.2f\t%.2f\t%.2f\t%s\t%.0f\t%.2f\t%s\t%.0f\t%.2f\t%.1f\t\n", row.Page, row.Bytes, row.Upstream, n.PerSecond,
			a.PerSecond, a.Share, a.Lowest, a.Highest, a.ByClock, row.Must, row.Aim, a.Verdict, i.PerSecond, i.Share, i.Verdict, l.PerSecond, l.Share, row.OfLua)
	}
	fmt.Fprintln(t, "\n\tready\twarm\tafter\tresponses\tslow\topen\t1MB pages\t")
	for _, m := range r.Memory {
		fmt.Fprintf(t, "resident MB, %s\t%.1f\t%.1f\t%.1f\t%d\t%.1f\t%d\t%.1f\t\n", m.Variant, m.Ready, m.Warm, m.After, m.Responses, m.Slow, m.Open, m.End)
	}
	fmt.Fprintln(t, "\n\tvalue\tmust\taim\t\t")
	for _, f := range r.figures() {
		fmt.Fprintf(t, "%s\t%.2f %s\t%s\t%s\t%s\t\n", f.Name, f.Value, f.Unit, limit(f.Must), limit(f.Aim), f.Verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if r.Short {
		_, err := fmt.Fprintln(to, "\nThat was a short run: its figures and verdicts mean nothing.")
		return err
	}
	list(to, "To be doubted", r.Doubts())
	list(to, "Over the budget", r.Missed())
	return nil
}

func limit(v float64) string {
	if v == 0 {
		return ""
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
}

func list(to io.Writer, title string, items []string) {
	for i, item := range items {
		if i == 0 {
			fmt.Fprintf(to, "\n%s:\n", title)
		}
		fmt.Fprintf(to, "- %s\n", item)
	}
}
