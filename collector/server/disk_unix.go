//go:build unix

package server

import (
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
)

// freeSpace returns how many bytes the disk of an SQLite file has left. Of a
// PostgreSQL server that is not ours to see.
func freeSpace(database string) (uint64, bool) {
	if sqlstore.IsPostgres(database) {
		return 0, false
	}
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(database), &st); err != nil {
		return 0, false
	}
	return st.Bavail * uint64(st.Bsize), true
}
