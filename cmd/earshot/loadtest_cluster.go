package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"earshot/gateway"
	"earshot/gateway/protocol"
	"earshot/loadtest/cluster"
)

const clusterText = `earshot loadtest cluster starts a store and several nodes of this program on this
machine, brings people who are programs, and breaks what holds it together. It says
who heard whom, and for how long nobody did; that nobody hears whom they blocked or
who was muted; and that no two nodes let people into one instance.

Scenarios (docs/cluster.md)
%s
Examples
  earshot loadtest cluster                               all of them, 90 people
  earshot loadtest cluster -scenarios kill -people 300
  earshot loadtest cluster -scenarios drain -nodes 2 -instances 2 -people 200
  earshot loadtest cluster -scenarios kill,partition -store 10.0.0.9:6379
  earshot loadtest cluster -stay -nodes 2                to look at in a browser

It needs valkey-server or redis-server in PATH, or -server PATH, or the address of one
that runs: -store HOST:PORT, whose keys of other prefixes are not touched. It starts
only what it ends again. -out has result.json, silences.svg where a
node was killed or told to end, and configurations and logs of all that was started. Exit codes are those of earshot loadtest.
`

// clusterFlags are the flags of loadtest cluster.
type clusterFlags struct {
	cfg       cluster.Config
	scenarios string
	out       string
	json      bool
	quiet     bool
	stay      bool
	draw      string
}

func (f *clusterFlags) bind(set *flag.FlagSet) {
	f.cfg = cluster.DefaultConfig()
	set.StringVar(&f.scenarios, "scenarios", strings.Join(cluster.Scenarios(), ","), "`names` of what to do, with commas; each begins anew")
	set.StringVar(&f.cfg.Binary, "earshot", "", "`PATH` of an earshot to start (default: this one)")
	set.StringVar(&f.cfg.Server, "server", "", "`PATH` of a Valkey or Redis server to start (default: the one in PATH)")
	set.StringVar(&f.cfg.Store, "store", "", "`HOST:PORT` of a server that runs, to use instead; not with scenario store")
	set.IntVar(&f.cfg.Nodes, "nodes", f.cfg.Nodes, "`number` of nodes")
	set.IntVar(&f.cfg.People, "people", f.cfg.People, "`number` of people; each stands with two others and talks without a pause")
	set.IntVar(&f.cfg.Instances, "instances", f.cfg.Instances, "`number` of instances of one world, each opened on the next node")
	set.DurationVar(&f.cfg.Away, "away", f.cfg.Away, "`time` the store is away")
	set.DurationVar(&f.cfg.Drain, "drain", f.cfg.Drain, "`time` a node that is told to end has for its people")
	set.Uint64Var(&f.cfg.Seed, "seed", f.cfg.Seed, "`number` that decides what is random about people")
	set.StringVar(&f.out, "out", "", "`folder` for result.json and logs (default loadtest-cluster-TIME)")
	set.BoolVar(&f.json, "json", false, "print the result as JSON instead of a table")
	set.BoolVar(&f.quiet, "quiet", false, "show nothing while it runs")
	set.StringVar(&f.draw, "draw", "", "`FILE`, a result.json: start nothing, draw silences.svg beside it")
	set.BoolVar(&f.stay, "stay", false, "break nothing: start store and nodes, say where they are, and end them at Ctrl-C")
}

// loadtestCluster breaks a cluster.
func (p program) loadtestCluster(ctx context.Context, args []string) error {
	var scenarios strings.Builder
	for _, name := range cluster.Scenarios() {
		fmt.Fprintf(&scenarios, "  %-10s %s\n", name, cluster.About(name))
	}
	set := p.flags("loadtest cluster", fmt.Sprintf(clusterText, scenarios.String()))
	var f clusterFlags
	f.bind(set)
	if err := parse(set, args); err != nil {
		return err
	}
	if f.draw != "" {
		return p.clusterDraw(f.draw)
	}
	cfg, err := p.clusterConfig(&f)
	if err != nil {
		return err
	}
	if f.stay {
		return p.clusterStay(ctx, cfg)
	}
	res, err := cluster.Run(ctx, cfg)
	if err != nil {
		return loadtestFailed(fmt.Errorf("cluster: %w", err))
	}
	res.Version, res.Command = versionText(), typed("cluster", args)
	if err := writeClusterResult(res, filepath.Join(f.out, "result.json")); err != nil {
		return err
	}
	if err := writeSilences(res, f.out); err != nil {
		return err
	}
	if f.json {
		err = res.WriteJSON(p.out)
	} else {
		_, err = fmt.Fprintf(p.out, "\n%s\nResult and logs: %s\n", res.Table(), f.out)
	}
	if missed, all := res.Missed(); err == nil && missed > 0 {
		return missedRules{missed, all}
	}
	return err
}

