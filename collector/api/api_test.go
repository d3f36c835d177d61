package api

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
	"github.com/edgecsp/edgecsp/core/report"
)

var now = time.Date(2026, 11, 20, 12, 30, 0, 0, time.UTC)

type bench struct {
	http.Handler
	store *sqlstore.Store
	sites []string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), sqlstore.Options{NewGroups: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b := &bench{store: s, sites: []string{"shop"}}
	b.Handler = New(Config{Base: "/csp", Sites: func() []string { return b.sites }, Store: s, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	for name, scopes := range map[string][]string{"all": Scopes(), Read: {Read}, ReadVisits: {ReadVisits}, Triage: {Triage}} {
		b.token(t, name, store.APIToken{Scopes: scopes})
	}
	return b
}

func (b *bench) token(t *testing.T, name string, tok store.APIToken) {
	t.Helper()
	tok.Name, tok.Hash, tok.Created = name, store.HashOf(TokenPrefix+name), now
	if err := b.store.AddToken(t.Context(), tok); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) add(t *testing.T, site string, r report.Report) {
	t.Helper()
	if r.Kind == "" {
		r.Kind = report.CSPViolation
	}
	rec := store.Record{Site: site, Received: now, Lane: store.Genuine, Session: "S", Issued: now, Client: 1 << 40, Net: 1 << 41, Report: r}
	if err := b.store.Add(t.Context(), []store.Record{rec}); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) do(method, path, body, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/csp/api/v1"+path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+TokenPrefix+token)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

// examples fill in the paths of all operations.
var examples = strings.NewReplacer("{id}", "1", "{issued}", fmt.Sprint(now.Unix()), "{session}", "S")

// TestOpenAPI: the file names every operation and no other, with its scope, and
// what is answered is as it says, to the last member.
func TestOpenAPI(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			Security  []map[string][]string `yaml:"security"`
			Responses map[string]struct {
				Content map[string]struct {
					Schema schema `yaml:"schema"`
				} `yaml:"content"`
			} `yaml:"responses"`
		} `yaml:"paths"`
		Components struct {
			Schemas map[string]schema `yaml:"schemas"`
		} `yaml:"components"`
	}
	if err := yaml.Unmarshal(openAPI, &doc); err != nil {
		t.Fatal(err)
	}
	described := 0
	for _, methods := range doc.Paths {
		described += len(methods)
	}
	if described != len(routes) {
		t.Errorf("%d operations are described, and there are %d", described, len(routes))
	}
	b := newBench(t)
	b.add(t, "shop", report.Report{Directive: "script-src", Blocked: "inline"})
	for _, r := range routes {
		op, ok := doc.Paths[r.path][strings.ToLower(r.method)]
		if !ok {
			t.Errorf("%s %s is not described", r.method, r.path)
			continue
		}
		if !slices.Equal(op.Security[0]["token"], []string{r.scope}) {
			t.Errorf("%s %s needs %s, and the file says %v", r.method, r.path, r.scope, op.Security)
		}
		w := b.do(r.method, examples.Replace(r.path), `{"state":"acknowledged"}`, "all")
		content, ok := op.Responses["200"].Content[w.Header().Get("Content-Type")]
		if w.Code != 200 || !ok {
			t.Errorf("%s %s: %d %s %s", r.method, r.path, w.Code, w.Header().Get("Content-Type"), w.Body)
			continue
		}
		var v any
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		for _, fault := range content.Schema.faults(doc.Components.Schemas, r.path, v) {
			t.Error(fault)
		}
	}
}

type schema struct {
	Ref        string            `yaml:"$ref"`
	Type       string            `yaml:"type"`
	Format     string            `yaml:"format"`
	Required   []string          `yaml:"required"`
	Properties map[string]schema `yaml:"properties"`
	Items      *schema           `yaml:"items"`
}

// faults compares a value with what a schema says.
func (s schema) faults(all map[string]schema, at string, v any) (faults []string) {
	if s.Ref != "" {
		s = all[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	switch s.Type {
	case "object":
		o, ok := v.(map[string]any)
		if !ok {
			return []string{at + ": no object"}
		}
		for _, name := range s.Required {
			if _, ok := o[name]; !ok {
				faults = append(faults, at+"."+name+": missing")
			}
		}
		for name, value := range o {
			p, ok := s.Properties[name]
			if !ok {
				faults = append(faults, at+"."+name+": not described")
				continue
			}
			faults = append(faults, p.faults(all, at+"."+name, value)...)
		}
	case "array":
		list, ok := v.([]any)
		if !ok || len(list) == 0 {
			return []string{at + ": no list, or an empty one"}
		}
		for _, value := range list {
			faults = append(faults, s.Items.faults(all, at+"[]", value)...)
		}
	case "integer":
		if n, ok := v.(float64); !ok || n != float64(int64(n)) {
			return []string{fmt.Sprintf("%s: %v is no integer", at, v)}
		}
	case "string":
		text, ok := v.(string)
		if _, err := time.Parse(time.RFC3339, text); !ok || s.Format == "date-time" && err != nil {
			return []string{fmt.Sprintf("%s: %v is no %s %s", at, v, s.Type, s.Format)}
		}
	default:
		return []string{at + ": not described"}
	}
	return faults
}

func TestScopes(t *testing.T) {
	b := newBench(t)
	b.sites = []string{"shop", "blog"}
	b.add(t, "shop", report.Report{Blocked: "inline"})
	b.token(t, "old", store.APIToken{Scopes: Scopes(), Expires: now})
	b.token(t, "one", store.APIToken{Scopes: Scopes(), Site: "blog"})
	for _, r := range routes {
		for token, scopes := range map[string][]string{"": nil, "none": nil, "old": nil, Read: {Read}, ReadVisits: {ReadVisits}, Triage: {Triage}} {
			path := examples.Replace(r.path) + "?site=shop"
			want := http.StatusForbidden
			if len(scopes) == 0 {
				want = http.StatusUnauthorized
			} else if slices.Contains(scopes, r.scope) {
				want = http.StatusOK
			}
			if w := b.do(r.method, path, `{"state":"open"}`, token); w.Code != want {
				t.Errorf("%s %s with %q: %d, want %d", r.method, path, token, w.Code, want)
			}
		}
		if w := b.do(r.method, examples.Replace(r.path)+"?site=shop", `{"state":"open"}`, "one"); w.Code != 403 {
			t.Errorf("%s with a token for another site: %d", r.path, w.Code)
		}
	}
	if w := b.do("GET", "/groups/1", "", "one"); w.Code != 404 {
		t.Errorf("a group of another site: %d", w.Code)
	}
	if w := b.do("GET", "/sites", "", "one"); strings.Contains(w.Body.String(), "shop") {
		t.Errorf("the token of one site sees %s", w.Body)
	}
	for path, want := range map[string]int{"/groups": 400, "/groups?site=x": 404, "/sites": 200} {
		if w := b.do("GET", path, "", "all"); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

func TestWrongParameters(t *testing.T) {
	b := newBench(t)
	b.add(t, "shop", report.Report{Blocked: "inline"})
	for _, path := range []string{
		"/groups?view=x", "/groups?state=x", "/groups?lane=x", "/groups?limit=0", "/groups?limit=501", "/groups?limit=x", "/groups?cursor=x", "/groups?cursor=1",
		"/counts?from=x", "/counts?to=x", "/counts?from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z", "/counts?from=2020-01-01T00:00:00Z", "/export?format=xml", "/sessions/x/S", "/sessions?limit=x",
	} {
		if w := b.do("GET", path, "", "all"); w.Code != 400 || !strings.Contains(w.Body.String(), `{"error":"`) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, body := range []string{"", "{}", `{"state":"regressed"}`, `{"state":"open","x":1}`, strings.Repeat("x", 2*maxBody)} {
		if w := b.do("PUT", "/groups/1/state", body, "all"); w.Code != 400 {
			t.Errorf("%.20s: %d", body, w.Code)
		}
	}
	for _, path := range []string{"/groups/2", "/groups/x", "/groups/2/counts", "/groups/2/samples", "/sessions/1/S", "/sessions?cursor=x"} {
		if w := b.do("GET", path, "", "all"); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestExport: all groups, over several pages, in both formats; nothing in it is
// a formula to a spreadsheet.
func TestExport(t *testing.T) {
	b := newBench(t)
	hostile := []string{"=1+1", "+1", "-1", "@SUM(A1)", " =1", "'=1", "a,b\"c", "|cmd", "%0A=1"}
	var records []store.Record
	for i := range exportPage + 50 {
		sample := fmt.Sprint("plain ", strings.Repeat("x", i))
		if i < len(hostile) {
			sample = hostile[i]
		}
		records = append(records, store.Record{Site: "shop", Received: now, Lane: store.Genuine, Report: report.Report{Kind: report.CSPViolation, Blocked: fmt.Sprintf("https://h%d.example", i), Sample: sample[:min(len(sample), 100)]}})
	}
	if err := b.store.Add(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.do("GET", "/export", "", "all").Body.String()), "\n")
	if len(lines) != len(records) {
		t.Errorf("%d lines of %d groups", len(lines), len(records))
	}
	var g Group
	if err := json.Unmarshal([]byte(lines[0]), &g); err != nil || g.Site != "shop" {
		t.Errorf("%s: %v", lines[0], err)
	}
	w := b.do("GET", "/export?format=csv", "", "all")
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || len(rows) != len(records)+1 || !slices.Equal(rows[0], csvHeader) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for i, cell := range row {
			if t2 := strings.TrimLeft(cell, " \t"); t2 != "" && strings.ContainsRune("=+-@|%", rune(t2[0])) {
				t.Errorf("column %s holds %q", csvHeader[i], cell)
			}
		}
	}
	if w := b.do("GET", "/export?format=csv&directive=none", "", "all"); strings.Count(w.Body.String(), "\n") != 1 {
		t.Errorf("with a filter: %s", w.Body)
	}
}
