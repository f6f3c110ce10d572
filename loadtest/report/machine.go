package report

import (
	"os"
	"runtime"
	"strings"
)

// ThisMachine is the one that the caller runs on, with the cores it may use.
func ThisMachine() Machine {
	m := Machine{
		Cores: runtime.NumCPU(), Go: runtime.Version(),
		Generator: max(1, min(runtime.NumCPU(), runtime.GOMAXPROCS(0))),
	}
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		cores := 0
		for line := range strings.Lines(string(data)) {
			name, value, _ := strings.Cut(line, ":")
			switch strings.TrimSpace(name) {
			case "model name":
				m.CPU = strings.TrimSpace(value)
			case "processor":
				cores++
			}
		}
		m.Cores = max(m.Cores, cores) // NumCPU counts those this process may use
	}
	if data, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(data))
	}
	return m
}
