package sqlstore

import (
	"context"
	"database/sql"
	"sync"

	"github.com/edgecsp/edgecsp/collector/store"
)

const (
	// maxQueue is how many calls of Add wait; further ones get store.ErrBusy.
	maxQueue = 1024
	// maxGroup is how many calls are committed together.
	maxGroup = 512
)

// A writer commits what overlapping calls bring in one transaction: while one
// commit waits for the disk, the next group gathers. A single call waits for
// nobody.
type writer struct {
	db    *sql.DB
	queue chan request
	done  chan struct{}

	mu     sync.RWMutex // holds off stop while a call is being queued
	closed bool
}

type request struct {
	records []store.Record
	result  chan error // has room for one
}

func startWriter(db *sql.DB) *writer {
	w := &writer{db: db, queue: make(chan request, maxQueue), done: make(chan struct{})}
	go w.run()
	return w
}

// Add implements store.Reports.
func (s *Store) Add(ctx context.Context, records []store.Record) error {
	if len(records) == 0 {
		return nil
	}
	req := request{records: records, result: make(chan error, 1)}
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
	for req := range w.queue {
		group := w.gather(req)
		err := w.commit(group)
		for _, r := range group {
			r.result <- err
		}
	}
}

// gather returns first and what waits behind it.
func (w *writer) gather(first request) []request {
	group := []request{first}
	for len(group) < maxGroup {
		select {
		case req, ok := <-w.queue:
			if !ok {
				return group
			}
			group = append(group, req)
		default:
			return group
		}
	}
	return group
}

func (w *writer) commit(group []request) error {
	ctx := context.Background() // no caller's: the group belongs to many
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	stmt, err := tx.PrepareContext(ctx, insertReport)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, req := range group {
		for i := range req.records {
			if _, err := stmt.ExecContext(ctx, values(&req.records[i])...); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}
