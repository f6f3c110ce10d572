//go:build !unix

package child

import (
	"os"
	"os/exec"

	"earshot"
)

func detach(*exec.Cmd) {}

func freeze(*os.Process) error { return errUnix() }

func thaw(*os.Process) error { return errUnix() }

func end(*os.Process) error { return errUnix() }

func errUnix() error {
	return earshot.Errorf(earshot.CodeUnimplemented, "processes cannot be paused or asked to end here: run this on Linux or macOS")
}
