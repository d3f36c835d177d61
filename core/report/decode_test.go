package report

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func decodeOne(t *testing.T, body string) Report {
	t.Helper()
	reports, stats := Decode([]byte(body), received)
	if len(reports) != 1 {
		t.Fatalf("%s: %d reports, %+v; want one", body, len(reports), stats)
	}
	return reports[0]
}

// TestSpellings: every alias of every member, in both wrappers and in none.
func TestSpellings(t *testing.T) {
	want := Report{
		Kind: CSPViolation, Disposition: Enforce, Directive: "script-src-elem", Blocked: "inline",
		Page: "https://a.example/p", Referrer: "https://r.example/", SourceFile: "https://a.example/s.js",
		Line: 3, Column: 14, Sample: "alert(1)", Status: 200, Policy: "script-src 'self'", Observed: received,
	}
	for _, names := range []string{
		"document-uri referrer blocked-uri effective-directive original-policy source-file line-number column-number script-sample status-code",
		"document-url referrer blocked-url violated-directive original-policy source-file line-number column-number sample status-code",
		"documentURI referrer blockedURI violatedDirective originalPolicy sourceFile lineNumber columnNumber scriptSample statusCode",
		"documentURL referrer blockedURL effectiveDirective originalPolicy sourceFile lineNumber columnNumber sample statusCode",
		"document_url referrer blocked_uri effective_directive original_policy source_file line_number column_number script_sample status_code",
	} {
		n := strings.Fields(names)
		body := fmt.Sprintf(`{"disposition":"enforce",%q:"https://a.example/p",%q:"https://r.example/",%q:"inline",
			%q:"Script-Src-Elem 'self' https:",%q:"script-src 'self'",%q:"https://a.example/s.js",%q:3,%q:"14",%q:"alert(1)",%q:"200"}`,
			n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9])
		for _, wrap := range []string{`%s`, `{"csp-report":%s}`, `{"csp_report":%s,"type":"x"}`, `[{"csp-report":%s}]`, `[{"type":"csp-violation","body":%s}]`,
			`{"type":"csp-violation","url":"https://other.example/","body":%s}`, "\ufeff \n{\"body\":%s}\n",
			`{"type":"csp-violation","url":"https://other.example/","body":null,"x":1,%s`} {
			body := fmt.Sprintf(wrap, body)
			body = strings.Replace(body, `"x":1,{`, "", 1) // the last: members beside the type
			if diff := cmp.Diff(want, decodeOne(t, body)); diff != "" {
				t.Errorf("%s\n%s", body, diff)
			}
		}
	}
}

func TestOddValues(t *testing.T) {
	for _, test := range []struct {
		member string
		want   Report
	}{
		{`"lineNumber":-1`, Report{}},
		{`"lineNumber":0`, Report{}},
		{`"lineNumber":7.9`, Report{Line: 7}},
		{`"lineNumber":1e999`, Report{Line: 1<<31 - 1}},
		{`"lineNumber":-1e999`, Report{}},
		{`"lineNumber":"NaN"`, Report{}},
		{`"lineNumber":2147483647`, Report{Line: 2147483647}},
		{`"lineNumber":2147483648`, Report{Line: 2147483647}},
		{`"lineNumber":[1]`, Report{}},
		{`"lineNumber":null,"line-number":4`, Report{Line: 4}},
		{`"statusCode":1000`, Report{Status: 999}},
		{`"statusCode":"404"`, Report{Status: 404}},
		{`"disposition":"reporting"`, Report{Disposition: ReportOnly}},
		{`"disposition":"ENFORCE"`, Report{Disposition: Enforce}},
		{`"disposition":"nonsense"`, Report{}},
		{`"disposition":7`, Report{}},
		{`"sample":{"a":[]}`, Report{}},
		{`"sample":12`, Report{Sample: "12"}},
		{`"sample":"","script-sample":"x"`, Report{Sample: "x"}},
		{`"sample":"one","sample":"two"`, Report{Sample: "one"}},
		{`"sample":"\ud83d\ude00 \ud83d"`, Report{Sample: `😀 \ud83d`}},
		{`"message":"not of this type"`, Report{}},
		{`"` + strings.Repeat("x", 100) + `":1`, Report{}},
	} {
		want := test.want
		want.Kind, want.Blocked, want.Observed = CSPViolation, "inline", received
		got := decodeOne(t, `{"type":"csp-violation","body":{"blockedURL":"inline",`+test.member+`}}`)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", test.member, diff)
		}
	}
}

