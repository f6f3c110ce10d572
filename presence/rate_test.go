package presence

import (
	"testing"

	"earshot/presence/pose"
)

// One who asks for few poses gets no more than that, in few datagrams, and of
// the near more often than of the far; who asks for none gets none; who asks for
// all again gets all.
func TestSetPoseRate(t *testing.T) {
	c := newCrowd(t, 100)
	me := c.ids[0]
	run := func(seconds int) (bytes, datagrams float64, often map[uint16]int) {
		often = make(map[uint16]int)
		for range seconds * 60 {
			c.step(t)
			for _, d := range c.out.Datagrams {
				if d.To != me {
					continue
				}
				bytes += float64(len(d.Bytes)) / float64(seconds)
				datagrams += 1 / float64(seconds)
				r, err := pose.Open(d.Bytes)
				if err != nil {
					t.Fatal(err)
				}
				for b, ok := r.Next(); ok; b, ok = r.Next() {
					often[b.Index]++
				}
			}
		}
		return bytes, datagrams, often
	}
	run(2)
	all, _, of := run(4)
	if len(of) < 60 {
		t.Fatalf("poses of %d others, want 60 and more", len(of))
	}
	c.space.SetPoseRate(me, 2000)
	run(2)
	bytes, datagrams, of := run(8)
	_, near := c.space.Neighbours(me, nil, nil)
	close, far := 0, 0
	for i, n := range near {
		if i < len(near)/4 {
			close += of[n.Index]
		} else if i >= len(near)*3/4 {
			far += of[n.Index]
		}
	}
	if bytes > 2100 || bytes < 1700 || datagrams > 10 || len(of) < 60 {
		t.Errorf("of 2,000 bytes a second %.0f came in %.1f datagrams, of %d others", bytes, datagrams, len(of))
	}
	t.Logf("%.0f bytes a second in %.1f datagrams: %d of the nearest quarter, %d of the farthest", bytes, datagrams, close, far)
	if close < far {
		t.Errorf("%d poses of the nearest quarter, %d of the farthest", close, far)
	}
	c.space.SetPoseRate(me, 0)
	if bytes, _, _ := run(1); bytes != 0 {
		t.Errorf("%.0f bytes a second of none", bytes)
	}
	c.space.SetPoseRate(me, 1e9)
	run(2)
	if again, _, _ := run(4); again < all*9/10 || again > all*11/10 {
		t.Errorf("%.0f bytes a second again, %.0f before", again, all)
	}
}
