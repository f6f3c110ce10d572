package sfu

import (
	"testing"
	"time"

	"github.com/pion/rtp"

	"earshot/sfu/forward"
)

// TestArrivals counts what did not come of a publisher: gaps, but not what comes
// late or twice, nor where a stream begins anew.
func TestArrivals(t *testing.T) {
	for name, c := range map[string]struct {
		seqs           []int // negative: of another SSRC
		expected, lost uint64
	}{
		"nothing":         {nil, 0, 0},
		"all":             {[]int{65534, 65535, 0, 1}, 4, 0},
		"two lost":        {[]int{10, 11, 14, 15}, 6, 2},
		"late":            {[]int{10, 12, 11, 13}, 4, 0},
		"twice":           {[]int{10, 11, 11, 12}, 3, 0},
		"begun anew":      {[]int{10, 11, 40000, 40001}, 4, 0},
		"another stream":  {[]int{10, 11, -500, -502}, 5, 1},
		"back and beyond": {[]int{2000, 500, 501}, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var a arrivals
			j := journey{to: &a}
			for _, seq := range c.seqs {
				packet := forward.Packet{SSRC: 1, Seq: uint16(seq)}
				if seq < 0 {
					packet.SSRC, packet.Seq = 2, uint16(-seq)
				}
				j.take(&packet)
			}
			var got Transit
			if a.add(&got); got.Expected != c.expected || got.Lost != c.lost {
				t.Errorf("%d expected and %d lost, want %d and %d", got.Expected, got.Lost, c.expected, c.lost)
			}
		})
	}
	var a arrivals
	j, packet := journey{to: &a}, forward.Packet{}
	if n := testing.AllocsPerRun(100, func() { packet.Seq++; j.take(&packet) }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

// TestTransit: of two videos that do not fit together the second is paused, and
// said to be, until there is room again; one that nobody sends is not.
func TestTransit(t *testing.T) {
	inWorld(t, func(w *world) {
		eye, a, b, c := w.join(shape{video: 3}), w.join(shape{video: 1}), w.join(shape{video: 1}), w.join(shape{video: 1})
		var cameras []*Publication
		for _, p := range []*person{a, b, c} {
			camera := p.session.Video(SourceCamera)
			camera.SetActive(true)
			cameras = append(cameras, camera)
		}
		eye.session.SetVideo(cameras)
		n := uint16(0)
		show := func(frames int) {
			for range frames {
				for _, p := range []*person{a, b} {
					payload := append([]byte{0x10, 0x10, byte(n)}, make([]byte, 1000)...)
					check(t, p.camera.WriteRTP(&rtp.Packet{
						Header: rtp.Header{Version: 2, SequenceNumber: n, Timestamp: 3000 * uint32(n), Marker: true}, Payload: payload,
					}))
				}
				n++
				time.Sleep(time.Second / 30)
			}
		}
		paused := func() (list [3]bool, any bool) {
			for i, s := range eye.session.VideoState(nil) {
				list[i] = s.Paused
			}
			_, _, any = eye.session.Transit(time.Now())
			return list, any
		}
		show(60)
		if list, any := paused(); any {
			t.Errorf("paused while the downlink is not known: %v", list)
		}
		d := &eye.session.downlink
		d.mu.Lock()
		for i, now := 0, time.Now(); i < 400; i++ { // half of everything is lost
			at := time.Duration(i) * 5 * time.Millisecond
			if i%2 == 0 {
				d.rate.Arrived(300, at, at)
			} else {
				d.rate.Lost()
			}
			if i%20 == 19 {
				d.rate.Update(now.Add(at))
			}
		}
		d.mu.Unlock()
		show(10)
		if list, any := paused(); !any || list != [3]bool{false, true, false} {
			t.Errorf("paused: %v, want the second alone, though the third sends nothing", list)
		}
		eye.session.SetVideo(cameras[:1])
		show(10)
		if list, any := paused(); any {
			t.Errorf("paused though taken away: %v", list)
		}
		if voice, video, _ := a.session.Transit(time.Now()); video.Expected < 70 || video.Lost != 0 || voice.Expected != 0 {
			t.Errorf("a publisher's packets: %+v, voice %+v", video, voice)
		}
	})
}
