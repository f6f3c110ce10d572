package sfu

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

const layerExtensions = "a=extmap:4 " + sdp.SDESMidURI + "\r\na=extmap:10 " + sdp.SDESRTPStreamIDURI + "\r\n"

func TestSimulcastOffers(t *testing.T) {
	good := "a=rid:l send\r\na=rid:m send\r\na=rid:h send\r\na=simulcast:send l;m;h\r\n" + layerExtensions
	cfg := DefaultConfig()
	offer, err := parseOffer(&cfg, compose(video("0", "sendonly")+good, testChannels))
	if err != nil || strings.Join(offer.lines[0].rids, ";") != "l;m;h" {
		t.Fatalf("parseOffer = %+v, %v, want three layers", offer, err)
	}
	for _, c := range []struct{ name, line, attributes string }{
		{"for a slot", video("0", "recvonly"), good},
		{"for a voice", audio("0", "sendonly"), good},
		{"of a screen", video("c", "sendonly") + video("0", "sendonly"), good},
		{"not declared", video("0", "sendonly"), "a=simulcast:send l\r\n" + layerExtensions},
		{"not named", video("0", "sendonly"), "a=rid:l send\r\n" + layerExtensions},
		{"too many declared", video("0", "sendonly"), "a=rid:a send\r\na=rid:b send\r\na=rid:c send\r\na=rid:d send\r\na=simulcast:send a;b;c;d\r\n" + layerExtensions},
		{"one declared too many", video("0", "sendonly"), strings.Replace(good, "l;m;h", "l;m", 1)},
		{"named twice", video("0", "sendonly"), strings.Replace(good, "l;m;h", "l;m;m", 1)},
		{"alternatives", video("0", "sendonly"), strings.Replace(good, "l;m;h", "l,m;h", 1)},
		{"paused", video("0", "sendonly"), strings.Replace(good, "l;m;h", "l;m;~h", 1)},
		{"received", video("0", "sendonly"), strings.Replace(good, "simulcast:send", "simulcast:recv", 1)},
		{"both ways", video("0", "sendonly"), strings.Replace(good, "l;m;h", "l;m;h recv x", 1)},
		{"restricted", video("0", "sendonly"), strings.Replace(good, "rid:l send", "rid:l send max-width=1", 1)},
		{"bad name", video("0", "sendonly"), strings.ReplaceAll(good, "l", "!")},
		{"long name", video("0", "sendonly"), strings.ReplaceAll(strings.ReplaceAll(good, "rid:h", "rid:hhhhhhhhhhhhhhhhh"), ";h", ";hhhhhhhhhhhhhhhhh")},
		{"no rid extension", video("0", "sendonly"), strings.ReplaceAll(good, sdp.SDESRTPStreamIDURI, "x")},
	} {
		if _, err := parseOffer(&cfg, compose(c.line+c.attributes, testChannels)); err == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
}

// TestLayerHasOneReader has a client use many SSRCs for one layer.
func TestLayerHasOneReader(t *testing.T) {
	l := newLayers(nil)[0]
	if first, again := l.take(5), l.take(6); !first || again || l.ssrc.Load() != 6 {
		t.Errorf("take = %v, then %v, SSRC %d, want true, false, 6", first, again, l.ssrc.Load())
	}
}

// layered is a camera of three layers, sent as a browser sends one.
type layered struct {
	p      *person
	tracks [forward.MaxLayers]*source
	silent [forward.MaxLayers]bool
	n      int
}

// joinLayered returns somebody whose camera has the layers l, m and h.
func (w *world) joinLayered() *layered {
	p := w.newPerson(shape{})
	c := &layered{p: p}
	c.publish("l", "m", "h")
	p.joinAs(Offer{PublishAudio: true, PublishVideo: true, Subscribe: true})
	return c
}

// publish adds a camera with layers of these names.
func (c *layered) publish(rids ...string) {
	w, p := c.p.w, c.p
	var sender *webrtc.RTPSender
	for i, rid := range rids {
		static, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "camera", "p", webrtc.WithRTPStreamID(rid))
		check(w.t, err)
		c.tracks[i] = &source{TrackLocalStaticRTP: static}
		if i > 0 {
			check(w.t, sender.AddEncoding(c.tracks[i]))
			continue
		}
		tr, err := p.pc.AddTransceiverFromTrack(c.tracks[i], webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		check(w.t, err)
		sender = tr.Sender()
	}
}

// frames sends n frames, 30 a second, of each layer; every fifth is a key
// frame. The payload says layer and frame after the VP8 descriptor.
func (c *layered) frames(n int) {
	for range n {
		for i, track := range c.tracks {
			if c.silent[i] {
				continue
			}
			id := uint16(100*i + c.n)
			payload := []byte{0x90, 0xe0, 0x80 | byte(id>>8), byte(id), byte(c.n + 50*i), 0, 1, byte(i), byte(c.n)}
			if c.n%5 == 0 {
				payload[6] = 0
			}
			packet := &rtp.Packet{
				Header: rtp.Header{
					Version: 2, SequenceNumber: uint16(c.n + 1000*i), Timestamp: uint32(3000*c.n + 77777*i), Marker: true,
				},
				Payload: payload,
			}
			for j, uri := range []string{sdp.SDESMidURI, sdp.SDESRTPStreamIDURI} {
				value := []string{c.p.mid(c.tracks[0]), track.RID()}[j]
				check(c.p.w.t, packet.SetExtension(c.p.extension(uri), []byte(value)))
			}
			check(c.p.w.t, track.WriteRTP(packet))
		}
		c.n++
		time.Sleep(time.Second / 30)
	}
}

func (p *person) mid(track *source) string {
	for _, tr := range p.pc.GetTransceivers() {
		if tr.Sender() != nil && tr.Sender().Track() == track {
			return tr.Mid()
		}
	}
	return ""
}

// extension returns the id of a header extension in the answer.
func (p *person) extension(uri string) uint8 {
	for _, l := range strings.Split(p.answer, "\r\n") {
		var id uint8
		if _, err := fmt.Sscanf(l, "a=extmap:%d "+uri, &id); err == nil && strings.HasSuffix(l, uri) {
			return id
		}
	}
	p.w.t.Fatalf("no extension %s in the answer", uri)
	return 0
}

// TestLayersOfASlot sends a camera in three layers to a viewer whose downlink
// is not known: it gets the best one, a lower one while that is not sent, and
// what arrives is one stream without a gap, also in VP8's own numbers.
func TestLayersOfASlot(t *testing.T) {
	inWorld(t, func(w *world) {
		c, eye := w.joinLayered(), w.join(shape{video: 1})
		camera := c.p.session.Video(SourceCamera)
		camera.SetActive(true)
		c.frames(10)
		eye.session.SetVideo([]*Publication{camera})
		layer := func() byte {
			got := eye.received(eye.session.VideoMIDs()[0])
			return got[len(got)-1].payload[7]
		}
		c.frames(40)
		if l := layer(); l != 2 {
			t.Fatalf("layer %d, want 2", l)
		}
		if n := camera.Wanted(time.Now()); n != 3 {
			t.Errorf("%d layers wanted, want 3", n)
		}
		time.Sleep(wishWait)
		c.silent[2] = true
		c.frames(30)
		if l := layer(); l != 1 {
			t.Errorf("layer %d while the best is not sent, want 1", l)
		}
		c.silent[2] = false
		c.frames(60)
		if l := layer(); l != 2 {
			t.Errorf("layer %d, want 2 again", l)
		}
		got := eye.received(eye.session.VideoMIDs()[0])
		var was forward.VP8Header
		for i, packet := range got {
			var v forward.VP8Header
			if !v.Parse([]byte(packet.payload)) {
				t.Fatalf("packet %d has no descriptor", i)
			}
			if i > 0 {
				if packet.SequenceNumber != got[i-1].SequenceNumber+1 || v.PictureID != (was.PictureID+1)&0x7fff || v.TL0 != was.TL0+1 {
					t.Errorf("packet %d: number %d, picture %d, TL0 %d after %d, %d, %d", i, packet.SequenceNumber, v.PictureID, v.TL0,
						got[i-1].SequenceNumber, was.PictureID, was.TL0)
				}
				if packet.payload[7] != got[i-1].payload[7] && !v.KeyFrame {
					t.Errorf("packet %d changes the layer and is no key frame", i)
				}
				if step := int32(packet.Timestamp - got[i-1].Timestamp); step < 1 {
					t.Errorf("packet %d goes back by %d", i, -step)
				}
			}
			was = v
		}
		eye.session.SetVideo(nil)
		time.Sleep(wishHold + time.Second)
		synctest.Wait()
		if n := camera.Wanted(time.Now()); n != 0 {
			t.Errorf("%d layers wanted while nobody looks, want 0", n)
		}
	})
}

// TestLayersAsLargeAsSeen shows a camera in a small picture: no layer larger
// than that comes.
func TestLayersAsLargeAsSeen(t *testing.T) {
	now := time.Now()
	p := &Publication{layers: newLayers([]string{"l", "m", "h"})}
	for i, height := range []int{180, 360, 720} {
		p.layers[i].heights[0] = height
		p.layers[i].meter.Observe(1000, &forward.Place{Layer: uint8(i)}, now)
	}
	for height, want := range map[int]int{0: 2, 100: 0, 180: 0, 220: 0, 240: 1, 450: 1, 460: 2, 5000: 2} {
		var d forward.Demand
		p.demand(&d, now)
		p.limit(&d, height)
		if d.Most != want {
			t.Errorf("shown %d pixels high: layer %d at most, want %d", height, d.Most, want)
		}
	}
}

// TestRepeatedKeyFrame has a publisher send anew what it sent, as browsers do to
// try a larger rate: a viewer who waits for a key frame of another layer is not
// shown the one of seconds ago, and nobody gets anything twice.
func TestRepeatedKeyFrame(t *testing.T) {
	p, _ := newFanOut(t, forward.VP8, 0)
	p.layers = newLayers([]string{"l", "h"})
	out := listenTo(p, 1)
	s := p.outlets.Load().slots[0]
	now := time.Now()
	send := func(layer uint8, seq int, key bool) {
		payload := append([]byte{0x90, 0xe0, 0x80, byte(seq), byte(seq), 0, 1}, make([]byte, 100)...)
		if key {
			payload[6] = 0
		}
		b := testPacket(t, payload)
		b[11] = layer // of the SSRC
		next(b, uint16(seq), uint32(seq)*1800)
		var packet forward.Packet
		check(t, packet.Parse(b))
		packet.Layer = layer
		p.receive(&packet, now)
	}
	s.aim(p, forward.MakeTarget(1, 2))
	for seq := 1; seq < 100; seq++ {
		send(0, seq, seq == 1)
		send(1, seq, seq == 1)
		now = now.Add(20 * time.Millisecond)
	}
	sent := out.packets
	if s.choice.Encoding() != 1 || sent != 100 {
		t.Fatalf("%d packets, encoding %d, want one of encoding 0 and 99 of encoding 1", sent, s.choice.Encoding())
	}
	s.aim(p, forward.MakeTarget(0, 2))
	for seq := 1; seq < 100; seq++ {
		send(0, seq, seq == 1)
		send(1, seq, seq == 1)
	}
	if s.choice.Encoding() != 1 || out.packets != sent {
		t.Errorf("%d packets of %d came twice, and encoding %d is shown", out.packets-sent, sent, s.choice.Encoding())
	}
	if send(0, 100, true); s.choice.Encoding() != 0 || out.packets != sent+1 {
		t.Errorf("encoding %d is shown after a key frame of the other", s.choice.Encoding())
	}
}

// TestForwardingLayersDoesNotAllocate plays a camera of three layers with a
// numbered downlink, changing the layer all the time.
func TestForwardingLayersDoesNotAllocate(t *testing.T) {
	p, _ := newFanOut(t, forward.VP8, 0)
	p.layers = newLayers([]string{"l", "m", "h"})
	slots := []*slot{}
	out := listenTo(p, 20)
	for _, s := range p.outlets.Load().slots {
		s.twccID = 3
		check(t, s.header.SetExtension(3, s.number[:]))
		slots = append(slots, s)
	}
	b := testPacket(t, append([]byte{0x90, 0xf0, 0x81, 2, 3, 4, 0x00}, make([]byte, 1000)...))
	var packet forward.Packet
	now, seq := time.Now(), uint16(0)
	send := func() {
		seq++
		now = now.Add(20 * time.Millisecond)
		next(b, seq, uint32(seq)*1800)
		for layer := range p.layers {
			check(t, packet.Parse(b))
			packet.Layer = uint8(layer)
			p.receive(&packet, now)
		}
		for _, s := range slots {
			s.aim(p, forward.MakeTarget(int(seq)%3, 2))
		}
	}
	for range videoCache {
		send()
	}
	if n := testing.AllocsPerRun(500, send); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
	if out.packets < 10_000 {
		t.Errorf("%d packets written", out.packets)
	}
}
