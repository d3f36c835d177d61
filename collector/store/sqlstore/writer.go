package sqlstore

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

const (
	// maxQueue is how many calls of Add wait; further ones get store.ErrBusy.
	maxQueue = 1024
	// maxGather is how many calls are committed together.
	maxGather = 512
	// busyBatch is how many calls in a batch say that there is a load; then the
	// next one waits busyWait for others to come, since most of what a commit
	// costs it costs for one call as for many.
	busyBatch = 8
	busyWait  = time.Millisecond
)

// A writer commits what overlapping calls bring in one transaction: while one
// commit waits for the disk, the next batch gathers. A single call waits for
// nobody.
type writer struct {
	db      *sql.DB
	dialect *dialect
	queue   chan request
	done    chan struct{}
	observe func(Commit)

	// These are run's alone.
	prepared *statements
	reach    *reachCache
	budget   *budget

	mu     sync.RWMutex // holds off stop while a call is being queued
	closed bool
}

type request struct {
	reports []shaped
	result  chan error // has room for one
}

func startWriter(db *sql.DB, d *dialect, opts Options) *writer {
	w := &writer{
		db: db, dialect: d, queue: make(chan request, maxQueue), done: make(chan struct{}), observe: opts.Observe,
		reach: newReachCache(), budget: newBudget(opts.NewGroups),
	}
	if w.observe == nil {
		w.observe = func(Commit) {}
	}
	go w.run()
	return w
}

// Add implements store.Reports.
func (s *Store) Add(ctx context.Context, records []store.Record) error {
	if len(records) == 0 {
		return nil
	}
	req := request{reports: shape(records), result: make(chan error, 1)}
	if err := s.writer.enqueue(req); err != nil {
		return err
	}
	select {
	case err := <-req.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) enqueue(req request) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return store.ErrClosed
	}
	select {
	case w.queue <- req:
		return nil
	default:
		return store.ErrBusy
	}
}

// stop returns when all that was queued has been answered.
func (w *writer) stop() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.done
}

func (w *writer) run() {
	defer close(w.done)
	busy := false
	for req := range w.queue {
		if busy && len(w.queue) < maxGather/2 {
			time.Sleep(busyWait)
		}
		batch := w.gather(req)
		busy = len(batch) >= busyBatch
		start := time.Now()
		c := w.commit(batch)
		c.Requests, c.Took = len(batch), time.Since(start)
		for _, r := range batch {
			r.result <- c.Err
		}
		w.observe(c)
	}
}

// gather returns first and what waits behind it.
func (w *writer) gather(first request) []request {
	batch := []request{first}
	for len(batch) < maxGather {
		select {
		case req, ok := <-w.queue:
			if !ok {
				return batch
			}
			batch = append(batch, req)
		default:
			return batch
		}
	}
	return batch
}

// commit writes a batch. What it remembers for later batches it forgets where
// it fails: the database may not have it.
func (w *writer) commit(batch []request) (c Commit) {
	ctx, cancel := context.WithTimeout(context.Background(), CommitTimeout) // no caller's: the batch belongs to many
	defer cancel()
	if c.Err = w.prepare(ctx); c.Err != nil {
		return c
	}
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		c.Err = err
		return c
	}
	defer tx.Rollback() // does nothing after Commit
	c.Err = w.apply(ctx, tx, batch, &c)
	if c.Err == nil {
		c.Err = tx.Commit()
	}
	if c.Err != nil {
		w.reach.clear()
		w.budget.forget()
	}
	return c
}

func (w *writer) prepare(ctx context.Context) error {
	if w.prepared != nil {
		return nil
	}
	p := &statements{dialect: w.dialect, made: map[*bulk]*[len(sizes)]*sql.Stmt{}}
	if err := p.prepare(ctx, w.db, findGroups, upsertGroups, upsertHours, upsertTotals, upsertSightings, insertSamples, findReach, upsertReach); err != nil {
		return err
	}
	w.prepared = p
	return nil
}
