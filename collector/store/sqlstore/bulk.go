package sqlstore

import (
	"context"
	"database/sql"
	"regexp"
	"strconv"
	"strings"
)

// maxRows is how many rows one statement has at most. With the widest table that
// is well below what both databases allow for parameters.
const maxRows = 64

// sizes are the numbers of rows that statements are made for: few, so that all
// of them are prepared once.
var sizes = [...]int{maxRows, 32, 16, 8, 4, 2, 1}

// A bulk is a statement for rows of width columns each: before, then the rows
// as ($1,$2),($3,$4) and so on, then after.
type bulk struct {
	width int
	text  [len(sizes)]string
}

func newBulk(before string, width int, after string) *bulk {
	b := &bulk{width: width}
	for i, rows := range sizes {
		b.text[i] = before + placeholders(rows, width) + after
	}
	return b
}

func placeholders(rows, width int) string {
	var s strings.Builder
	for n := range rows * width {
		switch {
		case n == 0:
			s.WriteByte('(')
		case n%width == 0:
			s.WriteString("),(")
		default:
			s.WriteByte(',')
		}
		s.WriteByte('$')
		s.WriteString(strconv.Itoa(n + 1))
	}
	s.WriteByte(')')
	return s.String()
}

// statements are the writer's prepared statements.
type statements struct {
	dialect *dialect
	made    map[*bulk]*[len(sizes)]*sql.Stmt
}

var numbered = regexp.MustCompile(`\$\d+`)

func (s *statements) prepare(ctx context.Context, db *sql.DB, bulks ...*bulk) error {
	for _, b := range bulks {
		s.made[b] = new([len(sizes)]*sql.Stmt)
		for i, text := range b.text {
			if sizes[i] > s.dialect.rows {
				continue
			}
			if s.dialect.ordinal {
				text = numbered.ReplaceAllString(text, "?")
			}
			stmt, err := db.PrepareContext(ctx, text)
			if err != nil {
				return err
			}
			s.made[b][i] = stmt // closed with the database
		}
	}
	return nil
}

// run executes b over n rows. row appends a row's values; scan, where it is not
// nil, is called for every row that comes back.
func (s *statements) run(ctx context.Context, tx *sql.Tx, b *bulk, n int, row func(args []any, i int) []any, scan func(*sql.Rows) error) error {
	args := make([]any, 0, b.width*min(n, maxRows))
	for i, size := 0, 0; i < n; {
		for sizes[size] > min(n-i, s.dialect.rows) {
			size++
		}
		args = args[:0]
		for j := range sizes[size] {
			args = row(args, i+j)
		}
		i += sizes[size]
		if err := query(ctx, tx.StmtContext(ctx, s.made[b][size]), args, scan); err != nil {
			return err
		}
	}
	return nil
}

func query(ctx context.Context, stmt *sql.Stmt, args []any, scan func(*sql.Rows) error) error {
	if scan == nil {
		_, err := stmt.ExecContext(ctx, args...)
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
