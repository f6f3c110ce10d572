package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"earshot/loadtest/netsim"
	"earshot/loadtest/report"
	"earshot/loadtest/run"
)

// loadtestCompare is earshot loadtest compare.
func (p program) loadtestCompare(args []string) error {
	set := p.flags("loadtest compare", loadtestCompareText)
	asJSON := set.Bool("json", false, "print the comparison as JSON")
	if err := parseFlags(set, args); err != nil {
		return err
	}
	if set.NArg() != 2 {
		return usagef("loadtest compare: say what to compare: A.json B.json, each one file, several with commas, or a folder")
	}
	a, err := report.ReadRuns(set.Arg(0))
	if err != nil {
		return usagef("loadtest compare: %s", message(err))
	}
	b, err := report.ReadRuns(set.Arg(1))
	if err != nil {
		return usagef("loadtest compare: %s", message(err))
	}
	c := report.Compare(a, b)
	if *asJSON {
		enc := json.NewEncoder(p.out)
		enc.SetIndent("", "  ")
		return enc.Encode(c)
	}
	_, err = fmt.Fprint(p.out, c.Text())
	return err
}

// loadtestReport is earshot loadtest report.
func (p program) loadtestReport(args []string) error {
	set := p.flags("loadtest report", loadtestReportText)
	out := set.String("out", "", "`file` of the page (default: RESULT.html beside the result)")
	slo := set.String("slo", "", "`file` of rules to hold the result to")
	if err := parseFlags(set, args); err != nil {
		return err
	}
	if set.NArg() < 1 {
		return usagef("loadtest report: say of which result: earshot loadtest report result.json")
	}
	path := set.Arg(0)
	if err := parseFlags(set, set.Args()[1:]); err != nil { // flags may come after the file too
		return err
	}
	if set.NArg() > 0 {
		return notFlag(set, 0)
	}
	res, err := report.ReadFile(path)
	if err != nil {
		return usagef("loadtest report: %s", message(err))
	}
	if *slo != "" {
		rules, err := report.ReadSLO(*slo)
		if err != nil {
			return usagef("loadtest report: %s", message(err))
		}
		res.Verdicts = rules.Check(res.Metrics)
	}
	if *out == "" {
		*out = strings.TrimSuffix(path, ".json") + ".html"
	}
	page, err := os.Create(*out)
	if err != nil {
		return err
	}
	if err := report.WriteHTML(page, res); err != nil {
		page.Close()
		return err
	}
	if err := page.Close(); err != nil {
		return err
	}
	_, terminal := p.terminal()
	fmt.Fprint(p.out, res.Summary(terminal))
	fmt.Fprintf(p.out, "Report\n  %s\n", *out)
	return missed(res)
}

// missed is the error of a result that missed rules, nil where it did not.
func missed(res *report.Result) error {
	n := 0
	for _, v := range res.Verdicts {
		if !v.Passed {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return missedRules{n, len(res.Verdicts)}
}

// loadtestRelay is earshot loadtest relay.
func (p program) loadtestRelay(ctx context.Context, args []string) error {
	set := p.flags("loadtest relay", loadtestRelayText)
	var cfg netsim.Config
	set.StringVar(&cfg.Listen, "listen", "127.0.0.1:0", "UDP `address` that clients send to; port 0 takes a free one")
	set.StringVar(&cfg.To, "to", "127.0.0.1:3478", "UDP `address` of the server's media")
	set.Uint64Var(&cfg.Seed, "seed", 1, "`number` that decides which packets are lost")
	network := set.String("network", "wifi", "`name` of the network: "+strings.Join(netsim.Names(), ", "))
	if err := parse(set, args); err != nil {
		return err
	}
	path, ok := netsim.Named(*network)
	if !ok {
		return usagef("loadtest relay: there is no network %q; there are %s", *network, strings.Join(netsim.Names(), ", "))
	}
	cfg.Path = path
	relay, err := netsim.Listen(ctx, cfg)
	if err != nil {
		return usagef("loadtest relay: %s", message(err))
	}
	fmt.Fprintf(p.out, "relaying %s to %s as %s: %s; Ctrl-C ends it\n", relay.Addr(), cfg.To, *network, netsim.About(*network))
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return relay.Close()
		case <-ticker.C:
			s := relay.Stats()
			fmt.Fprintf(p.out, "%d clients, %.2f %% lost up, %.2f %% down\n", s.Clients, 100*s.Up.LossShare(), 100*s.Down.LossShare())
		}
	}
}

// loadtestCapacity is earshot loadtest capacity.
func (p program) loadtestCapacity(ctx context.Context, args []string) error {
	set := p.flags("loadtest capacity", loadtestCapacityText)
	var f loadtestFlags
	f.bind(set)
	var c run.CapacityConfig
	set.IntVar(&c.From, "from", 0, "`people` to begin with (default: a quarter of the scenario's)")
	set.IntVar(&c.To, "to", 0, "`people` to end with at the latest (default: eight times -from)")
	set.IntVar(&c.Step, "step", 0, "`people` to add each time (default: multiply by -factor)")
	set.Float64Var(&c.Factor, "factor", 1.5, "`number` to multiply the people by each time")
	set.DurationVar(&c.Settle, "settle", 3*time.Second, "`time` after everybody has joined that is not measured")
	set.DurationVar(&c.Window, "window", 10*time.Second, "`time` to measure at each load")
	if err := parse(set, args); err != nil {
		return err
	}
	cfg, err := p.loadtestConfig(&f, append([]string{"capacity"}, args...))
	if err != nil {
		return err
	}
	res, err := run.Capacity(ctx, cfg, c)
	if err != nil {
		return loadtestFailed(err)
	}
	// That a rule breaks is what was looked for: not a failure.
	res.Verdicts = nil
	return p.finishLoadtest(&f, cfg.Out, res)
}
