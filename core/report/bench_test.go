package report

import (
	"os"
	"testing"
)

func BenchmarkDecodeRedact(b *testing.B) {
	body, err := os.ReadFile("testdata/golden/129-nuxt-csp-report-array.json")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		reports, _ := Decode(body, received)
		for _, r := range reports {
			Redact(r)
		}
	}
}
