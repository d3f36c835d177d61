package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"math/bits"

	"github.com/axiomhq/hyperloglog"
)

const (
	// precision makes a sketch 2 KiB at most, and its estimate right within
	// about 2.3 percent.
	precision = 11
	// maxReach is how many groups' sketches are held in memory.
	maxReach = 2048
	// exact is up to how many different values a sketch is told of each one
	// once; past it, of those that can change it.
	exact = 256
)

var (
	findReach = newBulk(`SELECT group_id, client_sketch, network_sketch FROM reach WHERE group_id IN (`, 1, `)`)

	upsertReach = newBulk(`INSERT INTO reach (group_id, clients, networks, client_sketch, network_sketch) VALUES `, 5, `
		ON CONFLICT (group_id) DO UPDATE SET clients = excluded.clients, networks = excluded.networks,
			client_sketch = excluded.client_sketch, network_sketch = excluded.network_sketch`)
)

// A reachCache knows which values the sketches in the database have been told
// of, so that a client seen before costs no write. It only saves work: what it
// has forgotten is told again and changes nothing.
type reachCache struct {
	groups generations[int64, *reach]
}

func newReachCache() *reachCache {
	return &reachCache{groups: newGenerations[int64, *reach](maxReach)}
}

func (c *reachCache) clear() { c.groups.clear() }

type reach struct{ clients, networks told }

// told are the values that one sketch has been told of.
type told struct {
	values map[uint64]struct{}
	ranks  *[1 << precision]uint8 // once values is full
}

// tell returns whether a sketch has to be told of v.
func (t *told) tell(v uint64) bool {
	if v == 0 {
		return false
	}
	if t.ranks == nil {
		if _, ok := t.values[v]; ok {
			return false
		}
		if t.values == nil {
			t.values = map[uint64]struct{}{}
		}
		t.values[v] = struct{}{}
		if len(t.values) < exact {
			return true
		}
		t.ranks = new([1 << precision]uint8)
		for v := range t.values {
			t.raise(v)
		}
		t.values = nil
		return true
	}
	return t.raise(v)
}

// raise tells whether v changes a HyperLogLog of this precision.
func (t *told) raise(v uint64) bool {
	i, rank := v>>(64-precision), uint8(bits.LeadingZeros64(v<<precision|1)+1)
	if t.ranks[i] >= rank {
		return false
	}
	t.ranks[i] = rank
	return true
}

// An addition is what a batch adds to one group's sketches.
type addition struct {
	group             *group
	clients, networks []uint64
	// The sketches that it is added to.
	clientSketch, networkSketch *hyperloglog.Sketch
}

func (w *writer) applyReach(ctx context.Context, tx *sql.Tx, t *tally, _ *Commit) error {
	var adds []*addition
	byID := map[int64]*addition{}
	var old []int64
	for _, g := range t.groups {
		a := w.reach.addition(g)
		if len(a.clients) == 0 && len(a.networks) == 0 {
			continue
		}
		adds = append(adds, a)
		byID[g.id] = a
		if g.total > int64(len(g.reports)) {
			old = append(old, g.id)
		}
	}
	// The groups' rows are locked by now: nobody else changes their sketches.
	err := w.prepared.run(ctx, tx, findReach, len(old), func(args []any, i int) []any { return append(args, old[i]) },
		func(rows *sql.Rows) error { return scanReach(rows, byID) })
	if err != nil {
		return err
	}
	var failed error
	err = w.prepared.run(ctx, tx, upsertReach, len(adds), func(args []any, i int) []any {
		args, e := adds[i].values(args)
		if e != nil {
			failed = e
		}
		return args
	}, nil)
	if failed != nil {
		return failed
	}
	return err
}

func (c *reachCache) addition(g *group) *addition {
	seen, ok := c.groups.get(g.id)
	if !ok {
		seen = &reach{}
		c.groups.put(g.id, seen)
	}
	a := &addition{group: g}
	for _, r := range g.reports {
		if seen.clients.tell(r.Client) {
			a.clients = append(a.clients, r.Client)
		}
		if seen.networks.tell(r.Net) {
			a.networks = append(a.networks, r.Net)
		}
	}
	return a
}

func scanReach(rows *sql.Rows, byID map[int64]*addition) error {
	var id int64
	var clients, networks []byte
	if err := rows.Scan(&id, &clients, &networks); err != nil {
		return err
	}
	a := byID[id]
	a.clientSketch, a.networkSketch = new(hyperloglog.Sketch), new(hyperloglog.Sketch)
	if err := a.clientSketch.UnmarshalBinary(clients); err != nil {
		return fmt.Errorf("read a sketch: %w", err)
	}
	if err := a.networkSketch.UnmarshalBinary(networks); err != nil {
		return fmt.Errorf("read a sketch: %w", err)
	}
	return nil
}

func (a *addition) values(args []any) ([]any, error) {
	clients, clientBytes, err := grow(a.clientSketch, a.clients)
	if err != nil {
		return append(args, 0, 0, 0, nil, nil), err
	}
	networks, networkBytes, err := grow(a.networkSketch, a.networks)
	return append(args, a.group.id, clients, networks, clientBytes, networkBytes), err
}

// grow adds values to a sketch, which is made where it is nil, and returns what
// it estimates and its bytes.
func grow(s *hyperloglog.Sketch, values []uint64) (int64, []byte, error) {
	if s == nil {
		var err error
		if s, err = hyperloglog.NewSketch(precision, true); err != nil {
			return 0, nil, err
		}
	}
	for _, v := range values {
		s.InsertHash(v)
	}
	b, err := s.MarshalBinary()
	return int64(s.Estimate()), b, err
}
