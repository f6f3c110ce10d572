package sfu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/sfu/forward"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// OnExpelled says goodbye to a client as gateway does.
func (p *person) OnExpelled(why *earshot.Error) {
	_ = p.session.SendControl([]byte("bye: " + why.Message))
	p.session.Stop()
}

// flood is a way to send too much: step is called every 20 ms. Errors of
// sending are not looked at: the flooder is thrown out in the middle.
type flood struct {
	what   forward.Offence
	step   func(p *person, n int)
	within time.Duration // when it has to be over
	// most checks what became of it: how much the others could notice.
	most func(t *testing.T, w *world, flooder, ear *person, lasted time.Duration)
}

// floods has one of each kind.
var floods = map[string]flood{
	"packets": {forward.OffencePackets, func(p *person, _ int) {
		for range 40 {
			p.voice(1, make([]byte, 80), nil)
		}
	}, 15 * time.Second, func(t *testing.T, _ *world, p, ear *person, lasted time.Duration) {
		got := int(ear.session.Packets(p.session.Microphone().ID()))
		if most := int(lasted.Seconds()+2) * forward.VoicePackets; got == 0 || got > most {
			t.Errorf("%d packets of the flood reached a listener, want 1 to %d", got, most)
		}
	}},
	"tiny packets": {forward.OffenceTiny, func(p *person, n int) {
		for i := range 20 {
			p.picture(uint16(20*n+i), []byte{0x10, 0}, false)
		}
	}, 15 * time.Second, nil},
	"headers": {forward.OffenceHeaders, func(p *person, _ int) {
		for range 4 {
			p.voice(1, make([]byte, 80), func(h *rtp.Header) {
				h.ExtensionProfile = 0x1000
				for id := range uint8(4) {
					_ = h.SetExtension(id+1, make([]byte, 200))
				}
			})
		}
	}, 15 * time.Second, nil},
	"sources": {forward.OffenceSources, func(p *person, n int) {
		for i := range 5 {
			p.voice(1, make([]byte, 80), func(h *rtp.Header) { h.SSRC = uint32(1000 + 5*n + i) })
		}
	}, 3 * time.Second, nil},
	"reported sources": {forward.OffenceSources, func(p *person, n int) {
		for i := range 5 {
			_ = p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(1000 + 5*n + i)}})
		}
	}, 5 * time.Second, nil},
	"malformed": {forward.OffenceMalformed, func(p *person, _ int) {
		for range 5 {
			_ = p.pc.WriteRTCP([]rtcp.Packet{manyDeltas()})
		}
	}, 3 * time.Second, nil},
	"reports": {forward.OffenceReports, func(p *person, _ int) {
		for range 60 {
			_ = p.pc.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: p.shown()}}}})
		}
	}, 15 * time.Second, nil},
	"repairs": {forward.OffenceRepairs, func(p *person, n int) {
		newest := p.newest()
		for range 3 {
			nack := &rtcp.TransportLayerNack{MediaSSRC: p.shown()}
			for i := range uint16(3) {
				nack.Nacks = append(nack.Nacks, rtcp.NackPair{PacketID: newest - 17*i - 16, LostPackets: 0xffff})
			}
			_ = p.pc.WriteRTCP([]rtcp.Packet{nack})
		}
	}, 15 * time.Second, func(t *testing.T, _ *world, p, _ *person, lasted time.Duration) {
		// Film of 30 small packets a second asks for no more than the least.
		p.session.video[0].mu.Lock()
		sent := p.session.video[0].packets
		p.session.video[0].mu.Unlock()
		if most := uint32(lasted.Seconds()*(30+64<<10/1200)) + 256<<10/1200 + 200; sent > most {
			t.Errorf("%d packets were sent to the one who asked, want at most %d", sent, most)
		}
	}},
	"key frames": {forward.OffenceKeyFrames, func(p *person, _ int) {
		for range 10 {
			_ = p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: p.shown()}})
		}
	}, 15 * time.Second, func(t *testing.T, w *world, _, _ *person, lasted time.Duration) {
		// Twice a second of the film that is looked at, once of the camera that sends none.
		asked := count(w.sfu.metrics.keyFrames)
		if most := 3 * (lasted.Seconds() + 2); asked > most {
			t.Errorf("publishers were asked for %v key frames in %v, want at most %v", asked, lasted, most)
		}
	}},
	"poses": {forward.OffencePoses, func(p *person, _ int) {
		for range 20 {
			_ = p.poseUp.Send(make([]byte, 100))
		}
	}, 20 * time.Second, func(t *testing.T, _ *world, p, _ *person, lasted time.Duration) {
		p.mu.Lock()
		got := len(p.poses)
		p.mu.Unlock()
		if most := int(lasted.Seconds()+2) * forward.PoseMessages; got == 0 || got > most {
			t.Errorf("%d poses were handed on, want 1 to %d", got, most)
		}
	}},
	"poses the wrong way": {forward.OffencePoses, func(p *person, _ int) {
		for range 20 {
			_ = p.poseDown.Send(make([]byte, 100))
		}
	}, 20 * time.Second, nil},
	"data": {forward.OffenceData, func(p *person, _ int) {
		for p.control.BufferedAmount() < 1<<20 {
			_ = p.control.Send(make([]byte, 16<<10))
		}
	}, 30 * time.Second, nil},
}

