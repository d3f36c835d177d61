package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edgecsp/edgecsp/core/rewrite"
)

//go:embed nonce.lua
var nonceScript string

// variants are what is compared.
const (
	bare      = "none"      // no filter
	all       = "all"       // the filter: reports, stamps every tag
	inventory = "inventory" // the filter: enforces, stamps what is approved
	lua       = "lua"       // the job of "all" in Envoy's Lua filter
)

var variants = []string{bare, all, inventory, lua}

// policy is what every variant but the bare one sends.
var policy = map[string][]string{
	"default-src":     {"'self'"},
	"script-src":      {"'self'"},
	"style-src":       {"'self'"},
	"object-src":      {"'none'"},
	"base-uri":        {"'none'"},
	"frame-ancestors": {"'self'"},
}

// filters returns a variant's HTTP filters.
func filters(variant, root string, approved []string) ([]any, error) {
	route := map[string]any{"match": map[string]string{"prefix": "/"}}
	switch variant {
	case bare:
		return nil, nil
	case lua:
		return []any{filter("envoy.filters.http.lua", map[string]any{
			"@type":               "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
			"default_source_code": map[string]any{"inline_string": nonceScript},
		})}, nil
	case inventory:
		route["trust"], route["enforce"], route["approved"] = "inventory", policy, approved
	default:
		route["report_only"] = policy
	}
	f, err := wasm(filepath.Join(root, "build/edgecsp.wasm"), route)
	return []any{f}, err
}

// wasm is edgecsp's filter with one route.
func wasm(file string, route map[string]any) (any, error) {
	configuration, err := json.Marshal(map[string]any{"site": "bench", "secret_env": secretVariable, "routes": []any{route}})
	if err != nil {
		return nil, err
	}
	file, err = filepath.Abs(file)
	return filter("edgecsp", map[string]any{
		"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
		"config": map[string]any{
			"failure_policy": "FAIL_CLOSED", // so that a VM that dies shows
			"vm_config": map[string]any{
				"runtime":               "envoy.wasm.runtime.v8",
				"code":                  map[string]any{"local": map[string]string{"filename": file}},
				"environment_variables": map[string]any{"host_env_keys": []string{secretVariable}},
			},
			"configuration": map[string]string{"@type": "type.googleapis.com/google.protobuf.StringValue", "value": string(configuration)},
		},
	}), err
}

func filter(name string, config map[string]any) any {
	return map[string]any{"name": name, "typed_config": config}
}

// approvals lists what the pages hold, as an operator who approves all of it
// would.
func approvals(list []page) []string {
	var approved []string
	for _, p := range list {
		ledger := rewrite.NewLedger()
		s := &rewrite.Stream{}
		s.Reset(&rewrite.Options{Trust: rewrite.None, Scripts: true, Styles: true}, rewrite.Page{URL: urlOf(p), Document: true, Charset: "utf-8", Inventory: ledger})
		s.Close(s.Write(nil, p.body))
		for _, e := range ledger.Entries() {
			switch e.Found {
			case rewrite.InlineScript, rewrite.InlineStyle:
				approved = append(approved, e.Hash)
			case rewrite.ExternalScript, rewrite.ExternalStyle:
				approved = append(approved, e.Text)
			}
		}
	}
	slices.Sort(approved)
	approved = slices.Compact(approved)
	// What cannot be approved (a URL with a fragment, say) stays unapproved.
	return slices.DeleteFunc(approved, func(e string) bool {
		_, err := rewrite.NewApprovals([]string{e})
		return e == "" || err != nil
	})
}

func urlOf(p page) string { return "http://" + host + "/" + p.name }

// stamps tells how many nonce attributes a variant puts into a page.
func stamps(variant string, p page, approved []string) (int, error) {
	o := rewrite.Options{Trust: rewrite.All, Scripts: true, Styles: true}
	switch {
	case variant == bare || variant == alone || !p.html:
		return 0, nil
	case variant == lua:
		n := 0
		for _, start := range []string{"<script", "<style", "<link"} {
			n += bytes.Count(p.body, []byte(start))
		}
		return n, nil
	case variant == inventory:
		var err error
		o.Trust = rewrite.Inventory
		if o.Approved, err = rewrite.NewApprovals(approved); err != nil {
			return 0, err
		}
	}
	s := &rewrite.Stream{}
	s.Reset(&o, rewrite.Page{Nonce: "AAAAAAAAAAAAAAAAAAAAAAAA", URL: urlOf(p), Document: true, Charset: "utf-8"})
	s.Close(s.Write(nil, p.body))
	return s.Counts().Stamped, nil
}

// A want is what is right for a variant's response to a page.
type want struct {
	variant string
	page    page
	stamps  int
	length  int // of the body, known once one was looked at
}

// cheap checks what can be checked on every response.
func (w *want) cheap(a response) error {
	if a.status != 200 || a.length != w.length {
		return fmt.Errorf("status %d and %d bytes; 200 and %d are right", a.status, a.length, w.length)
	}
	return nil
}

// whole checks a response that was kept: its policy has a nonce, which stands
// on as many tags as it should.
func (w *want) whole(a response) error {
	if a.status != 200 {
		return fmt.Errorf("status %d: %.300s", a.status, a.body)
	}
	if w.variant == bare || w.variant == alone || !w.page.html {
		if !bytes.Equal(a.body, w.page.body) {
			return errors.New("the body is not the upstream's")
		}
		return nil
	}
	nonce, err := nonceOf(a.header, w.variant == inventory)
	if err != nil {
		return err
	}
	if n := bytes.Count(a.body, []byte(`nonce="`+nonce+`"`)); n != w.stamps {
		return fmt.Errorf("the nonce stands on %d tags; on %d is right", n, w.stamps)
	}
	return nil
}

// nonceOf finds the nonce in the policy.
func nonceOf(header []string, enforced bool) (string, error) {
	name := "content-security-policy-report-only: "
	if enforced {
		name = "content-security-policy: "
	}
	for _, line := range header {
		value, ok := strings.CutPrefix(line, name)
		if !ok {
			continue
		}
		if _, rest, ok := strings.Cut(value, "'nonce-"); ok {
			nonce, _, _ := strings.Cut(rest, "'")
			return nonce, nil
		}
	}
	return "", errors.New("no policy with a nonce")
}
