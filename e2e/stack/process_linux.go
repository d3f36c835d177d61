package stack

import "syscall"

// ownGroup puts a child into a process group of its own, and lets the kernel
// end it should we end without being able to (kill -9).
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
