// Command wasirun runs one program compiled for GOOS=wasip1 GOARCH=wasm, with
// its arguments, as if it were native:
//
//	GOOS=wasip1 GOARCH=wasm go test -exec build/wasirun ./core/...
//
// It does what the runtimes that $GOROOT/lib/wasm/go_wasip1_wasm_exec knows
// do, so that a test run needs none of them installed.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// exitFailed is the exit status when the program could not be run at all. It
// is not 1 or 2, which a failing test or a panicking Go program ends with.
const exitFailed = 125

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: wasirun PROGRAM.wasm [ARGUMENT]...")
		os.Exit(exitFailed)
	}
	status, err := run(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "wasirun:", err)
	}
	os.Exit(status)
}

// run runs the program args[0] with the arguments args and returns its exit
// status, or exitFailed and an error if there is none.
func run(ctx context.Context, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	program, err := os.ReadFile(args[0])
	if err != nil {
		return exitFailed, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return exitFailed, err
	}
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, runtime); err != nil {
		return exitFailed, fmt.Errorf("offering WASI: %w", err)
	}
	config := guest(args, environ, dir).WithStdin(stdin).WithStdout(stdout).WithStderr(stderr)
	_, err = runtime.InstantiateWithConfig(ctx, program, config)
	var exit *sys.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return int(exit.ExitCode()), nil
	default:
		return exitFailed, fmt.Errorf("running %s: %w", args[0], err)
	}
}

// guest describes what the program sees of this machine: the real clocks, the
// real random source, every file by the path that it has here, and dir as its
// working directory.
//
// The clocks matter. wazero's default nanotime steps by 1 ms a reading, and
// with it Go's garbage collector stops working after about a hundred cycles.
func guest(args, environ []string, dir string) wazero.ModuleConfig {
	config := wazero.NewModuleConfig().
		WithArgs(args...).
		WithSysWalltime().
		WithSysNanotime().
		WithSysNanosleep().
		WithRandSource(rand.Reader).
		WithFSConfig(wazero.NewFSConfig().WithDirMount("/", "/"))
	for _, variable := range environ {
		if name, value, ok := strings.Cut(variable, "="); ok && name != "" && name != "PWD" {
			config = config.WithEnv(name, value)
		}
	}
	// WASI knows no working directory; Go takes it from here.
	return config.WithEnv("PWD", dir)
}
