package main

import "syscall"

// endsWithUs lets the kernel end a child should we end without being able to
// (kill -9, a test's time limit).
func endsWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
