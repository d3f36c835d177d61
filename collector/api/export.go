package api

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

// exportPage is how many groups an export reads at once.
const exportPage = store.MaxLimit

// exportTimeout is how long a page of an export may take to be sent.
const exportTimeout = 30 * time.Second

// export streams all groups that pass the filters, as NDJSON or CSV.
func (a *api) export(w http.ResponseWriter, r *http.Request, site string) (any, error) {
	q, err := groupQuery(r, site)
	if err != nil {
		return nil, err
	}
	q.Limit = exportPage
	var put func(*Group) error
	flush := func() error { return nil }
	switch format := r.URL.Query().Get("format"); format {
	case "", "ndjson":
		w.Header().Set("Content-Type", "application/x-ndjson")
		enc := json.NewEncoder(w)
		put = func(g *Group) error { return enc.Encode(g) }
	case "csv":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="groups.csv"`)
		put, flush = csvWriter(w)
	default:
		return nil, bad("format is ndjson or csv")
	}
	return nil, a.exportAll(w, r, q, put, flush)
}

// exportAll writes page by page, so that neither the database nor memory is
// held. Once something is written an error can only end the stream.
func (a *api) exportAll(w http.ResponseWriter, r *http.Request, q store.GroupQuery, put func(*Group) error, flush func() error) error {
	control := http.NewResponseController(w)
	for first := true; ; first = false {
		page, err := a.Store.Groups(r.Context(), q)
		if err != nil && first {
			w.Header().Del("Content-Disposition")
			return err
		}
		if err != nil {
			a.Log.Error("an export broke off", "error", err)
			panic(http.ErrAbortHandler) // the client has to see that it is not whole
		}
		_ = control.SetWriteDeadline(time.Now().Add(exportTimeout)) // recorders in tests have none
		for i := range page.Groups {
			g := groupOf(&page.Groups[i])
			if put(&g) != nil {
				return nil // the client has gone
			}
		}
		if q.After = page.Next; flush() != nil || q.After == (store.Cursor{}) {
			return nil
		}
	}
}

var csvHeader = []string{"id", "site", "lane", "kind", "directive", "blocked", "source", "sample", "page",
	"count", "enforced", "clients", "networks", "first_seen", "last_seen", "state", "state_changed"}

func csvWriter(w io.Writer) (put func(*Group) error, flush func() error) {
	out := csv.NewWriter(w)
	_ = out.Write(csvHeader) // told by flush
	put = func(g *Group) error {
		n := func(v int64) string { return strconv.FormatInt(v, 10) }
		return out.Write([]string{
			n(g.ID), g.Site, g.Lane, safe(g.Kind), safe(g.Directive), safe(g.Blocked), safe(g.Source), safe(g.Sample), safe(g.Page),
			n(g.Count), n(g.Enforced), n(int64(g.Clients)), n(int64(g.Networks)), g.FirstSeen.Format(time.RFC3339), g.LastSeen.Format(time.RFC3339), g.State, g.StateChanged.Format(time.RFC3339),
		})
	}
	return put, func() error { out.Flush(); return out.Error() }
}

// safe keeps spreadsheets from taking a sender's text for a formula: they do
// with what begins with one of these, also after white space or a quote.
func safe(s string) string {
	if t := strings.TrimLeft(s, " \t\r\n'\""); t != "" && strings.ContainsRune("=+-@|%", rune(t[0])) || strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r") {
		return "'" + s
	}
	return s
}
