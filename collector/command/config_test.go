package command

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigCheck(t *testing.T) {
	for _, test := range []struct {
		file string
		want []string // "" is a good one
	}{
		{"sites: [{name: shop}]", nil},
		{"sites: [{name: shop, secret_env: OTHER}, {name: blog, keys_env: KEYS, announce_secret_env: OTHER, allowed_origins: ['https://blog.example']}]\nlimits: {network_burst: 100}", nil},
		{"sites: [{name: shop}]\ndatabase_env: DSN", nil},
		{"public: x\nsites:\n- name: shop\n  secrt_env: E", []string{`line 4: there is no key "secrt_env" here`}},
		{"sites: [{name: shop}]\nlimits: {entries: many}", []string{"line 2", "many"}},
		{"sites: []", []string{"sites: there is none"}},
		{"sites: [{name: Shop}, {}, {name: a}, {name: a}]", []string{`sites[0].name: "Shop"`, "sites[1].name: it is missing", `sites[3].name: "a" stands twice`}},
		{"sites: [{name: shop, secret_env: NONE}, {name: b}]", []string{"site shop: no secret in environment variable NONE"}},
		{"sites: [{name: shop, announce_secret_env: SHORT}]", []string{"SHORT has 5 bytes"}},
		{"sites: [{name: shop, keys_env: NONE}]", []string{"no keys in environment variable NONE"}},
		{"sites: [{name: shop, hosts: [a, A]}, {name: b, allowed_origins: ['*']}]", []string{`sites[0].hosts: "A" is shop's already`, `sites[1].allowed_origins: "*" is not an origin`}},
		{"sites: [{name: shop}]\npublic: x\nprivate: y\nbase_path: z/\ndatabase: ''\naddresses: all\ntrusted_hops: 11\nsession_keep_days: 0", []string{
			"public: x is not host:port", "private: y", "base_path:", "database: it is missing", "addresses:", "trusted_hops: 11 is outside of 0 to 10", "session_keep_days: 0"}},
		{"sites: [{name: shop}]\nlimits: {body_bytes: 10, network_burst: 99, site_burst: 99, depth: 2}", []string{
			"limits.body_bytes", "limits.network_burst: 99 is below limits.entries, 100", "limits.site_burst: 99", "limits.depth: 2 is outside of 3 to 100"}},
		{"sites: [{name: shop}]\n---\nsites: []", []string{"more than one YAML document"}},
		{"sites: [{name: shop}]\ndatabase_env: NONE", []string{"database_env: there is nothing in environment variable NONE"}},
	} {
		w, stdout, stderr := world(map[string]string{"EDGECSP_SECRET": goodSecret, "OTHER": goodSecret + "x", "KEYS": "k1 k2", "SHORT": "short", "DSN": "postgres://x/y"})
		file := write(t, "collector.yaml", test.file)
		code := Main(t.Context(), []string{"config", "check", file}, w)
		if want := min(len(test.want), 1); code != want {
			t.Errorf("%s: exit code %d, want %d: %s%s", test.file, code, want, stdout, stderr)
		}
		for _, want := range test.want {
			if !regexp.MustCompile(regexp.QuoteMeta(file) + `: .*` + regexp.QuoteMeta(want)).MatchString(stdout.String()) {
				t.Errorf("%s: no %q in %s", test.file, want, stdout)
			}
		}
		if strings.Contains(stdout.String()+stderr.String(), goodSecret) {
			t.Errorf("%s: the secret is shown", test.file)
		}
	}
}

