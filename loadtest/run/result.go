package run

import (
	"fmt"
	"os"
	"path/filepath"

	"earshot/loadtest/report"
)

// result makes the report of a run from what its window measured.
func (r *Runner) result(m *measured) *report.Result {
	s := r.cfg.Scenario
	res := &report.Result{
		Scenario: s.Name, Title: s.Title, Command: r.cfg.Command, Seed: s.Seed, Settings: r.cfg.Settings,
		Started: m.begin.UTC(), Seconds: m.seconds, Participants: m.people,
		Target: report.Target{Kind: "earshot", URL: r.cfg.URL, Version: r.server.version}, Machine: report.ThisMachine(),
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
