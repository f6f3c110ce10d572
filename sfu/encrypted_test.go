package sfu

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/rtp"
	"github.com/pion/transport/v4/vnet"
)

// encryptedOffer is what a client joins with that encrypts end to end.
var encryptedOffer = Offer{PublishAudio: true, PublishVideo: true, Subscribe: true, Encrypted: true}

// joinEncrypted lets a client in that encrypts end to end.
func (w *world) joinEncrypted(sh shape) *person {
	p := w.newPerson(sh)
	p.joinAs(encryptedOffer)
	return p
}

// sealed returns what a frame looks like that was encrypted: a clear beginning,
// then bytes that nobody here can read.
func sealed(random *rand.Rand, clear []byte, n int) []byte {
	frame := append(slices.Clone(clear), 0xfd, 0xe2) // as gateway/web/e2ee-keys.js begins them
	for range n {
		frame = append(frame, byte(random.Uint32()))
	}
	return frame
}

// Encrypted voices go, untouched, to those who can decrypt, and to nobody else:
// others would decode noise. Taps hear nothing of them. What is not encrypted
// goes to everybody.
func TestEncryptedVoiceGoesToItsKind(t *testing.T) {
	inWorld(t, func(w *world) {
		secret, friend := w.joinEncrypted(shape{}), w.joinEncrypted(shape{voice: 2})
		plain, other := w.join(shape{}), w.join(shape{voice: 2})
		var e ears
		tap := w.sfu.NewTap(e.handle)
		tap.SetVoice([]*Publication{mic(secret), mic(plain)})
		if !mic(secret).Encrypted() || mic(plain).Encrypted() {
			t.Fatalf("Encrypted() = %v and %v, want true and false", mic(secret).Encrypted(), mic(plain).Encrypted())
		}
		friend.hear(secret, plain)
		other.hear(secret, plain)
		random := rand.New(rand.NewPCG(1, 2))
		var said []string
		for range 30 {
			said = append(said, string(sealed(random, nil, 80)))
			secret.sayFrame(said[len(said)-1], -20)
			plain.sayFrame("in clear", -20)
			time.Sleep(frameTime)
		}
		time.Sleep(time.Second)
		var got []string
		silence, clear := 0, 0
		for _, mid := range friend.session.VoiceMIDs() {
			for _, a := range friend.received(mid) {
				switch a.payload {
				case "in clear":
					clear++
				case string(forward.SilenceFrame()):
					silence++
				default:
					got = append(got, a.payload)
				}
			}
		}
		if !slices.Equal(got, said) {
			t.Errorf("the friend got %d encrypted frames, want the %d that were said, bit by bit", len(got), len(said))
		}
		if clear != 30 || silence != 2*forward.TailFrames {
			t.Errorf("the friend got %d clear frames and %d of silence, want 30 and %d", clear, silence, 2*forward.TailFrames)
		}
		for _, mid := range other.session.VoiceMIDs() {
			for _, a := range other.received(mid) {
				if a.payload != "in clear" && a.payload != string(forward.SilenceFrame()) {
					t.Fatalf("one who cannot decrypt was sent %x", a.payload)
				}
			}
		}
		for _, h := range e.take() {
			if h.who == secret.id {
				t.Fatalf("a tap heard an encrypted voice: %x", h.text)
			}
		}
		// An order holds for encrypted voices as for others.
		friend.session.Deny(secret.id, true)
		friend.clear()
		friend.hear(secret)
		secret.say(said[0], 10, -20)
		for _, mid := range friend.session.VoiceMIDs() {
			if n := len(friend.received(mid)); n > 0 {
				t.Errorf("%d packets of one who was denied", n)
			}
		}
		tap.Close()
	})
}

// sealedFilm sends encrypted VP8 with picture ids: of a key frame its first ten
// bytes are clear, of others the first.
type sealedFilm struct {
	p       *person
	random  *rand.Rand
	seq     uint16
	picture uint16
	ts      uint32
	sent    map[string]bool // what follows the descriptor
	keys    map[string]bool // those of them that are key frames
}

func newSealedFilm(p *person, picture uint16) *sealedFilm {
	return &sealedFilm{
		p: p, random: rand.New(rand.NewPCG(uint64(picture), 1)), picture: picture,
		sent: map[string]bool{}, keys: map[string]bool{},
	}
}