func TestAge(t *testing.T) {
	for age, want := range map[string]time.Duration{
		`0`: 0, `1500`: 1500 * time.Millisecond, `"1500"`: 1500 * time.Millisecond, `-5`: 0, `null`: 0, `"x"`: 0,
		`86399999`: MaxAge - time.Millisecond, `86400000`: MaxAge, `86400001`: MaxAge, `1e300`: MaxAge,
	} {
		r := decodeOne(t, `[{"age":`+age+`,"type":"csp-violation","body":{"blockedURL":"inline"}}]`)
		if got := received.Sub(r.Observed); got != want {
			t.Errorf("age %s: %v, want %v", age, got, want)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, test := range []struct {
		entry string
		want  Report
	}{
		{`{"type":"coep","url":"https://a/","body":{"type":"corp","blockedURL":"https://b/x","disposition":"reporting","destination":"script"}}`,
			Report{Kind: COEP, Page: "https://a/", Blocked: "https://b/x", Disposition: ReportOnly, Directive: "corp"}},
		{`{"type":"network-error","url":"https://a/","body":{"type":"dns.failed","phase":"dns","status_code":0}}`,
			Report{Kind: NetworkError, Page: "https://a/", Directive: "dns.failed", Detail: "dns"}},
		{`{"type":"integrity-violation","body":{"documentURL":"https://a/","blockedURL":"https://b/x","destination":"script","reportOnly":true}}`,
			Report{Kind: IntegrityViolation, Page: "https://a/", Blocked: "https://b/x", Directive: "script", Disposition: ReportOnly}},
		{`{"type":"csp-hash","body":{"document_url":"https://a/","subresource_url":"https://a/x","hash":"sha256-x","type":"subresource","destination":"script"}}`,
			Report{Kind: CSPHash, Page: "https://a/", Blocked: "https://a/x", Directive: "subresource", Detail: "sha256-x"}},
		{`{"type":"crash","url":"https://a/","body":null}`, Report{Kind: Crash, Page: "https://a/"}},
		{`{"type":"coep","url":"https://a/","body":{"destination":"script","blockedURL":"https://b/x","type":"corp"}}`,
			Report{Kind: COEP, Page: "https://a/", Blocked: "https://b/x", Directive: "corp"}},
		{`{"type":"crash","url":"https://a/","body":{"reason":"oom"}}`, Report{Kind: Crash, Page: "https://a/", Directive: "oom", Detail: "oom"}},
		{`{"type":"coop","body":{"type":"access-to-opener","property":"closed","openerURL":"https://o/","effectivePolicy":"same-origin"}}`,
			Report{Kind: COOP, Blocked: "https://o/", Directive: "access-to-opener", Detail: "closed"}},
		{`{"type":"permissions-policy-violation","body":{"featureId":"camera","message":"no"}}`,
			Report{Kind: PermissionsPolicyViolation, Directive: "camera", Detail: "no"}},
	} {
		test.want.Observed = received
		if diff := cmp.Diff(test.want, decodeOne(t, test.entry)); diff != "" {
			t.Errorf("%s\n%s", test.entry, diff)
		}
	}
}

const good = `{"type":"csp-violation","body":{"blockedURL":"inline"}}`

// TestOneOddEntry: whatever stands beside it, a good entry is kept.
func TestOneOddEntry(t *testing.T) {
	for _, test := range []struct {
		odd  string
		want Stats
	}{
		{`null`, Stats{Malformed: 1}},
		{`7`, Stats{Malformed: 1}},
		{`"x,]["`, Stats{Malformed: 1}},
		{``, Stats{Malformed: 1}},
		{`[]`, Stats{Malformed: 1}},
		{`{}`, Stats{Malformed: 1}},
		{`{"a" 1}`, Stats{Malformed: 1}},
		{`{"csp-report":null}`, Stats{Malformed: 1}},
		{`{"csp-report":{}}`, Stats{Malformed: 1}},
		{`{"type":"csp-violation","body":null}`, Stats{Malformed: 1}},
		{`{"type":"csp-violation","body":{"sample":"only"}}`, Stats{Malformed: 1}},
		{`{"type":"new-thing","body":{"x":1}}`, Stats{Unknown: 1}},
		{`{"type":"new-thing","body":null}`, Stats{Unknown: 1}},
		{`{"expect-ct-report":{"port":443}}`, Stats{Unknown: 1}},
		{`{"type":"csp-violation","body":{"blockedURL":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}}`, Stats{Dropped: 1}},
	} {
		for _, body := range []string{
			"[" + test.odd + "," + good + "]",
			"[" + good + "," + test.odd + "," + good + "]",
		} {
			reports, got := Decode([]byte(body), received)
			want := test.want
			want.Entries = strings.Count(body, "inline") + 1
			want.Kept = want.Entries - 1
			if got != want || len(reports) != want.Kept {
				t.Errorf("%s: %+v, want %+v", body, got, want)
			}
		}
	}
}

func TestTruncatedBody(t *testing.T) {
	reports, stats := Decode([]byte("["+good+","+good[:30]), received)
	if want := (Stats{Entries: 2, Kept: 1, Malformed: 1}); stats != want || len(reports) != 1 {
		t.Errorf("%+v, want %+v", stats, want)
	}
}

func TestNothing(t *testing.T) {
	for _, body := range []string{"", " \n", "[]", "[ ]", "\ufeff"} {
		if reports, stats := Decode([]byte(body), received); reports != nil || stats != (Stats{}) {
			t.Errorf("%q: %v, %+v; want nothing", body, reports, stats)
		}
	}
}

func TestLimits(t *testing.T) {
	entries := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(good+",", n), ",") + "]" }
	depth := func(n int) string { // n levels: two are the entry's own
		return `{"type":"csp-violation","body":{"blockedURL":"inline","x":` + strings.Repeat("[", n-2) + strings.Repeat("]", n-2) + `}}`
	}
	values := func(n int) string {
		// 1, 2 objects, 2 commas, and the array with n-6 commas
		return `{"type":"csp-violation","body":{"blockedURL":"inline","x":[` + strings.Repeat("1,", n-6) + `1]}}`
	}
	for _, test := range []struct {
		name, body    string
		kept, dropped int
	}{
		{"entries under", entries(MaxEntries - 1), MaxEntries - 1, 0},
		{"entries at", entries(MaxEntries), MaxEntries, 0},
		{"entries over", entries(MaxEntries + 1), MaxEntries, 1},
		{"depth under", depth(MaxDepth - 1), 1, 0},
		{"depth at", depth(MaxDepth), 1, 0},
		{"depth over", depth(MaxDepth + 1), 0, 1},
		{"values under", values(MaxValues - 1), 1, 0},
		{"values at", values(MaxValues), 1, 0},
		{"values over", values(MaxValues + 1), 0, 1},
	} {
		_, stats := Decode([]byte(test.body), received)
		if stats.Kept != test.kept || stats.Dropped != test.dropped {
			t.Errorf("%s: %+v, want %d kept and %d dropped", test.name, stats, test.kept, test.dropped)
		}
	}
}