// TestFloods lets one participant flood while two others talk: what is too much
// is refused and counted, the flooder is told why and removed, and the others
// miss nothing.
func TestFloods(t *testing.T) {
	for name, f := range floods {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) { f.run(w) })
		})
	}
}

func (f flood) run(w *world) {
	t := w.t
	a, b := w.join(shape{voice: 2, video: 1}), w.join(shape{voice: 2, video: 1})
	p := w.join(shape{voice: 1, video: 1})
	a.hear(b)
	b.hear(a, p)
	camera := a.session.Video(SourceCamera)
	camera.SetActive(true)
	p.session.Video(SourceCamera).SetActive(true)
	p.session.SetVideo([]*Publication{camera})
	b.session.SetVideo([]*Publication{p.session.Video(SourceCamera)})
	shot := 0
	talk := func() { // 20 ms of a and b, and of a's film
		a.sayFrame("from a", -20)
		b.sayFrame("from b", -20)
		if shot++; shot%2 == 0 {
			a.picture(uint16(shot/2), []byte{0x10, byte(shot/2%10) & 1, 0}, true)
		}
		time.Sleep(20 * time.Millisecond)
	}
	for range 50 { // so that all are heard
		talk()
	}
	a.clear()
	b.clear()
	began, n := time.Now(), 0
	for ; !ended(p.session) && time.Since(began) < f.within; n++ {
		f.step(p, n)
		talk()
	}
	lasted := time.Since(began)
	if !ended(p.session) {
		t.Fatalf("the flooder is still there after %v; refused: %v", lasted, count(w.sfu.metrics.excess[f.what]))
	}
	if count(w.sfu.metrics.expelled[f.what]) != 1 || count(w.sfu.metrics.excess[f.what]) == 0 {
		t.Errorf("counted %v expelled, %v refused, want 1 and more than 0",
			count(w.sfu.metrics.expelled[f.what]), count(w.sfu.metrics.excess[f.what]))
	}
	for range 25 {
		talk()
	}
	synctest.Wait()
	p.note(func() {
		if len(p.heard) != 1 || !strings.Contains(p.heard[0], f.what.Words()) {
			t.Errorf("the flooder heard %q, want a goodbye that names %q", p.heard, f.what.Words())
		}
	})
	checkUnharmed(t, a, "from b", n+25)
	checkUnharmed(t, b, "from a", n+25)
	if f.most != nil {
		f.most(t, w, p, b, lasted)
	}
	t.Logf("%s: removed after %v, %v refused", f.what, lasted, count(w.sfu.metrics.excess[f.what]))
}

func ended(s *Session) bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

// checkUnharmed fails unless p got every frame, without a gap in their times.
func checkUnharmed(t *testing.T, p *person, text string, frames int) {
	t.Helper()
	for _, mid := range p.session.VoiceMIDs() {
		got := p.received(mid)
		if len(got) == 0 || got[0].payload != text {
			continue
		}
		if lost := missing(got); len(got) != frames || len(lost) > 0 {
			t.Errorf("%s got %d frames, %d missing, want %d and 0", p.id, len(got), len(lost), frames)
		}
		for i := range got[1:] {
			if gap := got[i+1].at.Sub(got[i].at); gap > 30*time.Millisecond {
				t.Errorf("%s: frame %d came %v after the one before, want 20ms", p.id, i+1, gap)
			}
		}
		return
	}
	t.Errorf("%s heard nothing that says %q", p.id, text)
}

// voice sends packets of the microphone, which change may alter.
func (p *person) voice(n int, payload []byte, change func(*rtp.Header)) {
	for range n {
		p.micSeq++
		p.micTS += 960
		h := &rtp.Header{Version: 2, PayloadType: 111, SequenceNumber: p.micSeq, Timestamp: p.micTS, SSRC: uint32(p.mic.ssrc)}
		if change != nil {
			change(h)
		}
		_, _ = p.mic.out.WriteRTP(h, payload)
	}
}

