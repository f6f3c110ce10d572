package peer

import (
	"os"
	"runtime"
	"strings"

	"earshot/loadtest/report"
)

// machine is where everything ran; the generator had so many cores.
func machine(generator int) report.Machine {
	m := report.Machine{Go: runtime.Version(), Cores: runtime.NumCPU(), Generator: generator}
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if data, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(data))
	}
	return m
}
