package stack

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/core/edgeconfig"
	"github.com/edgecsp/edgecsp/e2e/demo"
)

func readConfig(t *testing.T) *Config {
	t.Helper()
	c, err := ReadConfig("../../envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// With the ports that the Makefile has, make run starts envoy.yaml itself.
func TestDefaultPortsAreThoseOfEnvoyYAML(t *testing.T) {
	if readConfig(t).setPorts(Ports{Site: 8080, App: 3000, Public: 9401, Private: 9402}) {
		t.Error("envoy.yaml has other ports than make run")
	}
	for _, p := range []Ports{{8081, 3000, 9401, 9402}, {8080, 3001, 9401, 9402}, {8080, 3000, 9400, 9402}} {
		if !readConfig(t).setPorts(p) {
			t.Errorf("%+v pass for the ports of envoy.yaml", p)
		}
	}
}

func TestEnvoyYAMLIsAFilterConfiguration(t *testing.T) {
	c, err := edgeconfig.Parse([]byte(readConfig(t).FilterJSON()))
	if err != nil {
		t.Fatal(err)
	}
	if c.Site != Site || c.Secret.Env != SecretVariable {
		t.Errorf("site %q, secret in %q; the collector is started with %q and %q", c.Site, c.Secret.Env, Site, SecretVariable)
	}
}

// inline finds inline scripts and styles in pages as plain as the old ones.
var inline = regexp.MustCompile(`(?s)<(?:script|style) type="[^"]*">(.*?)</(?:script|style)>`)

// What envoy.yaml approves is what is in the old pages, no more and no less.
func TestEnvoyYAMLApprovesTheOldPages(t *testing.T) {
	var config struct {
		Routes []struct{ Approved []string }
	}
	if err := json.Unmarshal([]byte(readConfig(t).FilterJSON()), &config); err != nil {
		t.Fatal(err)
	}
	var approved []string
	for _, route := range config.Routes {
		approved = append(approved, route.Approved...)
	}
	want := []string{"/old/shop.css", "/old/shop.js"}
	pages, err := fs.Glob(demo.OldPages(), "*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := fs.ReadFile(demo.OldPages(), page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range inline.FindAllSubmatch(text, -1) {
			sum := sha256.Sum256(block[1])
			want = append(want, "sha256-"+base64.StdEncoding.EncodeToString(sum[:]))
		}
	}
	slices.Sort(approved)
	slices.Sort(want)
	if !slices.Equal(approved, want) {
		t.Errorf("envoy.yaml approves\n%s\nand the old pages have\n%s", strings.Join(approved, "\n"), strings.Join(want, "\n"))
	}
}

func TestPortsCheck(t *testing.T) {
	ports, err := FreePorts()
	if err != nil {
		t.Fatal(err)
	}
	if err := ports.check(); err != nil {
		t.Errorf("free ports: %v", err)
	}
	taken, err := net.Listen("tcp", address(ports.Site))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	ports.Private = ports.Public
	err = ports.check()
	if err == nil {
		t.Fatal("a taken port and two equal ones pass")
	}
	for _, want := range []string{
		fmt.Sprintf("port %d, for the site, served by Envoy, is taken", ports.Site),
		fmt.Sprintf("port %d, for the collector's dashboard, is taken", ports.Private),
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if n := len(strings.Split(err.Error(), "\n")); n != 2 {
		t.Errorf("%d faults, want 2:\n%v", n, err)
	}
}

func TestProcessLogAndEnd(t *testing.T) {
	var log bytes.Buffer
	long := strings.Repeat("x", maxLine+1)
	p, err := start("sh", exec.Command("sh", "-c", "echo one; echo two >&2; echo "+long+"; printf end; exit 3"), &log)
	if err != nil {
		t.Fatal(err)
	}
	<-p.done
	for _, want := range []string{"sh | one\n", "sh | two\n", "sh | xxx"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q", want)
		}
	}
	if !strings.HasSuffix(log.String(), "\nsh | end\n") {
		t.Error("the log lacks the last line, which has no newline")
	}
	if said, want := p.ended().Error(), "sh ended by itself (exit status 3)"; !strings.HasPrefix(said, want) {
		t.Errorf("its end is told as %q, want %q", said, want)
	}
}

func TestProcessStopReachesTheWholeGroup(t *testing.T) {
	log, writer := io.Pipe()
	p, err := start("sh", exec.Command("sh", "-c", "sleep 600 & echo started; wait"), writer)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(log).ReadString('\n'); line != "sh | started\n" {
		t.Fatalf("it said %q, error %v", line, err)
	}
	began := time.Now()
	p.stop()
	// Had the sleep stayed, its hold on the output would have taken grace.
	if took := time.Since(began); took > grace/2 {
		t.Errorf("stopping took %v", took)
	}
}
