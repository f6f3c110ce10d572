package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"earshot"
	"earshot/loadtest/report"
	"earshot/loadtest/run"
	"earshot/loadtest/scenario"
)

// exitRules is the exit code of a load test that ran and missed a rule.
const exitRules = 3

// missedRules says that a load test ran and missed rules.
type missedRules struct{ missed, all int }

func (m missedRules) Error() string {
	return fmt.Sprintf("%d of %d rules were missed", m.missed, m.all)
}

// loadtest is the command that runs bots, and those around it.
func (p program) loadtest(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "compare":
			return p.loadtestCompare(args[1:])
		case "capacity":
			return p.loadtestCapacity(ctx, args[1:])
		case "relay":
			return p.loadtestRelay(ctx, args[1:])
		case "report":
			return p.loadtestReport(args[1:])
		case "cluster":
			return p.loadtestCluster(ctx, args[1:])
		case "peers":
			return p.loadtestPeers(ctx, args[1:])
		}
	}
	set := p.flags("loadtest", loadtestText)
	var f loadtestFlags
	f.bind(set)
	list := set.Bool("list", false, "describe the scenarios there are, and end")
	metrics := set.Bool("metrics", false, "describe the figures that rules may name, and end")
	show := set.Bool("show", false, "print the scenario's YAML, to start an own one from, and end")
	if err := parse(set, args); err != nil {
		return err
	}
	switch {
	case *list:
		return p.listScenarios()
	case *metrics:
		return p.listMetrics()
	case *show:
		return p.showScenario(f.scenario)
	}
	cfg, err := p.loadtestConfig(&f, args)
	if err != nil {
		return err
	}
	res, err := run.Run(ctx, cfg)
	if err != nil {
		return loadtestFailed(err)
	}
	return p.finishLoadtest(&f, cfg.Out, res)
}

// loadtestFailed says why a run could not begin: asked wrongly, or otherwise.
func loadtestFailed(err error) error {
	if earshot.CodeOf(err) == earshot.CodeInvalidArgument {
		return usagef("loadtest: %s", message(err))
	}
	return fmt.Errorf("loadtest: %s", message(err))
}

// loadtestFlags are what running a scenario needs.
type loadtestFlags struct {
	scenario, url, out string
	set, also          multi
	slo                string
	pid                int
	admin              string
	quiet, json        bool
	token              tokenRequest
}

// multi is a flag that may be given several times.
type multi []string

func (m *multi) String() string { return strings.Join(*m, " ") }

func (m *multi) Set(v string) error {
	*m = append(*m, v)
	return nil
}

func (f *loadtestFlags) bind(set *flag.FlagSet) {
	set.StringVar(&f.scenario, "scenario", "smoke", "`name` of a shipped scenario, or a YAML file")
	set.StringVar(&f.url, "url", "http://localhost:8080", "`address` of the server")
	set.Var(&f.also, "also", "`address` of another server that shares the instance: bots join it and -url in turn; may be given again")
	set.StringVar(&f.out, "out", "", "`folder` for result.json and report.html (default loadtest-SCENARIO-TIME; - writes none)")
	set.Var(&f.set, "set", "`key=value` to change in the scenario, such as count=50; may be given again")
	set.StringVar(&f.slo, "slo", "", "`file` of rules to hold the run to, besides the scenario's")
	set.IntVar(&f.pid, "server-pid", 0, "process `id` of the server, where it is not found by its port")
	set.StringVar(&f.admin, "admin", "", "`address` of the server's admin listener, for its metrics; off asks for none (default http://localhost:8081 where it is the same server's)")
	set.BoolVar(&f.quiet, "quiet", false, "show nothing while it runs")
	set.BoolVar(&f.json, "json", false, "print the result as JSON instead of a summary")
	set.StringVar(&f.token.file, "config", "", "YAML `file` of the server, with its key: to make tokens with")
	set.StringVar(&f.token.keyID, "key-id", "", "`id` of the key to make tokens with")
	set.StringVar(&f.token.secretFile, "key-secret-file", "", "`file` with the secret of the key (or EARSHOT_KEY_SECRET)")
}

