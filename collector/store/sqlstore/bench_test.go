package sqlstore

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

// BenchmarkManyGroups adds batches whose reports are each of another group and
// client.
func BenchmarkManyGroups(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "x.db"), Options{NewGroups: -1})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for b.Loop() {
		records := make([]store.Record, 500)
		for i := range records {
			records[i] = store.Record{
				Site: "shop", Received: at, Lane: store.Genuine, Client: rng.Uint64() | 1, Net: rng.Uint64N(5000)*0x9e3779b97f4a7c15 + 1,
				Session: fmt.Sprint(rng.Uint64()), Issued: at,
				Report: report.Report{Kind: report.CSPViolation, Blocked: fmt.Sprint("h", rng.IntN(20000)), Policy: "p", Observed: at},
			}
		}
		if err := s.Add(b.Context(), records); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/report")
}