// TestReload: a hang-up puts a new configuration into effect, a bad one changes
// nothing; neither loses a report.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "collector.yaml")
	put := func(sites string) {
		t.Helper()
		text := "database: " + filepath.Join(dir, "x.db") + "\npublic: 127.0.0.1:0\nprivate: 127.0.0.1:0\nsites:\n" + sites
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const shop, blog = "- {name: shop, hosts: [shop.example]}\n", "- {name: blog, keys_env: KEYS}\n"
	put(shop)
	w, _, stderr := world(map[string]string{"EDGECSP_SECRET": goodSecret, "KEYS": "K", "EDGECSP_CONFIG": file})
	hangup := make(chan os.Signal)
	w.Hangup = hangup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan int, 1)
	go func() { done <- Main(ctx, []string{"serve"}, w) }()
	public := wait(t, stderr, `127\.0\.0\.1:\d+`)
	_, rest, _ := strings.Cut(stderr.String(), "private=")
	private, _, _ := strings.Cut(rest, " ")
	post := func() {
		t.Helper()
		resp, err := http.Post("http://"+public+"/csp/report?key=K", "", strings.NewReader(`{"csp-report":{"blocked-uri":"inline"}}`))
		if err != nil || resp.StatusCode != 204 {
			t.Fatalf("%v, %v", resp, err)
		}
		resp.Body.Close()
	}
	lane := func(name string, want string) {
		t.Helper()
		resp, err := http.Get("http://" + private + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var b strings.Builder
		if err := resp.Write(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), name+" "+want+"\n") {
			t.Errorf("%s is not %s in %s", name, want, b.String())
		}
	}
	post()
	lane(`edgecsp_reports_total{lane="forged"}`, "1")
	for i, bad := range []string{"nonsense", shop + "- {name: Bad}\n", shop + "- {name: blog, secret_env: NONE}\n", shop + "base_path: /other\n"} {
		put(bad)
		hangup <- syscall.SIGHUP
		wait(t, stderr, `(?s)(not reloaded.*){`+string(rune('1'+i))+`}`)
	}
	post()
	lane(`edgecsp_reports_total{lane="forged"}`, "2")
	lane("edgecsp_reload_failures_total", "4")
	put(shop + blog)
	hangup <- syscall.SIGHUP
	wait(t, stderr, "configuration reloaded")
	post()
	lane(`edgecsp_reports_total{lane="keyed"}`, "1")
	lane("edgecsp_reloads_total", "1")
	cancel()
	if code := <-done; code != ExitOK {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestPrecedence(t *testing.T) {
	file := write(t, "c.yaml", "sites: [{name: shop}]\npublic: file\nprivate: file\nbase_path: /file\ndatabase: "+filepath.Join(t.TempDir(), "no", "x.db"))
	w, _, stderr := world(map[string]string{"EDGECSP_SECRET": goodSecret, "EDGECSP_PUBLIC": "env", "EDGECSP_PRIVATE": "env"})
	Main(t.Context(), []string{"serve", "--config", file, "--private", "flag"}, w)
	for _, want := range []string{"public: env is", "private: flag is"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in %s", want, stderr)
		}
	}
	if code := Main(t.Context(), []string{"serve", "--config", file, "--site", "x"}, w); code != ExitFailed || !strings.Contains(stderr.String(), "leave one or the other out") {
		t.Errorf("%d: %s", code, stderr)
	}
}

// TestDatabaseCommands: tokens, cleaning and a backup, beside a collector that
// has the database open.
func TestDatabaseCommands(t *testing.T) {
	dir := t.TempDir()
	db, copied := filepath.Join(dir, "x.db"), filepath.Join(dir, "copy.db")
	w, _, stderr := world(map[string]string{"EDGECSP_SECRET": goodSecret})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() {
		done <- Main(ctx, []string{"serve", "--site", "shop", "--db", db, "--public", "127.0.0.1:0", "--private", "127.0.0.1:0"}, w)
	}()
	wait(t, stderr, `127\.0\.0\.1:\d+`)
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"token add ci --scope read --scope triage --for-site shop --db " + db, 0, `^edgecsp_[\w-]{43}\n$`},
		{"token add ci --db " + db, 2, "there is a token"},
		{"token add x --scope all --db " + db, 2, "--scope all"},
		{"token add x --for-site X --db " + db, 2, "--for-site"},
		{"token add X --db " + db, 2, "token's name"},
		{"token list --db " + db, 0, `ci\tscopes read,triage\tsite shop\texpires \d{4}-`},
		{"token remove ci --db " + db, 0, "^$"},
		{"token remove ci --db " + db, 2, "there is no token"},
		{"backup " + copied + " --db " + db, 0, "^$"},
		{"backup " + copied + " --db " + db, 2, "is there already"},
		{"backup " + filepath.Join(dir, "no", "x") + " --db " + db, 2, "no such file"},
		{"cleanunused --db " + copied, 0, "removed 0 samples"},
		{"cleanunused --days 0 --db " + copied, 2, "--days 0"},
		{"cleanunused --db " + filepath.Join(dir, "none.db"), 2, "no such file"},
		{"login-link --db " + copied, 0, "/csp/admin/login"},
	} {
		w, stdout, stderr := world(nil)
		code := Main(t.Context(), strings.Fields(test.args), w)
		if code != test.code || !regexp.MustCompile(test.want).MatchString(stdout.String()+stderr.String()) {
			t.Errorf("%s: %d, %s%s", test.args, code, stdout, stderr)
		}
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info, err)
	}
	cancel()
	<-done
}