// clusterStay runs nodes for people to look at.
func (p program) clusterStay(ctx context.Context, cfg cluster.Config) error {
	err := cluster.Stay(ctx, cfg, func(store string, nodes []string) {
		fmt.Fprintf(p.out, "\nStore  %s\n", store)
		for i, url := range nodes {
			name := fmt.Sprintf("guest-%d", i+1)
			token, err := cfg.Sign(cluster.Guest{Subject: name, Name: name, World: cluster.World})
			if err != nil {
				fmt.Fprintf(p.log, "earshot: %s\n", message(err))
				return
			}
			fmt.Fprintf(p.out, "Node   %s\n       as %s: %s/#token=%s\n", url, name, url, token)
		}
		fmt.Fprintf(p.out, "\nConfigurations and logs: %s; kill -9 a node, and see its page go on elsewhere. Ctrl-C ends all.\n", cfg.Dir)
	})
	if err != nil {
		return loadtestFailed(fmt.Errorf("cluster: %w", err))
	}
	return nil
}

// clusterConfig makes a run of flags.
func (p program) clusterConfig(f *clusterFlags) (cluster.Config, error) {
	cfg := f.cfg
	cfg.Scenarios = splitList(f.scenarios)
	if len(cfg.Scenarios) == 0 {
		return cfg, usagef("loadtest cluster: -scenarios names none; there are %s", strings.Join(cluster.Scenarios(), ", "))
	}
	if !f.quiet && !f.json {
		cfg.Progress = p.out
	}
	var err error
	if cfg.Binary == "" {
		if cfg.Binary, err = os.Executable(); err != nil {
			return cfg, err
		}
	}
	if cfg.Server == "" && cfg.Store == "" {
		if cfg.Server, err = cluster.FindStore(); err != nil {
			return cfg, usagef("loadtest cluster: %s", message(err))
		}
	}
	if f.out == "" {
		f.out = "loadtest-cluster-" + time.Now().Format("20060102-150405")
	}
	if cfg.Dir, err = filepath.Abs(f.out); err != nil {
		return cfg, err
	}
	key := gateway.GenerateDevelopmentKey()
	key.ID = "cluster"
	cfg.Key = cluster.Key{ID: key.ID, Secret: string(key.Secret)}
	cfg.Sign = func(g cluster.Guest) (string, error) { return guestToken(key, g) }
	return cfg, nil
}

// guestToken is a token for one of the people of a cluster.
func guestToken(key gateway.Key, g cluster.Guest) (string, error) {
	grants := []string{protocol.GrantPublishAudio, protocol.GrantPublishPose, protocol.GrantSubscribe, protocol.GrantChat}
	if g.Moderate {
		grants = append(grants, protocol.GrantModerate)
	}
	now := time.Now()
	token, _, err := gateway.Issue(key, gateway.Claims{
		Subject: g.Subject, Name: g.Name, Instance: g.Instance, World: g.World, Kind: gateway.KindBot, Grants: grants, Expires: now.Add(time.Hour),
	}, now)
	return token, err
}

// clusterDraw draws what a run before wrote.
func (p program) clusterDraw(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return usagef("loadtest cluster: %s", message(err))
	}
	var res cluster.Result
	if err := json.Unmarshal(text, &res); err != nil {
		return usagef("loadtest cluster: %s is no result of this command: %s", path, message(err))
	}
	return writeSilences(&res, filepath.Dir(path))
}

// writeSilences draws the silences of people into a folder, if any were measured.
func writeSilences(res *cluster.Result, dir string) error {
	svg := res.Silences()
	if svg == nil {
		return nil
	}
	return os.WriteFile(filepath.Join(dir, "silences.svg"), svg, 0o644)
}

func writeClusterResult(res *cluster.Result, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := res.WriteJSON(file); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
