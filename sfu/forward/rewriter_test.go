package forward

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"
)

// TestRewriterScripts runs testdata/rewriter. Commands:
//
//	new [video] [seq=] [ts=]                      a rewriter; out begins there
//	send ssrc= seq= ts= [n=] [step=] [every=] [size=]   n packets, step apart in ts, every ms
//	wait ms=
//	switch | tail | due
//	source seq=                                   what an outgoing number stands for
func TestRewriterScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/rewriter", func(t *testing.T, path string) {
		var r Rewriter
		now := epoch
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "new":
				kind := Audio
				if d.HasArg("video") {
					kind = Video
				}
				r = NewRewriter(kind, uint16(number(t, d, "seq", 100)), uint32(number(t, d, "ts", 10000)))
				now = epoch
				return ""
			case "send":
				return sendScript(t, d, &r, &now)
			case "wait":
				now = now.Add(ms(t, d, "ms"))
				return ""
			case "switch":
				r.Switch()
				return ""
			case "tail":
				return tailScript(&r)
			case "due":
				return fmt.Sprintln(r.TailDue(now))
			case "source":
				in, ok := r.Source(uint16(number(t, d, "seq", 0)))
				if !ok {
					return "none\n"
				}
				return fmt.Sprintln(in)
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

func sendScript(t *testing.T, d *datadriven.TestData, r *Rewriter, now *time.Time) string {
	var b strings.Builder
	p := Packet{
		SSRC: uint32(number(t, d, "ssrc", 1)), Seq: uint16(number(t, d, "seq", 0)),
		Timestamp: uint32(number(t, d, "ts", 0)), Payload: make([]byte, number(t, d, "size", 80)),
		Marker: d.HasArg("marker"),
	}
	for range number(t, d, "n", 1) {
		fmt.Fprintf(&b, "%5d ms  in %d:%d  ", now.Sub(epoch).Milliseconds(), p.Seq, p.Timestamp)
		if s, ok := r.Rewrite(&p, *now); ok {
			fmt.Fprintf(&b, "out %d:%d%s\n", s.Seq, s.Timestamp, map[bool]string{true: " marker"}[s.Marker])
		} else {
			b.WriteString("dropped\n")
		}
		p.Seq++
		p.Timestamp += uint32(number(t, d, "step", 960))
		*now = now.Add(time.Duration(number(t, d, "every", 20)) * time.Millisecond)
	}
	return b.String()
}

func tailScript(r *Rewriter) string {
	var stamps [TailFrames]Stamp
	var b strings.Builder
	for _, s := range stamps[:r.Tail(&stamps)] {
		fmt.Fprintf(&b, "silence %d:%d\n", s.Seq, s.Timestamp)
	}
	return b.String()
}