func (f *sealedFilm) frames(n int) {
	for range n {
		clear := []byte{0x31}
		if f.picture%10 == 0 {
			clear = []byte{0x50, 0x42, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00} // 320 by 240
		}
		frame := sealed(f.random, clear, 300)
		f.sent[string(frame)], f.keys[string(frame)] = true, f.picture%10 == 0
		payload := append([]byte{0x90, 0x80, 0x80 | byte(f.picture>>8), byte(f.picture)}, frame...)
		check(f.p.w.t, f.p.camera.WriteRTP(&rtp.Packet{
			Header: rtp.Header{Version: 2, SequenceNumber: f.seq, Timestamp: f.ts, Marker: true}, Payload: payload,
		}))
		f.seq, f.picture, f.ts = f.seq+1, f.picture+1, f.ts+3000
		time.Sleep(time.Second / 30)
	}
}

// Of encrypted video everything works that does not need the picture: it begins
// with key frames, its size is known, picture ids go on over a switch, loss is
// repaired. And every frame arrives as it was encrypted.
func TestEncryptedVideoIsUntouched(t *testing.T) {
	inWorld(t, func(w *world) {
		eye, blind := w.joinEncrypted(shape{video: 1}), w.join(shape{video: 1})
		a, b := w.joinEncrypted(shape{video: 1}), w.joinEncrypted(shape{video: 1})
		filmA, filmB := newSealedFilm(a, 1000), newSealedFilm(b, 70)
		cameraA, cameraB := a.session.Video(SourceCamera), b.session.Video(SourceCamera)
		cameraA.SetActive(true)
		cameraB.SetActive(true)
		blind.session.SetVideo([]*Publication{cameraA})
		var taped atomic.Int32
		tape := w.sfu.NewMediaTap(func(*Publication, *TapPacket) { taped.Add(1) })
		tape.SetVoice([]*Publication{cameraA})
		eye.session.SetVideo([]*Publication{cameraA})
		filmA.frames(15)
		if h := cameraA.layers[0].heights[0]; h != 240 {
			t.Errorf("the height of the layer is %d, want 240", h)
		}
		viewer, count := eye.address(), 0
		w.lose(func(c vnet.Chunk) bool {
			b := c.UserData()
			media := len(b) > 12 && b[0]&0xc0 == 0x80 && b[1]&0x7f >= 96
			if !media || c.DestinationAddr().String() != viewer {
				return false
			}
			count++
			return count%5 == 1
		})
		filmA.frames(20)
		w.lose(nil)
		filmA.frames(1)
		mid := eye.session.VideoMIDs()[0]
		lost := missing(eye.received(mid))
		if len(lost) == 0 {
			t.Fatal("nothing was lost: the test tests nothing")
		}
		eye.nack(eye.received(mid)[0].SSRC, lost)
		filmA.frames(2)
		eye.session.SetVideo([]*Publication{cameraB})
		filmB.frames(20)

		got := eye.received(mid)
		slices.SortStableFunc(got, func(x, y arrival) int { return int(int16(x.SequenceNumber - y.SequenceNumber)) })
		var before forward.VP8Header
		for i, packet := range got {
			var v forward.VP8Header
			frame := packet.payload[4:]
			if !v.Parse([]byte(packet.payload)) || !filmA.sent[frame] && !filmB.sent[frame] {
				t.Fatalf("packet %d holds what nobody sent: %x", i, packet.payload[:16])
			}
			if v.KeyFrame != (filmA.keys[frame] || filmB.keys[frame]) {
				t.Errorf("packet %d: key frame %v", i, v.KeyFrame)
			}
			if i > 0 && v.PictureID != before.PictureID+1 {
				t.Errorf("packet %d is picture %d after %d", i, v.PictureID, before.PictureID)
			}
			before = v
		}
		if !filmA.keys[got[0].payload[4:]] {
			t.Error("the first frame is no key frame")
		}
		if n := len(missing(got)); n > 0 || len(got) < 15 {
			t.Errorf("%d packets came, %d are missing still", len(got), n)
		}
		if n := len(blind.received(blind.session.VideoMIDs()[0])); n > 0 {
			t.Errorf("%d packets for one who cannot decrypt", n)
		}
		if n := taped.Load(); n > 0 {
			t.Errorf("%d packets for a recording, which nobody could play", n)
		}
		tape.Close()
	})
}
