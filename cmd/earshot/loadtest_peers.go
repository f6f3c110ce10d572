package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"earshot/loadtest/peer"
)

const peersText = `Usage: earshot loadtest peers [flags]

Puts the same load on Earshot, LiveKit and Janus, one server after the other in
rotated order, and compares what each makes of it: packets for a second of the
server's own CPU time, delay, loss, memory. Every listener receives every
talker. Servers are started for it, on loopback, and pinned to one core; the
clients have the others. Earshot is this program, unless -earshot names another.

  make bench-peers LIVEKIT=/opt/livekit-server
  earshot loadtest peers -cells audio:10x50 -rounds 1 -livekit off
  earshot loadtest peers -doors own,livekit -cells audio:10x50 -janus off

With -doors own,livekit Earshot is measured twice in each round: by its own
protocol, and by LiveKit's with the same client that joins LiveKit.

Cells are MEDIUM:TALKERSxLISTENERS. audio is 80 bytes each 20 ms, video VP8 in
one layer (video:1x100:720p has 2,000 kbit/s at 30 frames, 360p 400 at 20, 180p
150 at 15), mixed the same voices mixed by the server (Janus's AudioBridge).
`

// peersFlags are the flags of loadtest peers.
type peersFlags struct {
	earshot, livekit, janus string
	cells, out, write       string
	doors                   string
	dual                    bool
	rounds, seconds         int
	video                   peer.VideoLoad
	prefer                  bool
}

// loadtestPeers compares servers.
func (p program) loadtestPeers(ctx context.Context, args []string) error {
	set := p.flags("loadtest peers", peersText)
	var f peersFlags
	set.StringVar(&f.earshot, "earshot", "", "`PATH` of an earshot to measure; empty is this one, off none")
	set.StringVar(&f.doors, "doors", "own", "by which protocols to join Earshot: own, livekit, or both separated by a `comma`")
	set.BoolVar(&f.dual, "dual", false, "join by LiveKit's protocol with two connections (/rtc), as older SDKs do, not with one (/rtc/v1)")
	set.StringVar(&f.livekit, "livekit", "livekit-server", "`PATH` of livekit-server, or off")
	set.StringVar(&f.janus, "janus", "janus", "`PATH` of janus, or off")
	set.StringVar(&f.cells, "cells", "audio:10x50,audio:10x100,video:1x100:720p,video:5x50:360p,mixed:10x40", "what to play, separated by `commas`")
	set.IntVar(&f.rounds, "rounds", 3, "how `often`")
	set.IntVar(&f.seconds, "seconds", 12, "`seconds` measured of each")
	set.IntVar(&f.video.Kbps, "video-kbps", 600, "`kbit/s` of a camera whose cell names no picture")
	set.IntVar(&f.video.FPS, "video-fps", 30, "`frames` a second of a camera whose cell names no picture")
	set.StringVar(&f.out, "out", "", "`folder` for a JSON result of each cell, server and round")
	set.StringVar(&f.write, "write", "", "Markdown `file` whose table of peers to replace, such as docs/performance.md")
	set.BoolVar(&f.prefer, "prefer", true, "as root, put servers and clients before other work on the machine meanwhile")
	if err := parse(set, args); err != nil {
		return err
	}
	cells, err := peer.ParseCells(f.cells)
	if err != nil {
		return usagef("loadtest peers: %s", message(err))
	}
	servers, err := p.peers(&f)
	if err != nil {
		return err
	}
	if f.write != "" {
		if err := peer.CheckTable(f.write); err != nil { // now, not after a quarter of an hour
			return usagef("loadtest peers: -write: %w", err)
		}
	}
	command := typed("peers", args)
	bench, err := peer.NewBench(peer.Config{
		Servers: servers, Cells: cells, Rounds: f.rounds, Measure: time.Duration(f.seconds) * time.Second,
		Video: f.video, Out: f.out, Command: command, Prefer: f.prefer, Log: p.log,
	})
	if err != nil {
		return usagef("loadtest peers: %s", message(err))
	}
	results, err := bench.Run(ctx)
	if err != nil {
		return fmt.Errorf("loadtest peers: %s", message(err))
	}
	table := peer.Table(results)
	fmt.Fprint(p.out, table)
	if f.write == "" {
		return nil
	}
	return peer.WriteTable(f.write, table)
}

// typed is what was typed, for a page that others read: of paths from the root
// only the end.
func typed(command string, args []string) string {
	words := []string{"earshot", "loadtest", command}
	for _, a := range args {
		name, value, given := strings.Cut(a, "=")
		switch {
		case filepath.IsAbs(a):
			a = filepath.Base(a)
		case given && filepath.IsAbs(value):
			a = name + "=" + filepath.Base(value)
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// peers returns the servers there are, and says loudly which are not.
func (p program) peers(f *peersFlags) ([]peer.Server, error) {
	var servers []peer.Server
	if f.earshot == "" {
		own, err := os.Executable()
		if err != nil {
			return nil, err
		}
		f.earshot = own
	}
	doors := splitList(f.doors)
	for _, door := range doors {
		if door != "own" && door != "livekit" {
			return nil, usagef("loadtest peers: -doors: there is no door %q; write own, livekit or own,livekit", door)
		}
	}
	if len(doors) == 0 {
		return nil, usagef("loadtest peers: -doors names none; write own, livekit, own,livekit, or -earshot off")
	}
	for _, s := range []struct {
		path, name, how string
		of              func(path string) []peer.Server
	}{
		{f.earshot, "Earshot", "-earshot PATH", func(path string) (list []peer.Server) {
			for _, door := range doors {
				list = append(list, peer.EarshotServer{Binary: path, LiveKit: door == "livekit", Dual: f.dual})
			}
			return list
		}},
		{f.livekit, "LiveKit", "-livekit PATH (make bench-peers LIVEKIT=PATH)", func(path string) []peer.Server {
			return []peer.Server{peer.LiveKitServer{Binary: path, Dual: f.dual}}
		}},
		{f.janus, "Janus", "-janus PATH, after apt-get install janus", func(path string) []peer.Server { return []peer.Server{peer.JanusServer{Binary: path}} }},
	} {
		if s.path == "off" {
			continue
		}
		path, err := exec.LookPath(s.path)
		if err != nil {
			fmt.Fprintf(p.log, "=== %s IS NOT MEASURED: there is no %s; name it with %s ===\n", strings.ToUpper(s.name), s.path, s.how)
			continue
		}
		servers = append(servers, s.of(path)...)
	}
	return servers, nil
}