// TestRewriterIsContinuous sends what a hostile or unlucky publisher may, with
// switches and tails at any moment, and checks what a listener relies on: no
// sequence number is used for two different packets, none jumps by more than
// maxAhead, and the timestamp keeps to the clock.
func TestRewriterIsContinuous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRewriter(Audio, rapid.Uint16().Draw(t, "first"), rapid.Uint32().Draw(t, "ts"))
		p := Packet{SSRC: 1, Seq: rapid.Uint16().Draw(t, "seq"), Timestamp: rapid.Uint32().Draw(t, "in")}
		now := epoch
		var newest Stamp
		began := false
		note := func(s Stamp) {
			if ahead := int(int16(s.Seq - newest.Seq)); began && (ahead > maxAhead || ahead < -maxBehind) {
				t.Fatalf("sequence number went from %d to %d", newest.Seq, s.Seq)
			} else if ahead <= 0 && began {
				return
			}
			if began && int32(s.Timestamp-newest.Timestamp) < 0 {
				t.Fatalf("timestamp went back from %d to %d", newest.Timestamp, s.Timestamp)
			}
			newest, began = s, true
		}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "do") {
			case 0:
				r.Switch()
			case 1:
				var stamps [TailFrames]Stamp
				for _, s := range stamps[:r.Tail(&stamps)] {
					note(s)
				}
			case 2:
				p.Seq, p.Timestamp = rapid.Uint16().Draw(t, "jump"), rapid.Uint32().Draw(t, "ts")
			case 3:
				p.SSRC = rapid.Uint32Range(1, 3).Draw(t, "ssrc")
			case 4:
				p.Seq -= rapid.Uint16Range(1, 20).Draw(t, "back")
			default:
				p.Seq++
				p.Timestamp += 960
			}
			open := r.Open()
			s, ok := r.Rewrite(&p, now)
			if !ok {
				continue
			}
			if !open && began && s.Seq != newest.Seq+1 {
				t.Fatalf("a new source began at %d after %d", s.Seq, newest.Seq)
			}
			note(s)
			if in, ok := r.Source(s.Seq); !ok || in != p.Seq {
				t.Fatalf("Source(%d) = %d, %v, want %d", s.Seq, in, ok, p.Seq)
			}
			if again, ok := r.Repair(&p); !ok || !same(again, s) {
				t.Fatalf("Repair = %v, %v, want %v", again, ok, s)
			}
			now = now.Add(20 * time.Millisecond)
		}
	})
}

// TestRewriterLongEpoch holds one source for three rounds of the sequence
// number space: neither the marker nor old packets may come back.
func TestRewriterLongEpoch(t *testing.T) {
	r := NewRewriter(Audio, 0, 0)
	now := epoch
	for i := range 200_000 {
		p := Packet{SSRC: 1, Seq: uint16(i + 7), Timestamp: uint32(i) * 960}
		s, ok := r.Rewrite(&p, now)
		if want := (Stamp{Seq: uint16(i), Timestamp: uint32(i) * 960, Marker: i == 0}); !ok || !same(s, want) {
			t.Fatalf("packet %d = %v, %v, want %v", i, s, ok, want)
		}
		now = now.Add(20 * time.Millisecond)
	}
}

func TestRewriteDoesNotAllocate(t *testing.T) {
	r := NewRewriter(Audio, 0, 0)
	p := Packet{SSRC: 1, Payload: make([]byte, 80)}
	now := epoch
	var stamps [TailFrames]Stamp
	if n := testing.AllocsPerRun(1000, func() {
		p.Seq++
		p.Timestamp += 960
		now = now.Add(20 * time.Millisecond)
		r.Rewrite(&p, now)
		if p.Seq%50 == 0 {
			r.Tail(&stamps)
		}
		r.Source(p.Seq)
	}); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
}

func same(a, b Stamp) bool {
	return a.Seq == b.Seq && a.Timestamp == b.Timestamp && a.Marker == b.Marker
}

// A source that ends by itself is given no silence while it is late, and goes on
// as if it had not been; but what was taken away from a slot in its midst ends.
func TestEndsByItself(t *testing.T) {
	for _, ends := range []bool{false, true} {
		r := NewRewriter(Audio, 0, 0)
		p := Packet{SSRC: 1, Payload: make([]byte, 80), Ends: ends}
		now := epoch
		first, _ := r.Rewrite(&p, now)
		var stamps [TailFrames]Stamp
		now = now.Add(120 * time.Millisecond)
		if due := r.TailDue(now); due == ends {
			t.Errorf("Ends %v: TailDue() = %v", ends, due)
		} else if due {
			r.Tail(&stamps)
		}
		p.Seq++
		p.Timestamp += 960
		next, ok := r.Rewrite(&p, now)
		if goesOn := ok && next.Timestamp-first.Timestamp == 960; goesOn != ends {
			t.Errorf("Ends %v: the frame that was late is %+v after %+v", ends, next, first)
		}
		r.Switch()
		if !r.TailDue(now.Add(TailAfterSwitch)) {
			t.Errorf("Ends %v: no end after it was taken away", ends)
		}
	}
}
