package sfu

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/rtp"
	"github.com/pion/transport/v4/vnet"
	"github.com/pion/webrtc/v4"
)

// svcFilm is a camera of VP9 in three spatial and three temporal layers, of
// which larger sizes refer to smaller ones in key pictures only. Every tenth
// picture is one. A layer frame has two packets.
type svcFilm struct {
	p   *person
	n   int
	seq uint16
}

func (w *world) joinSVC() *svcFilm {
	p := w.newPerson(shape{})
	p.camera = p.publish(webrtc.MimeTypeVP9, 90000)
	p.joinAs(Offer{PublishAudio: true, PublishVideo: true, Subscribe: true})
	return &svcFilm{p: p}
}

func (f *svcFilm) pictures(n int) {
	for range n {
		key := f.n%12 == 0
		tid := [...]byte{0, 2, 1, 2}[f.n%4]
		for sid := range byte(3) {
			for part := range byte(2) {
				check(f.p.w.t, f.p.camera.WriteRTP(&rtp.Packet{
					Header: rtp.Header{
						Version: 2, SequenceNumber: f.seq, Timestamp: 3000 * uint32(f.n), Marker: sid == 2 && part == 1,
					},
					Payload: f.payload(key, tid, sid, part),
				}))
				f.seq++
			}
		}
		f.n++
		time.Sleep(time.Second / 30)
	}
}

// payload is that of RFC 9628: picture id, layers, TL0PICIDX, and the structure
// with the sizes in the first packet of a key picture. What follows says picture,
// layer and part.
func (f *svcFilm) payload(key bool, tid, sid, part byte) []byte {
	b := []byte{0xa0, 0x80 | byte(f.n>>8), byte(f.n), tid<<5 | sid<<1, byte(f.n / 4)}
	if part == 0 {
		b[0] |= 0x08
	} else {
		b[0] |= 0x04
	}
	if !key {
		b[0] |= 0x40
		if sid < 2 {
			b[0] |= 0x01
		}
	} else if sid > 0 {
		b[3] |= 1
	}
	if tid == 0 {
		b[3] |= 0x10
	}
	if key && sid == 0 && part == 0 {
		b[0] |= 0x02
		b = append(b, 2<<5|0x10, 1, 64, 0, 180, 2, 128, 1, 104, 5, 0, 2, 208)
	}
	return append(b, byte(f.n), sid, part)
}

// said is what a payload of svcFilm says.
func said(payload string) (picture, sid, part byte) {
	end := payload[len(payload)-3:]
	return end[0], end[1], end[2]
}

// TestSpatialLayersOfASlot shows a scalable camera in three sizes, one after the
// other: what arrives is one stream without a gap, each picture ends once, the
// smaller layers come with key pictures only, and the publisher hears which sizes
// are wanted.
func TestSpatialLayersOfASlot(t *testing.T) {
	inWorld(t, func(w *world) {
		f, eye := w.joinSVC(), w.join(shape{video: 1})
		camera := f.p.session.Video(SourceCamera)
		camera.SetActive(true)
		f.pictures(13)
		eye.session.SetVideo([]*Publication{camera})
		mid := eye.session.VideoMIDs()[0]
		for _, c := range []struct{ height, size int }{{0, 2}, {360, 1}, {100, 0}, {700, 2}} {
			eye.session.SetVideoHeights([]int{c.height})
			f.pictures(30)
			got := eye.received(mid)
			last := got[len(got)-1]
			if _, sid, _ := said(last.payload); int(sid) != c.size {
				t.Errorf("shown %d pixels high: layer %d came, want %d", c.height, sid, c.size)
			}
			if n := camera.Wanted(time.Now()); c.height == 0 && n != 3 {
				t.Errorf("%d sizes wanted, want 3", n)
			}
		}
		if n := camera.Sizes(); n != 3 {
			t.Errorf("%d sizes, want 3", n)
		}
		checkPictures(t, eye.received(mid))
	})
}

// checkPictures checks that packets are a whole stream for a decoder of VP9.
func checkPictures(t *testing.T, got []arrival) {
	t.Helper()
	size := byte(9)
	for i, a := range got {
		picture, sid, _ := said(a.payload)
		var v forward.VP9Header
		if !v.Parse([]byte(a.payload)) {
			t.Fatalf("packet %d is no payload", i)
		}
		key := picture%12 == 0
		if i == 0 {
			continue
		}
		before := got[i-1]
		if a.SequenceNumber != before.SequenceNumber+1 {
			t.Errorf("packet %d has number %d after %d", i, a.SequenceNumber, before.SequenceNumber)
		}
		was, wasSID, _ := said(before.payload)
		if begins := a.Timestamp != before.Timestamp; begins != before.Marker || begins != (picture != was) {
			t.Errorf("packet %d (picture %d, layer %d) after %d (%d, %d, marker %v)", i, picture, sid, i-1, was, wasSID, before.Marker)
		}
		if !key && a.Timestamp != before.Timestamp {
			if size != 9 && sid != size {
				t.Errorf("picture %d is of layer %d after %d, without a key picture", picture, sid, size)
			}
			size = sid
		} else if key {
			size = 9
		}
		if v.PictureID != uint16(picture) {
			t.Errorf("picture %d has the id %d", picture, v.PictureID)
		}
	}
}

