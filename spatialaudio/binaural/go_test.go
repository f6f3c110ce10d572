package binaural

import (
	"os"
	"os/exec"
	"testing"

	"earshot/spatialaudio/kernel"
)

// What the tests of exactness and of orders say of the assembly is true of the
// loops in Go: they run again, in a process that is told the processor has no
// AVX2.
func TestWithoutAssembly(t *testing.T) {
	if !kernel.Vectors() {
		t.Skip("no AVX2 here: the tests have run in Go")
	}
	cmd := exec.Command(os.Args[0], "-test.run", "Direct|LeavesNothing|WithoutAssembly", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=cpu.avx2=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
