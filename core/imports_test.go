//go:build !wasip1

// Package core_test holds the house to its plan: who may import whom.
package core_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/edgecsp/edgecsp/"

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	// For wasip1 as well: what only the .wasm imports counts too.
	var all []pkg
	for _, env := range [][]string{nil, {"GOOS=wasip1", "GOARCH=wasm"}} {
		cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports", module+"...")
		cmd.Env = append(cmd.Environ(), env...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for d := json.NewDecoder(bytes.NewReader(out)); ; {
			var p pkg
			err := d.Decode(&p)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
			all = append(all, p)
		}
	}
	if len(all) < 10 {
		t.Fatalf("go list names %d packages; the test sees nothing", len(all))
	}
	return all
}

func under(path string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return path == root || strings.HasPrefix(path, root+"/")
	})
}

// Dependencies point inward.
func TestDependenciesPointInward(t *testing.T) {
	may := map[string][]string{ // what a part may import of the module besides itself
		"core":        {},
		"envoyfilter": {"core"},
		"collector":   {"core"},
		"wasmtest":    {},
	}
	for _, p := range packages(t) {
		part, _, _ := strings.Cut(p.ImportPath, "/")
		allowed, known := may[part]
		if !known {
			t.Errorf("%s is in none of the house's parts", p.ImportPath)
		}
		for _, imp := range p.Imports {
			if rest, ok := strings.CutPrefix(imp, module); ok && !under(rest, append(allowed, part)...) {
				t.Errorf("%s imports %s", p.ImportPath, rest)
			}
		}
	}
}

// What the filter imports knows no network, no files, no clock and no log.
func TestFilterIsPure(t *testing.T) {
	pure := []string{"core/csp", "core/nonce", "core/session", "core/rewrite", "core/edgeconfig", "envoyfilter/filter"}
	forbidden := []string{"net", "net/http", "os", "os/exec", "log", "log/slog", "text/template", "html/template", "math/rand", "math/rand/v2"}
	for _, p := range packages(t) {
		if !slices.Contains(pure, p.ImportPath) {
			continue
		}
		for _, imp := range p.Imports {
			if slices.Contains(forbidden, imp) {
				t.Errorf("%s imports %s", p.ImportPath, imp)
			}
		}
		for _, file := range p.GoFiles {
			if at := callsNow(t, filepath.Join(p.Dir, file)); at != "" {
				t.Errorf("%s: the clock is a parameter", at)
			}
		}
	}
}

// callsNow returns where a file reads the clock, "" if it does not.
func callsNow(t *testing.T, path string) (at string) {
	t.Helper()
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name) {
				at = files.Position(sel.Pos()).String()
			}
		}
		return true
	})
	return at
}

// An adapter stands in one place, so that it can be replaced.
func TestAdaptersStandInOnePlace(t *testing.T) {
	only := map[string][]string{
		"github.com/proxy-wasm/proxy-wasm-go-sdk": {"envoyfilter"},
		"github.com/tetratelabs/wazero":           {"wasmtest"},
		"database/sql":                            {"collector/store"},
		"modernc.org/sqlite":                      {"collector/store"},
		"github.com/pressly/goose":                {"collector/store"},
		"github.com/spf13/cobra":                  {"collector"},
	}
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			for library, places := range only {
				if under(imp, library) && !under(p.ImportPath, places...) {
					t.Errorf("%s imports %s, which belongs in %s", p.ImportPath, imp, places)
				}
			}
			if under(imp, "github.com/proxy-wasm/proxy-wasm-go-sdk") && under(p.ImportPath, "envoyfilter/filter") {
				t.Errorf("%s imports the SDK; only envoyfilter/sdk.go does", p.ImportPath)
			}
		}
	}
}

// The collector's rooms meet at the store.
func TestCollectorRoomsMeetAtTheStore(t *testing.T) {
	rooms := []string{"collector/ingest", "collector/admin", "collector/visitor", "collector/edge"}
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			rest := strings.TrimPrefix(imp, module)
			for _, room := range rooms {
				if under(rest, room) && !under(p.ImportPath, room) && under(p.ImportPath, rooms...) {
					t.Errorf("%s imports %s", p.ImportPath, rest)
				}
			}
		}
	}
}