// loadtestConfig makes a run of flags.
func (p program) loadtestConfig(f *loadtestFlags, args []string) (run.Config, error) {
	s, err := loadScenario(f.scenario)
	if err != nil {
		return run.Config{}, err
	}
	settings := map[string]string{"url": f.url}
	for _, change := range f.set {
		key, value, ok := strings.Cut(change, "=")
		if !ok {
			return run.Config{}, usagef("loadtest: -set %s is not KEY=VALUE, such as count=50", change)
		}
		if err := s.Set(key, value); err != nil {
			return run.Config{}, usagef("loadtest: -set: %s", message(err))
		}
		settings[key] = value
	}
	cfg := run.Config{
		Scenario: s, URL: f.url, Also: f.also, ServerPID: f.pid, Admin: f.admin, Out: f.out, Settings: settings,
		Command: "earshot loadtest " + strings.Join(args, " "),
	}
	if f.slo != "" {
		if cfg.SLO, err = report.ReadSLO(f.slo); err != nil {
			return cfg, usagef("loadtest: %s", message(err))
		}
	}
	if cfg.Tokens, err = p.loadtestTokens(f, s.World); err != nil {
		return cfg, err
	}
	switch cfg.Out {
	case "":
		cfg.Out = fmt.Sprintf("loadtest-%s-%s", s.Name, time.Now().Format("20060102-150405"))
	case "-":
		cfg.Out = ""
	}
	if !f.quiet && !f.json {
		cfg.Live = p.out
		cfg.Width, cfg.Terminal = p.terminal()
	}
	return cfg, nil
}

// loadScenario reads a shipped scenario by name, or a file.
func loadScenario(name string) (*scenario.Scenario, error) {
	if !strings.ContainsAny(name, "./\\") {
		s, err := scenario.Load(name)
		if err != nil {
			return nil, usagef("loadtest: %s", message(err))
		}
		return s, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, usagef("loadtest: -scenario: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, scenario.MaxYAML+1))
	if err != nil {
		return nil, usagef("loadtest: -scenario: %w", err)
	}
	s, err := scenario.Parse(filepath.Base(name), text)
	if err != nil {
		return nil, usagef("loadtest: %s", message(err))
	}
	return s, nil
}

// finishLoadtest prints what came of a run.
func (p program) finishLoadtest(f *loadtestFlags, out string, res *report.Result) error {
	switch {
	case f.json:
		if err := res.Write(p.out); err != nil {
			return err
		}
	case !f.quiet:
		_, terminal := p.terminal()
		fmt.Fprint(p.out, res.Summary(terminal))
		if out != "" {
			fmt.Fprintf(p.out, "Report\n  %s\n", filepath.Join(out, "report.html"))
		}
	}
	return missed(res)
}

// terminal returns a function for the width of the terminal that out is, and
// whether it is one.
func (p program) terminal() (func() int, bool) {
	file, ok := p.out.(*os.File)
	if !ok || p.env["TERM"] == "dumb" || p.env["NO_COLOR"] != "" {
		return nil, false
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil, false
	}
	columns := func() int {
		if n, err := strconv.Atoi(p.env["COLUMNS"]); err == nil && n > 0 {
			return n
		}
		stty := exec.Command("stty", "size")
		stty.Stdin = file
		data, err := stty.Output()
		fields := strings.Fields(string(data))
		if err != nil || len(fields) != 2 {
			return 80
		}
		n, err := strconv.Atoi(fields[1])
		if err != nil || n < 1 {
			return 80
		}
		return n
	}
	// A program a second would be noise in what is measured: once is enough.
	width := columns()
	return func() int { return width }, true
}

func (p program) listScenarios() error {
	for i, s := range scenario.Shipped() {
		if i > 0 {
			fmt.Fprintln(p.out)
		}
		fmt.Fprint(p.out, scenario.Describe(s))
	}
	return nil
}

func (p program) listMetrics() error {
	for _, m := range report.Catalogue() {
		forms := ""
		for _, s := range m.Suffixes {
			if s != "" {
				forms += " ." + s
			}
		}
		fmt.Fprintf(p.out, "%s (%s)%s\n    %s\n", m.Name, m.Unit, forms, m.About)
	}
	return nil
}

func (p program) showScenario(name string) error {
	text, err := scenario.Source(name)
	if err != nil {
		return usagef("loadtest: %s", message(err))
	}
	_, err = p.out.Write(text)
	return err
}