// picture sends a packet of the camera.
func (p *person) picture(seq uint16, payload []byte, marker bool) {
	_ = p.camera.WriteRTP(&rtp.Packet{
		Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: 3000 * uint32(seq), Marker: marker}, Payload: payload,
	})
}

// shown returns the SSRC of the client's first video slot.
func (p *person) shown() uint32 {
	sl := p.session.video[0]
	sl.mu.Lock()
	defer sl.mu.Unlock()
	return sl.header.SSRC
}

// newest returns the number of the newest packet in that slot.
func (p *person) newest() uint16 {
	sl := p.session.video[0]
	sl.mu.Lock()
	defer sl.mu.Unlock()
	seq, _, _ := sl.rewriter.Newest()
	return seq
}

// manyDeltas is feedback of few bytes that says that 65,528 packets came, and
// ends before it says when.
func manyDeltas() rtcp.Packet {
	b := []byte{0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0xff, 0xf8, 0, 0, 1, 0}
	for range 8 {
		b = append(b, 0x3f, 0xff) // a run of 8,191 that came with a small delta
	}
	b = append(b, 0, 0, 0, 0)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)/4-1))
	raw := rtcp.RawPacket(b)
	return &raw
}

func count(c prometheus.Counter) float64 {
	r := prometheus.NewRegistry()
	if r.Register(c) != nil {
		return -1
	}
	families, err := r.Gather()
	if err != nil || len(families) != 1 {
		return -1
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

// TestExcessForAMoment sends far too much for some seconds, which a client that
// was held up may do: it is refused, and nobody is removed.
func TestExcessForAMoment(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.join(shape{voice: 1, video: 1})
		for round := range 3 {
			for range 5 * 50 {
				p.voice(40, []byte("text"), nil)
				time.Sleep(20 * time.Millisecond)
			}
			for range 8 * 50 {
				p.voice(1, []byte("text"), nil)
				time.Sleep(20 * time.Millisecond)
			}
			if ended(p.session) {
				t.Fatalf("removed in round %d", round)
			}
		}
		if count(w.sfu.metrics.excess[forward.OffencePackets]) == 0 {
			t.Error("nothing was refused")
		}
	})
}

// TestChannelsInTheBand opens data channels that the protocol does not have:
// none of them gets anything of the server, and the session goes on. (Beyond
// sixteen the client's own SCTP is busy with sending again what nobody takes.)
func TestChannelsInTheBand(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.join(shape{voice: 1})
		for i := range 16 {
			dc, err := p.pc.CreateDataChannel(fmt.Sprint("more ", i), nil)
			check(t, err)
			dc.OnMessage(func(webrtc.DataChannelMessage) { t.Errorf("channel %d has a life", i) })
			time.Sleep(50 * time.Millisecond)
			check(t, dc.SendText("anybody?"))
		}
		time.Sleep(5 * time.Second)
		if n := count(w.sfu.metrics.excess[forward.OffenceChannels]); n != 1 {
			t.Errorf("%v channels reached the session, want 1 that is held up", n)
		}
		check(t, p.control.SendText("still here"))
		time.Sleep(time.Second)
		p.note(func() {
			if len(p.got) != 1 || ended(p.session) {
				t.Errorf("control says %q, session ended: %v", p.got, ended(p.session))
			}
		})
	})
}

// TestForgedReports sends the server what it takes for the RTCP of a client,
// without the client's keys: nothing of it counts against the client.
func TestForgedReports(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.join(shape{voice: 1, video: 1})
		forger := w.host("10.0.77.7")
		conn, err := forger.ListenPacket("udp4", "10.0.77.7:0")
		check(t, err)
		defer conn.Close()
		raw, err := manyDeltas().Marshal()
		check(t, err)
		forged := [][]byte{raw, append(bytes.Clone(raw), make([]byte, 20)...), {0x80, 200}, {0x81, 201, 0, 1}, {0x80, 205, 0xff, 0xff}, make([]byte, 1200)}
		for i := range 100 {
			_, err := conn.WriteTo(forged[i%len(forged)], w.sfu.Addr())
			check(t, err)
			time.Sleep(5 * time.Millisecond)
		}
		// and straight into the session, as if the address were forged too
		srtp := newSessionLogs(p.session.log, p.session.limits).NewLogger("srtp")
		srtp.Info("failed to verify auth tag")
		if n := count(w.sfu.metrics.excess[forward.OffenceMalformed]); n != 0 || ended(p.session) {
			t.Errorf("%v counted, ended: %v", n, ended(p.session))
		}
	})
}
