package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"earshot/gateway"
	"earshot/loadtest/replay"
	"earshot/loadtest/run"
	"earshot/sfu/record/format"
)

// replay is the command that plays a recording back into a world.
func (p program) replay(ctx context.Context, args []string) error {
	set := p.flags("replay", replayText)
	f := loadtestFlags{}
	world := set.String("world", "", "`name` of the world to play it in (default that of the recording)")
	set.StringVar(&f.url, "url", "http://localhost:8080", "`address` of the server")
	begin := set.Duration("from", 0, "where in the recording to begin, such as 90s")
	end := set.Duration("to", 0, "where in the recording to end (default its end)")
	noVideo := set.Bool("no-video", false, "leave cameras out")
	set.BoolVar(&f.quiet, "quiet", false, "show no progress")
	set.StringVar(&f.token.file, "config", "", "YAML `file` of the server, with its key: to make tokens with")
	set.StringVar(&f.token.keyID, "key-id", "", "`id` of the key to make tokens with")
	set.StringVar(&f.token.secretFile, "key-secret-file", "", "`file` with the secret of the key (or EARSHOT_KEY_SECRET)")
	if err := parseFlags(set, args); err != nil {
		return err
	}
	if set.NArg() != 1 {
		return usagef("replay: give one folder of a recording, after the flags; see earshot replay -help")
	}
	files := os.DirFS(set.Arg(0))
	m, err := replay.Open(files)
	if err != nil {
		return usagef("replay: %s: %s", set.Arg(0), message(err))
	}
	if *world == "" {
		*world = m.World
	}
	tokens, err := p.loadtestTokens(&f, *world)
	if err != nil {
		return err
	}
	cfg := replay.Config{
		URL: f.url, Files: files, Begin: *begin, End: *end, NoVideo: *noVideo,
		Token: func(ctx context.Context, who *format.Participant) (string, error) {
			return tokens.Token(ctx, run.Who{World: *world, Subject: "replay:" + string(who.ID), Name: nameOf(who), Kind: gateway.KindBot})
		},
	}
	if !f.quiet {
		cfg.Progress = p.replayProgress
		fmt.Fprintf(p.log, "%s: %d participants, %d tracks, %v, recorded %s\n", m.ID, len(m.Participants), len(m.Tracks),
			(time.Duration(m.DurationMS) * time.Millisecond).Round(time.Second), m.Started.Local().Format(time.DateTime))
	}
	res, err := replay.Run(ctx, cfg)
	if !f.quiet {
		fmt.Fprintln(p.log)
	}
	for _, failed := range res.Failed {
		fmt.Fprintln(p.log, "earshot: could not come:", message(failed))
	}
	if err != nil {
		return fmt.Errorf("replay: %s", message(err))
	}
	for _, left := range res.LeftOut {
		fmt.Fprintln(p.log, "earshot: not played, as bots cannot send it:", left)
	}
	fmt.Fprintf(p.out, "%d participants were there again, %d packets of voice and %d pictures were sent\n", res.Participants, res.Voice, res.Frames)
	return nil
}

// replayProgress shows on one line how far it is.
func (p program) replayProgress(at replay.Progress) {
	fmt.Fprintf(p.log, "\r%v of %v  %d there  %d packets  %d pictures   ", at.At.Round(time.Second), at.Of.Round(time.Second), at.Present, at.Voice, at.Frames)
}

// nameOf is the name of a participant as a token may carry it.
func nameOf(who *format.Participant) string {
	if who.Name == "" {
		return string(who.ID)[:min(len(who.ID), 32)]
	}
	return who.Name
}