// TestSpatialRepair loses packets of a scalable camera on the way to a viewer
// who gets less than all of it, and asks for them again after the size has
// changed: what comes is what was lost, with the marker that it had. After a
// denial nothing comes.
func TestSpatialRepair(t *testing.T) {
	inWorld(t, func(w *world) {
		f, eye := w.joinSVC(), w.join(shape{video: 1})
		camera := f.p.session.Video(SourceCamera)
		camera.SetActive(true)
		eye.session.SetVideo([]*Publication{camera})
		eye.session.SetVideoHeights([]int{360})
		f.pictures(26)
		mid, viewer, count := eye.session.VideoMIDs()[0], eye.address(), 0
		lost := map[uint16]string{}
		w.lose(func(c vnet.Chunk) bool {
			b := c.UserData()
			if len(b) < 12 || b[0] != 0x80 || b[1]&0x7f < 96 || c.DestinationAddr().String() != viewer {
				return false
			}
			if count++; count%4 != 0 {
				return false
			}
			seq := uint16(b[2])<<8 | uint16(b[3])
			lost[seq] = map[bool]string{true: "marker"}[b[1]&0x80 != 0]
			return true
		})
		f.pictures(10)
		w.lose(nil)
		eye.session.SetVideoHeights([]int{0}) // the next key picture brings another size
		f.pictures(20)
		var seqs []uint16
		for seq := range lost {
			seqs = append(seqs, seq)
		}
		ssrc := eye.received(mid)[0].SSRC
		eye.clear()
		eye.nack(ssrc, seqs)
		again := eye.received(mid)
		if len(again) != len(lost) || len(lost) < 5 {
			t.Errorf("%d of %d packets repaired", len(again), len(lost))
		}
		for _, a := range again {
			marker, asked := lost[a.SequenceNumber]
			_, sid, part := said(a.payload)
			if !asked || a.Marker != (marker != "") || sid == 2 {
				t.Errorf("number %d came again (layer %d, part %d, marker %v), want marker %q", a.SequenceNumber, sid, part, a.Marker, marker)
			}
		}
		eye.session.Deny(f.p.id, true)
		eye.clear()
		f.pictures(13)
		eye.nack(ssrc, seqs)
		if n := len(eye.received(mid)); n != 0 {
			t.Errorf("%d packets after the denial, want 0", n)
		}
	})
}

// TestLayersOfAScreenThatRests counts a screen's sizes as sent although nothing
// moves.
func TestLayersOfAScreenThatRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Publication{layers: newLayers(nil), source: SourceScreen}
		now := time.Now()
		for size := range uint8(3) {
			p.layers[0].meter.Observe(1000, &forward.Place{Layer: size, Needed: 1 << 8}, now)
		}
		var d forward.Demand
		p.demand(&d, now.Add(time.Minute))
		if !d.Detail || d.Layers != 3 || !d.Active[0] || !d.Active[2] {
			t.Errorf("%+v, want three active layers and detail", d)
		}
	})
}

// TestMixedHeadersAreAnswered offers headers with one byte and with two in turn,
// for all lines or for one: it is answered as it was offered, and only a slot
// that may get both gets descriptors.
func TestMixedHeadersAreAnswered(t *testing.T) {
	inWorld(t, func(w *world) {
		extension := "a=extmap:12 " + forward.DependencyURI + "\r\n"
		for name, c := range map[string]struct {
			offer string
			count int
			slot  uint8
		}{
			"not offered":  {compose(video("0", "recvonly")+extension, testChannels), 0, 0},
			"for one line": {compose(video("0", "recvonly")+extension+allowMixed, video("1", "sendonly"), testChannels), 1, 12},
			"for all":      {strings.Replace(compose(video("0", "recvonly")+extension, testChannels), "a=group", allowMixed+"a=group", 1), 1, 12},
		} {
			session, answer, err := w.sfu.Join(context.Background(), Offer{SDP: c.offer, Handler: &person{w: w}, PublishVideo: true, Subscribe: true})
			check(t, err)
			if n := strings.Count(answer, allowMixed); n != c.count {
				t.Errorf("%s: answered %d times, want %d:\n%s", name, n, c.count, answer)
			}
			if id := session.video[0].descriptorID; id != c.slot {
				t.Errorf("%s: descriptors have id %d, want %d", name, id, c.slot)
			}
			if !strings.Contains(answer, forward.DependencyURI) {
				t.Errorf("%s: the descriptor is not answered", name)
			}
			session.Close()
		}
	})
}
