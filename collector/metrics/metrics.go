// Package metrics counts what the collector does. No label holds anything that
// a report or a request says: whoever sends reports could make up any number
// of values.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/edgecsp/edgecsp/collector/store"
	"github.com/edgecsp/edgecsp/core/report"
)

// A Result is what became of a request to the public listener.
type Result string

const (
	Stored       Result = "stored"
	Empty        Result = "empty" // nothing in it to keep
	UnknownSite  Result = "unknown_site"
	TooLarge     Result = "too_large"
	CutShort     Result = "cut_short"
	ShedNetwork  Result = "shed_network" // over its network's rate
	ShedSite     Result = "shed_site"    // over the site's rate
	ShedInFlight Result = "shed_in_flight"
	ShedQueue    Result = "shed_queue" // too much waits for the database
	Failed       Result = "failed"     // the database did not take it
)

// Results returns all results.
func Results() []Result {
	return []Result{Stored, Empty, UnknownSite, TooLarge, CutShort, ShedNetwork, ShedSite, ShedInFlight, ShedQueue, Failed}
}

// Metrics are a collector's counters, in a registry of their own. All methods
// are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	requests map[Result]prometheus.Counter
	seconds  prometheus.Histogram
	lanes    map[store.Lane]prometheus.Counter
	entries  map[string]prometheus.Counter

	commits, commitFailures                 prometheus.Counter
	commitSeconds, commitReports            prometheus.Histogram
	newGroups, overflowed, samples, reloads prometheus.Counter
	reloadFailures                          prometheus.Counter
	cleaned                                 *prometheus.CounterVec
}

// New returns counters that stand at zero.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), requests: map[Result]prometheus.Counter{},
		lanes: map[store.Lane]prometheus.Counter{}, entries: map[string]prometheus.Counter{},
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	requests := m.vector("edgecsp_requests_total", "Requests to the public listener, by what became of them.", "result")
	for _, r := range Results() {
		m.requests[r] = requests.WithLabelValues(string(r))
	}
	lanes := m.vector("edgecsp_reports_total", "Reports stored, by how far they can be trusted.", "lane")
	for _, l := range store.Lanes() {
		m.lanes[l] = lanes.WithLabelValues(string(l))
	}
	entries := m.vector("edgecsp_entries_total", "Entries in the bodies of requests, by what they were.", "result")
	for _, r := range []string{"kept", "unknown", "malformed", "dropped"} {
		m.entries[r] = entries.WithLabelValues(r)
	}
	m.seconds = m.histogram("edgecsp_request_seconds", "Time from a request's headers to its answer.", prometheus.ExponentialBuckets(0.0005, 2.5, 12))
	m.commits = m.counter("edgecsp_commits_total", "Batches committed.")
	m.commitFailures = m.counter("edgecsp_commit_failures_total", "Batches that the database did not take.")
	m.commitSeconds = m.histogram("edgecsp_commit_seconds", "Time that a batch took.", prometheus.ExponentialBuckets(0.0005, 2.5, 12))
	m.commitReports = m.histogram("edgecsp_commit_reports", "Reports in a batch.", prometheus.ExponentialBuckets(1, 2, 12))
	m.newGroups = m.counter("edgecsp_groups_new_total", "Groups that were new.")
	m.overflowed = m.counter("edgecsp_reports_overflowed_total", "Reports counted in an overflow group, past the budget of new groups.")
	m.samples = m.counter("edgecsp_samples_total", "Reports kept whole.")
	m.reloads = m.counter("edgecsp_reloads_total", "Configurations put into effect after the first.")
	m.reloadFailures = m.counter("edgecsp_reload_failures_total", "Configurations that were refused; the one before stayed in effect.")
	m.cleaned = m.vector("edgecsp_cleaned_total", "Rows that retention removed.", "what")
	return m
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) vector(name, help, label string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return h
}

// Gauge makes a value that is asked for whenever the metrics are read.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Handler answers with all of it in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Request counts a request.
func (m *Metrics) Request(r Result, took time.Duration) {
	m.requests[r].Inc()
	m.seconds.Observe(took.Seconds())
}

// Entries counts what was in a body.
func (m *Metrics) Entries(s report.Stats) {
	add(m.entries["kept"], s.Kept)
	add(m.entries["unknown"], s.Unknown)
	add(m.entries["malformed"], s.Malformed)
	add(m.entries["dropped"], s.Dropped)
}

func add(c prometheus.Counter, n int) {
	if n > 0 {
		c.Add(float64(n))
	}
}

// Reports counts reports that are on disk.
func (m *Metrics) Reports(lane store.Lane, n int) { add(m.lanes[lane], n) }

// A Commit is what Commit counts of a transaction.
type Commit struct {
	Reports, NewGroups, Overflowed, Samples int
	Took                                    time.Duration
	Failed                                  bool
}

// Commit counts a transaction.
func (m *Metrics) Commit(c Commit) {
	m.commitSeconds.Observe(c.Took.Seconds())
	if c.Failed {
		m.commitFailures.Inc()
		return
	}
	m.commits.Inc()
	m.commitReports.Observe(float64(c.Reports))
	add(m.newGroups, c.NewGroups)
	add(m.overflowed, c.Overflowed)
	add(m.samples, c.Samples)
}

// Reload counts an attempt to put a new configuration into effect.
func (m *Metrics) Reload(ok bool) {
	if ok {
		m.reloads.Inc()
	} else {
		m.reloadFailures.Inc()
	}
}

// Cleaned counts what retention removed.
func (m *Metrics) Cleaned(r store.Removed) {
	for what, n := range map[string]int64{"samples": r.Samples, "sessions": r.Sessions, "counts": r.Counts, "groups": r.Groups} {
		m.cleaned.WithLabelValues(what).Add(float64(n))
	}
}
