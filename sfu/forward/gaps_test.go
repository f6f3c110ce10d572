package forward

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRewriterClosesGaps plays a source of which packets are left out on
// purpose, lost on the way here, or late. What leaves has a number for each
// packet that was not left out and no other; a packet that was lost keeps its
// place, and every number leads back to its packet.
func TestRewriterClosesGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint16().Draw(t, "first")
		r := NewRewriter(Video, rapid.Uint16().Draw(t, "out"), 0)
		now := epoch
		var want uint16 // the number of the next packet that is not left out
		left := map[uint16]bool{}
		numbers := map[uint16]uint16{} // of what left or was lost
		var late []uint16
		packet := func(seq uint16) *Packet { return &Packet{SSRC: 1, Seq: seq, Timestamp: 3000 * uint32(seq-first)} }
		for i := range uint16(rapid.IntRange(1, 1200).Draw(t, "packets")) {
			seq, what := first+i, rapid.IntRange(0, 9).Draw(t, "what")
			if i == 0 {
				what = 9
			}
			now = now.Add(33 * time.Millisecond)
			switch {
			case what < 4:
				r.Drop(packet(seq), now)
				left[seq] = true
				continue
			case what == 4: // it takes the next number once it comes
				numbers[seq] = want
				late = append(late, seq)
			default:
				s, ok := r.Rewrite(packet(seq), now)
				if i == 0 {
					want = s.Seq
				}
				if !ok || s.Seq != want {
					t.Fatalf("packet %d left as %d, %v, want %d", i, s.Seq, ok, want)
				}
				numbers[seq] = want
			}
			want++
			if len(late) > 0 && rapid.IntRange(0, 3).Draw(t, "comes") == 0 {
				seq := late[0]
				late = late[1:]
				newest := first + i
				for left[newest] || contains(late, newest) {
					newest--
				}
				if int16(newest-seq) <= 0 || first+i-seq > maxBehind-2 || 3000*uint32(first+i-seq) > 5*90000 {
					continue
				}
				if s, ok := r.Rewrite(packet(seq), now); !ok || s.Seq != numbers[seq] {
					t.Fatalf("late packet %d left as %d, %v, want %d", seq-first, s.Seq, ok, numbers[seq])
				}
			}
		}
		newest := r.newestIn
		for seq, out := range numbers {
			if age := newest - seq; age > maxBehind-2 || int16(age) < 0 {
				continue
			}
			if in, ok := r.Source(out); !ok || in != seq {
				t.Fatalf("Source(%d) = %d, %v, want %d", out, in, ok, seq)
			}
			if s, ok := r.Repair(packet(seq)); !ok || s.Seq != out {
				t.Fatalf("Repair(%d) = %d, %v, want %d", seq, s.Seq, ok, out)
			}
		}
		for seq := range left {
			if _, ok := r.Repair(packet(seq)); ok && newest-seq < maxBehind {
				t.Fatalf("packet %d, which was left out, is repaired", seq)
			}
		}
	})
}

func contains(list []uint16, n uint16) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}

// TestDropBeforeAnything leaves packets out before the first leaves, of another
// source, and ones that are late.
func TestDropBeforeAnything(t *testing.T) {
	r := NewRewriter(Video, 100, 0)
	r.Drop(&Packet{SSRC: 1, Seq: 5}, epoch)
	send := func(ssrc uint32, seq uint16) uint16 {
		s, ok := r.Rewrite(&Packet{SSRC: ssrc, Seq: seq}, epoch)
		if !ok {
			t.Fatalf("packet %d is refused", seq)
		}
		return s.Seq
	}
	if n := send(1, 6); n != 100 {
		t.Errorf("the first has number %d, want 100", n)
	}
	r.Drop(&Packet{SSRC: 2, Seq: 7}, epoch)
	r.Drop(&Packet{SSRC: 1, Seq: 6}, epoch)
	if n := send(1, 7); n != 101 {
		t.Errorf("the next has number %d, want 101", n)
	}
	r.Drop(&Packet{SSRC: 1, Seq: 8}, epoch)
	if _, ok := r.Rewrite(&Packet{SSRC: 1, Seq: 8}, epoch); ok {
		t.Error("what was left out leaves")
	}
	r.Switch()
	if n := send(2, 900); n != 102 {
		t.Errorf("another source begins with %d, want 102", n)
	}
}

func TestDropAllocatesNothing(t *testing.T) {
	r := NewRewriter(Video, 0, 0)
	p := Packet{SSRC: 1}
	now := epoch
	if n := testing.AllocsPerRun(2000, func() {
		p.Seq++
		p.Timestamp += 3000
		now = now.Add(time.Second / 30)
		if p.Seq%3 == 0 {
			r.Drop(&p, now)
		} else if s, ok := r.Rewrite(&p, now); ok {
			r.Source(s.Seq - 20)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// TestVP8LeavesPicturesOut closes up picture ids, which a decoder of VP8 waits
// for, and leaves TL0PICIDX alone; what is late keeps its place.
func TestVP8LeavesPicturesOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c VP8Continuity
		first := rapid.Uint16Range(0, 0x7fff).Draw(t, "id")
		out := func(i uint16) (v VP8Header) {
			if !v.Parse(c.Rewrite(1, vp8Payload((first+i)&0x7fff, uint8(i/4), 0, false), nil)) {
				t.Fatal("no payload")
			}
			return v
		}
		want := out(0).PictureID
		ids := map[uint16]uint16{0: want}
		for i := uint16(1); i < 900; i++ {
			payload := vp8Payload((first+i)&0x7fff, uint8(i/4), 0, false)
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1:
				c.LeaveOut(1, payload)
				c.LeaveOut(1, payload) // a frame has more than one packet
				continue
			case 2: // lost on the way here
				want = (want + 1) & 0x7fff
				ids[i] = want
			default:
				want = (want + 1) & 0x7fff
				ids[i] = want
				if v := out(i); v.PictureID != want || v.TL0 != uint8(i/4) {
					t.Fatalf("picture %d left as %d, TL0 %d, want %d, %d", i, v.PictureID, v.TL0, want, i/4)
				}
			}
			if late := i - uint16(rapid.IntRange(0, 60).Draw(t, "late")); ids[late] != 0 && late < i && late > 0 && out(i).PictureID == ids[i] {
				if v := out(late); v.PictureID != ids[late] {
					t.Fatalf("picture %d left late as %d, want %d", late, v.PictureID, ids[late])
				}
			}
		}
	})
}