// TestHostileBodiesStayCheap: what a parser would blow up is dropped unparsed.
func TestHostileBodiesStayCheap(t *testing.T) {
	const size = 1 << 20
	for name, unit := range map[string]string{
		"commas": ",", "values": "1,", "arrays": "[],", "open": "[", "close": "]", "quotes": `"`, "escapes": `\"`, "objects": `{"a":1},`, "nested": `{"a":`,
	} {
		body := []byte("[" + strings.Repeat(unit, size/len(unit)))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Decode(body, received)
		runtime.ReadMemStats(&after)
		allocs := after.TotalAlloc - before.TotalAlloc
		if allocs > 2*size { // one copy is the parser's
			t.Errorf("%s: %d bytes allocated for a body of %d", name, allocs, size)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{good, "[" + good + "]", `{"csp-report":{"blocked-uri":"eval"}}`, `[{"type":"coep","body":{"type":"corp"}},null,{"a":"\ud800"}]`, `["\\",{"a":"]"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		given := string(body)
		reports, s := Decode(body, received)
		if string(body) != given {
			t.Fatal("Decode changed its input")
		}
		if s.Kept != len(reports) || s.Kept > MaxEntries || s.Entries != s.Kept+s.Unknown+s.Malformed+s.Dropped {
			t.Fatalf("counts don't add up: %+v, %d reports", s, len(reports))
		}
		for _, r := range reports {
			checkRedacted(t, Redact(r))
		}
		// A body that is one entry is one entry in an array, too.
		if alone, _ := Decode(body, received); len(alone) == 1 && s.Entries == 1 && strings.HasPrefix(strings.TrimSpace(given), "{") {
			in, _ := Decode([]byte("["+given+","+good+"]"), received)
			if len(in) != 2 {
				t.Fatalf("%q: kept alone, %d reports in an array", given, len(in))
			}
		}
	})
}
