package run

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"earshot/loadtest/report"
)

// result makes the report of a run from what its window measured.
func (r *Runner) result(m *measured) *report.Result {
	s := r.cfg.Scenario
	res := &report.Result{
		Scenario: s.Name, Title: s.Title, Command: r.cfg.Command, Seed: s.Seed, Settings: r.cfg.Settings,
		Started: m.begin.UTC(), Seconds: m.seconds, Participants: m.people,
		Target: report.Target{Kind: "earshot", URL: r.cfg.URL, Version: r.server.version}, Machine: machine(),
		Metrics: m.metrics, Distributions: m.distributions, Listeners: m.listeners, Offenders: m.offenders,
		Generator: m.generator, Server: m.server,
	}
	res.Notes = append(res.Notes, m.notes...)
	r.mu.Lock()
	defer r.mu.Unlock()
	res.Timeline = report.Timeline{Start: r.series.start.UTC(), StepSeconds: step.Seconds(), Series: r.series.values}
	res.Errors = append(res.Errors, r.errors...)
	if r.more > 0 {
		res.Errors = append(res.Errors, fmt.Sprintf("and %d more", r.more))
	}
	res.Notes = append(res.Notes, r.notes...)
	res.Verdicts = r.rules().Check(res.Metrics)
	return res
}

// rules are those of the scenario and those given besides.
func (r *Runner) rules() report.SLO { return append(append(report.SLO{}, r.own...), r.cfg.SLO...) }

// write writes the files of a result.
func (r *Runner) write(res *report.Result) error { return Write(r.cfg.Out, res) }

// Write writes result.json and report.html into a folder, which is made where
// it is not there; "" writes nothing.
func Write(folder string, res *report.Result) error {
	if folder == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := res.WriteFile(filepath.Join(folder, "result.json")); err != nil {
		return err
	}
	page, err := os.Create(filepath.Join(folder, "report.html"))
	if err != nil {
		return err
	}
	if err := report.WriteHTML(page, res); err != nil {
		page.Close()
		return err
	}
	return page.Close()
}

// machine is where the generator runs.
func machine() report.Machine {
	m := report.Machine{
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

// everybody returns the people there are; those of a capacity run grow.
func (r *Runner) everybody() []*person {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.people
}

// present returns how many of people are there now.
func present(people []*person) (n int) {
	for _, p := range people {
		if p.present() != nil {
			n++
		}
	}
	return n
}
