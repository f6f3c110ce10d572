package sfu

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/transport/v4/vnet"
)

// film sends frames of VP8, 30 a second, a key frame first and then every tenth.
type film struct {
	p   *person
	seq uint16
	ts  uint32
	n   int
}

func (f *film) frames(n int) {
	for range n {
		payload := []byte{0x10, 0x11, byte(f.n)}
		if f.n%10 == 0 {
			payload[1] = 0x10
		}
		check(f.p.w.t, f.p.camera.WriteRTP(&rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: f.seq, Timestamp: f.ts, Marker: true},
			Payload: payload,
		}))
		f.seq, f.ts, f.n = f.seq+1, f.ts+3000, f.n+1
		time.Sleep(time.Second / 30)
	}
}

func TestVideoBeginsWithKeyFrame(t *testing.T) {
	inWorld(t, func(w *world) {
		eye, a, b := w.join(shape{video: 1}), w.join(shape{video: 1}), w.join(shape{video: 1})
		filmA, filmB := &film{p: a, seq: 65530}, &film{p: b, seq: 7}
		filmA.frames(5) // nobody looks, and it is not active
		cameraA, cameraB := a.session.Video(SourceCamera), b.session.Video(SourceCamera)
		eye.session.SetVideo([]*Publication{cameraA})
		filmA.frames(10)
		mid := eye.session.VideoMIDs()[0]
		if got := eye.received(mid); len(got) != 0 {
			t.Fatalf("%d packets of an inactive camera", len(got))
		}
		cameraA.SetActive(true)
		cameraB.SetActive(true)
		filmA.frames(20)
		eye.session.SetVideo([]*Publication{cameraB, cameraA})
		filmB.frames(3)
		filmB.frames(20)
		got := eye.received(mid)
		for i, packet := range got {
			switched := i == 0 || packet.payload[2] != got[i-1].payload[2]+1
			if switched && packet.payload[1]&1 != 0 {
				t.Errorf("packet %d begins with frame %d, which is no key frame", i, packet.payload[2])
			}
			if i > 0 && packet.SequenceNumber != got[i-1].SequenceNumber+1 {
				t.Errorf("packet %d has number %d after %d", i, packet.SequenceNumber, got[i-1].SequenceNumber)
			}
		}
		if len(got) < 15+20 {
			t.Errorf("%d packets, want at least 35", len(got))
		}
	})
}

// TestRepair loses packets of a camera on the way to the viewer and asks for
// them again: those of the camera now in the slot come, those of one that was
// taken away or denied meanwhile never do.
func TestRepair(t *testing.T) {
	for name, c := range map[string]struct {
		stop func(viewer, filming *Session)
		want bool
	}{
		"still shown": {func(_, _ *Session) {}, true},
		"denied":      {func(v, f *Session) { v.Deny(f.Participant(), true) }, false},
		"inactive":    {func(_, f *Session) { f.Video(SourceCamera).SetActive(false) }, false},
		"released":    {func(v, _ *Session) { v.SetVideo(nil) }, false},
		"left":        {func(_, f *Session) { f.Close() }, false},
		"shown again": {func(v, f *Session) {
			v.SetVideo(nil)
			v.SetVideo([]*Publication{f.Video(SourceCamera)})
		}, false},
	} {
		t.Run(name, func(t *testing.T) { testRepair(t, c.stop, c.want) })
	}
}

func testRepair(t *testing.T, stop func(viewer, filming *Session), want bool) {
	inWorld(t, func(w *world) {
		eye, a := w.join(shape{video: 1}), w.join(shape{video: 1})
		camera := a.session.Video(SourceCamera)
		camera.SetActive(true)
		eye.session.SetVideo([]*Publication{camera})
		film := &film{p: a}
		film.frames(5)
		viewer, count := eye.address(), 0
		w.lose(func(c vnet.Chunk) bool {
			b := c.UserData()
			media := len(b) > 12 && b[0] == 0x80 && b[1]&0x7f >= 96 // RTCP has 64 to 95 there
			if !media || c.DestinationAddr().String() != viewer {
				return false
			}
			count++
			return count%3 == 1
		})
		film.frames(30)
		w.lose(nil)
		film.frames(1)
		mid := eye.session.VideoMIDs()[0]
		got := eye.received(mid)
		lost := missing(got)
		if len(lost) < 10 {
			t.Fatalf("%d packets lost, want at least 10", len(lost))
		}
		stop(eye.session, a.session)
		sent := eye.session.Packets(camera.ID())
		eye.clear()
		eye.nack(got[0].SSRC, lost)
		repaired := eye.received(mid)
		if !want {
			if n := eye.session.Packets(camera.ID()); len(repaired) != 0 || n != sent {
				t.Errorf("%d packets repaired, %d counted, want 0", len(repaired), n-sent)
			}
			return
		}
		if len(repaired) != len(lost) {
			t.Fatalf("%d packets repaired, want %d", len(repaired), len(lost))
		}
		for i, packet := range repaired {
			if ts := got[0].Timestamp + 3000*uint32(lost[i]-got[0].SequenceNumber); packet.SequenceNumber != lost[i] ||
				packet.Timestamp != ts || !packet.Marker {
				t.Errorf("repaired %d at %d, want %d at %d with the marker", packet.SequenceNumber, packet.Timestamp, lost[i], ts)
			}
		}
	})
}

