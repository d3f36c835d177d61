package csp_test

import (
	"fmt"

	"github.com/edgecsp/edgecsp/core/csp"
)

// What a browser keeps of a policy, and what it drops.
func ExampleParse() {
	p, findings := csp.Parse("script-src self 'unsafe-inline'; imgsrc *")
	fmt.Println(p)
	for _, f := range findings {
		fmt.Printf("%d: %s %s: %s; %s\n", f.Offset, f.Directive, f.Value, f.Message, f.Fix)
	}
	// Output:
	// script-src self 'unsafe-inline'; imgsrc *
	// 11: script-src self: without quotes this is the name of a host; write 'self'
	// 33: imgsrc : no such directive; browsers ignore it; did you mean img-src?
}

// A configuration's policy has to be right.
func ExampleParseStrict() {
	_, err := csp.ParseStrict("default-src 'self'; img-src https://b\u00fccher.example")
	fmt.Println(err)
	// Output:
	// offset 37: img-src: a non-ASCII character: browsers drop the whole directive; write host names in Punycode (xn--...), paths percent-encoded, quotes as '
}

// A policy compiled once, written per response.
func ExampleTemplate() {
	p, err := csp.ParseStrict("default-src 'self'; img-src *")
	if err != nil {
		panic(err)
	}
	t, err := csp.NewTemplate(p, csp.Placement{ScriptNonce: true})
	if err != nil {
		panic(err)
	}
	header := make([]byte, 0, 512)
	header = t.Append(header, csp.Values{Nonce: "MDEyMzQ1Njc4OWFiY2RlZg", ReportURI: "/csp/report"})
	fmt.Println(string(header))
	fmt.Println(t.StampsScripts(), t.StampsStyles())
	// Output:
	// default-src 'self'; script-src 'self' 'nonce-MDEyMzQ1Njc4OWFiY2RlZg'; img-src *; report-uri /csp/report
	// true false
}

// Would this load, and why not?
func ExamplePolicies_Explain() {
	list, _ := csp.ParseList("default-src 'self' https://cdn.example, img-src *")
	page, _ := csp.ParseURL("https://shop.example/cart")
	script, _ := csp.ParseURL("http://cdn.example/app.js")
	e := csp.Policies{Enforce: list}.Explain(&csp.Request{Activity: csp.Script, Self: page.Origin(), URL: script, ParserInserted: true})
	for _, d := range e.Decisions {
		fmt.Println(d.Sentence())
		for _, s := range d.Steps {
			fmt.Printf("  %s: %s\n", s.Expression, s.Outcome)
		}
	}
	// Output:
	// blocked by default-src (for want of script-src-elem); no expression matches
	//   'self': host differs
	//   https://cdn.example: scheme differs
	// allowed: no directive restricts script-src-elem
}

// Sources are added without forbidding what was allowed.
func ExamplePolicy_Allow() {
	p, _ := csp.Parse("default-src 'self'; object-src 'none'")
	cdn, _ := csp.ParseSource("https://cdn.example")
	p, err := p.Allow("img-src", cdn)
	fmt.Println(p, err)
	// Output:
	// default-src 'self'; img-src 'self' https://cdn.example; object-src 'none' <nil>
}
