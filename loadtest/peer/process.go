package peer

import (
	"time"

	"earshot/loadtest/child"
)

// stopFor is how long a server may take to end: LiveKit needs seconds, in
// which it holds its ports.
const stopFor = 15 * time.Second

// startProcess runs argv in dir on core, all if core is negative, with only
// these variables in its environment.
func startProcess(argv, env []string, dir string, core int) (*child.Process, error) {
	return child.Run(child.Command{
		Name: "server", Argv: argv, Env: env, Dir: dir,
		Start: func(start func() error) error { return onCore(core, start) },
	})
}