// TestLostEndIsRepaired loses the last packets of a video that then stands
// still. The listener knows of nothing to ask for, but its reports say what
// came last: the newest packet comes again, once there is no doubt.
func TestLostEndIsRepaired(t *testing.T) {
	inWorld(t, func(w *world) {
		eye, a := w.join(shape{video: 1}), w.join(shape{video: 1})
		camera := a.session.Video(SourceCamera)
		camera.SetActive(true)
		eye.session.SetVideo([]*Publication{camera})
		film := &film{p: a}
		film.frames(10)
		viewer := eye.address()
		w.lose(func(c vnet.Chunk) bool { return c.DestinationAddr().String() == viewer && c.UserData()[0] == 0x80 })
		film.frames(4)
		w.lose(nil)
		got := eye.received(eye.session.VideoMIDs()[0])
		last := got[len(got)-1]
		report := func(seq uint16) int {
			eye.clear()
			check(t, eye.pc.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{
				Reports: []rtcp.ReceptionReport{{SSRC: last.SSRC, LastSequenceNumber: uint32(seq)}},
			}}))
			time.Sleep(100 * time.Millisecond)
			return len(eye.received(eye.session.VideoMIDs()[0]))
		}
		if n := report(last.SequenceNumber); n != 0 {
			t.Errorf("%d packets at once, want 0: they may be on the way", n)
		}
		time.Sleep(tailAfter)
		if n := report(last.SequenceNumber); n != 1 {
			t.Fatalf("%d packets after the report, want the newest", n)
		}
		if again := eye.received(eye.session.VideoMIDs()[0])[0]; again.SequenceNumber != last.SequenceNumber+4 || again.payload[2] != 13 {
			t.Errorf("repaired number %d, frame %d, want %d, frame 13", again.SequenceNumber, again.payload[2], last.SequenceNumber+4)
		}
		if n := report(last.SequenceNumber + 4); n != 0 {
			t.Errorf("%d packets after a report that nothing is missing, want 0", n)
		}
	})
}

// missing returns the sequence numbers that did not come.
func missing(got []arrival) (lost []uint16) {
	if len(got) == 0 {
		return nil
	}
	for i, a := range got[1:] {
		for seq := got[i].SequenceNumber + 1; seq != a.SequenceNumber; seq++ {
			lost = append(lost, seq)
		}
	}
	return lost
}

// nack asks for packets again and waits a little.
func (p *person) nack(ssrc uint32, lost []uint16) {
	for _, seq := range lost {
		check(p.w.t, p.pc.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{
			MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: seq}},
		}}))
	}
	time.Sleep(500 * time.Millisecond)
}

// address returns where the client receives.
func (p *person) address() string {
	pair, err := p.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	check(p.w.t, err)
	return fmt.Sprintf("%s:%d", pair.Local.Address, pair.Local.Port)
}

// TestKeyFrameRequestsAreMerged has many viewers ask often: the camera is
// asked at most twice a second.
func TestKeyFrameRequestsAreMerged(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.join(shape{video: 1})
		camera := a.session.Video(SourceCamera)
		camera.SetActive(true)
		asked := 0
		for _, s := range a.pc.GetSenders() {
			if s.Track() == a.camera {
				go func() {
					for {
						packets, _, err := s.ReadRTCP()
						if err != nil {
							return
						}
						for _, packet := range packets {
							if _, ok := packet.(*rtcp.PictureLossIndication); ok {
								a.note(func() { asked++ })
							}
						}
					}
				}()
			}
		}
		film := &film{p: a}
		film.frames(1)
		viewers := []*person{w.join(shape{video: 1}), w.join(shape{video: 1}), w.join(shape{video: 1})}
		for _, v := range viewers {
			v.session.SetVideo([]*Publication{camera})
		}
		for range 30 {
			film.frames(3)
			for _, v := range viewers {
				for _, r := range v.pc.GetReceivers() {
					if r.Track() != nil && r.Track().SSRC() != 0 && r.Track().Kind().String() == "video" {
						check(t, v.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(r.Track().SSRC())}}))
					}
				}
			}
		}
		a.note(func() {
			if asked < 2 || asked > 8 {
				t.Errorf("the camera was asked for %d key frames in 3 s, want 2 to 8", asked)
			}
		})
	})
}
