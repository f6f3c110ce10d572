package npc

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/npc/director"
)

// Whatever a model server does over real HTTP, the player hears a word by the
// deadline, and never half a sentence: a scripted line that says why.
// On a busy machine all of it takes longer: there are tries with a later deadline.
func TestBadModelServers(t *testing.T) {
	deadlines := []time.Duration{700 * time.Millisecond, 3 * time.Second, 12 * time.Second}
	for _, tc := range []struct {
		name   string
		script script
		want   string // of the reason
	}{
		{"hangs", script{hang: true}, "no model answered in time"},
		{"is slow", script{first: time.Minute}, "no model answered in time"},
		{"answers garbage", script{garbage: "<html>no</html>\n"}, "the model server failed"},
		{"ends before a word", script{early: true}, "the model server failed"},
		{"cuts the stream in a sentence", script{cut: true}, "the model server failed"},
		{"stalls in a sentence", script{stall: true}, "broke off"},
		{"breaks in a sentence", script{late: true}, "the model server failed"},
		{"is full", script{status: 503}, "model server"},
		{"fails", script{status: 500}, "model server"},
		{"lies about its model", script{lie: "tiny", tokens: 3}, "the model server failed"},
		{"forwards the prompt", script{remote: true, tokens: 3}, "the model server failed"},
	} {
		for _, api := range apis {
			if tc.script.remote && api == "openai" {
				continue // that API has no word for it
			}
			t.Run(tc.name+" "+api, func(t *testing.T) {
				t.Parallel()
				for i, deadline := range deadlines {
					fault := badModelServer(t, newFake(t, api, tc.script), deadline, tc.want)
					if fault == "" {
						return
					}
					if i == len(deadlines)-1 {
						t.Error(fault)
					}
					t.Logf("deadline %v: %s", deadline, fault)
				}
			})
		}
	}
}

// badModelServer returns what is wrong with what is said by the deadline.
func badModelServer(t *testing.T, f *fake, deadline time.Duration, because string) (fault string) {
	in := started(t, func(c *Config) { c.Discover = "" }, f.config("a"))
	loaded(in, "a")
	body := &recorder{}
	actor, stop := alone(t, in, body, deadline)
	began := time.Now()
	actor.Hear(began, "ada", "Ada", "Hello?")
	final := awaitFinal(t, body, SourceScript, max(8*deadline, 30*time.Second))
	stop()
	for _, c := range body.finals() {
		if c.Source == SourceModel && c.Text != "" {
			t.Errorf("half a sentence was said: %q", c.Text)
		}
	}
	at := firstScripted(body).Sub(began)
	switch {
	case final.Text != "Let me think." || final.Degraded != DegradedScript || !strings.Contains(final.Reason, because):
		return fmt.Sprintf("caption %+v, want the scripted line because %q", final, because)
	case at > 3*deadline: // a stall is known only after a first word
		return fmt.Sprintf("the line came after %v, want %v and some", at, deadline)
	}
	return ""
}

// A barge-in by text closes the upstream over HTTP within 20 ms, or 100 on a
// machine that is shared: of three times the quickest counts.
func TestActorBargeInClosesUpstream(t *testing.T) {
	quickest := time.Hour
	for range 3 {
		quickest = min(quickest, actorBargeIn(t))
	}
	if quickest > 100*time.Millisecond {
		t.Errorf("the upstream was closed after %v, want 20ms", quickest)
	}
}

// actorBargeIn returns how long after a barge-in the upstream is closed.
func actorBargeIn(t *testing.T) time.Duration {
	f := newFake(t, "ollama", script{tokens: 100_000, between: 5 * time.Millisecond})
	in := started(t, func(c *Config) { c.Discover = "" }, f.config("a"))
	loaded(in, "a")
	body := &recorder{}
	actor, stop := alone(t, in, body, 20*time.Second)
	defer stop()
	actor.Hear(time.Now(), "ada", "Ada", "Hello?")
	for end := time.Now().Add(30 * time.Second); body.last().Text == ""; {
		if time.Now().After(end) {
			t.Fatal("no caption came")
		}
		<-time.After(time.Millisecond)
	}
	decided := time.Now()
	actor.Hear(decided, "ada", "Ada", "Stop.")
	took := noticed(t, f).Sub(decided)
	t.Logf("the upstream was closed after %v", took)
	return took
}

// alone is an actor with Ada before it.
func alone(t *testing.T, in *Inference, body *recorder, deadline time.Duration) (*Actor, func()) {
	t.Helper()
	actor, err := NewActor(ActorConfig{
		ID: "mara", World: "plaza", Region: "north", Character: actorCharacter(t, nil), NoRehearsal: true, Timing: director.Timing{Deadline: deadline},
	}, ActorDeps{Inference: in, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- actor.Run(ctx) }()
	ada := Person{ID: "ada", Name: "Ada", Kind: director.KindPerson, Distance: 2, Heard: -127}
	ada.Head = earshot.Transform{Position: earshot.Vec3{Y: earshot.EyeHeight, Z: -2}, Rotation: earshot.YawQuat(3.14159)}
	actor.See(time.Now(), []Person{ada})
	return actor, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v", err)
		}
	}
}

func awaitFinal(t *testing.T, body *recorder, source string, limit time.Duration) Caption {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		for _, c := range body.finals() {
			if c.Source == source {
				return c
			}
		}
	}
	t.Fatalf("no final caption from the %s within %v: %+v", source, limit, body.last())
	return Caption{}
}

func firstScripted(body *recorder) (at time.Time) {
	body.with(func() {
		for i, c := range body.captions {
			if c.Source == SourceScript && at.IsZero() {
				at = body.capAt[i]
			}
		}
	})
	return at
}
