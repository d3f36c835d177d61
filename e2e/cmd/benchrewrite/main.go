// Command benchrewrite runs core/rewrite's benchmarks natively, as wasm in V8 (node) and as wasm in wazero, prints a table and writes the same
// as JSON:
//
//	benchrewrite -root .. -wasirun ../build/wasirun -out ../build/bench/rewrite.json
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"text/tabwriter"
)

// A result is one benchmark on one engine.
type result struct {
	Engine    string  `json:"engine"`
	Benchmark string  `json:"benchmark"` // Stamp, Ledger, Approved, NetHTML
	Page      string  `json:"page"`
	Chunk     string  `json:"chunk"`
	MBPerS    float64 `json:"mb_per_s"`
	Allocs    int     `json:"allocs_per_page"`
	// OfNetHTML is how many times as fast as x/net/html's tokenizer on the same page and engine.
	OfNetHTML float64 `json:"of_net_html,omitempty"`
}

type config struct{ root, wasirun, out, time string }

func main() {
	var c config
	flag.StringVar(&c.root, "root", "..", "the project's `directory`")
	flag.StringVar(&c.wasirun, "wasirun", "", "the built wasmtest/cmd/wasirun; without it wazero is left out")
	flag.StringVar(&c.out, "out", "", "`file` for the JSON")
	flag.StringVar(&c.time, "time", "200ms", "`duration` of each benchmark")
	flag.Parse()
	if err := run(c, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "benchrewrite:", err)
		os.Exit(1)
	}
}

func run(c config, stdout, stderr io.Writer) error {
	tmp, err := os.MkdirTemp("", "benchrewrite")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	dir := filepath.Join(c.root, "core", "rewrite")
	native, wasm := filepath.Join(tmp, "rewrite.test"), filepath.Join(tmp, "rewrite.wasm")
	if err := errors.Join(compile(dir, native, stderr), compile(dir, wasm, stderr, "GOOS=wasip1", "GOARCH=wasm")); err != nil {
		return err
	}
	engines, err := c.engines(native, wasm, stderr)
	if err != nil {
		return err
	}
	var all []result
	for _, e := range engines {
		list, err := bench(dir, e.name, c.time, e.command, stderr)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		all = append(all, list...)
	}
	compare(all)
	if err := printTable(stdout, all); err != nil {
		return err
	}
	return writeJSON(c.out, all)
}

// An engine runs the benchmarks by a command.
type engine struct {
	name    string
	command []string
}

func (c config) engines(native, wasm string, stderr io.Writer) ([]engine, error) {
	list := []engine{{"native", []string{native}}}
	if node, err := exec.LookPath("node"); err == nil {
		list = append(list, engine{"V8", []string{node, "--no-warnings", "testdata/v8.mjs", wasm}})
	} else {
		fmt.Fprintln(stderr, "benchrewrite: no node on PATH; V8 is left out")
	}
	if c.wasirun != "" {
		path, err := filepath.Abs(c.wasirun)
		if err != nil {
			return nil, err
		}
		list = append(list, engine{"wazero", []string{path, wasm}})
	}
	return list, nil
}

func compile(dir, out string, stderr io.Writer, env ...string) error {
	cmd := exec.Command("go", "test", "-c", "-o", out, ".")
	cmd.Dir, cmd.Stderr = dir, stderr
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%v: %w", cmd, err)
	}
	return nil
}

var line = regexp.MustCompile(`(?m)^Benchmark(\w+)/([^/\s]+)/(\w+?)(?:-\d+)?\s+\d+\s+.*?([\d.]+) MB/s\s+\d+ B/op\s+(\d+) allocs/op`)

func bench(dir, engine, time string, command []string, stderr io.Writer) ([]result, error) {
	cmd := exec.Command(command[0], append(command[1:], "-test.run=-", "-test.bench=.", "-test.benchtime="+time)...)
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd, err, out.Bytes())
	}
	var list []result
	for _, m := range line.FindAllStringSubmatch(out.String(), -1) {
		speed, err1 := strconv.ParseFloat(m[4], 64)
		allocs, err2 := strconv.Atoi(m[5])
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		list = append(list, result{Engine: engine, Benchmark: m[1], Page: m[2], Chunk: m[3], MBPerS: speed, Allocs: allocs})
	}
	if list == nil {
		return nil, fmt.Errorf("no benchmark in the output:\n%s", out.Bytes())
	}
	return list, nil
}

// compare fills in OfNetHTML.
func compare(all []result) {
	base := map[string]float64{}
	for _, r := range all {
		if r.Benchmark == "NetHTML" {
			base[r.Engine+r.Page] = r.MBPerS
		}
	}
	for i, r := range all {
		if b := base[r.Engine+r.Page]; b > 0 && r.Benchmark != "NetHTML" {
			all[i].OfNetHTML = r.MBPerS / b
		}
	}
}

func printTable(w io.Writer, all []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "engine\tbenchmark\tpage\tchunk\tMB/s\tof x/net/html\tallocs\t")
	for _, r := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.0f\t%.1f\t%d\t\n", r.Engine, r.Benchmark, r.Page, r.Chunk, r.MBPerS, r.OfNetHTML, r.Allocs)
	}
	return t.Flush()
}

func writeJSON(name string, all []result) error {
	if name == "" {
		return nil
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}
