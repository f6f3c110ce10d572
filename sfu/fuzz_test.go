package sfu

import (
	"io"
	"slices"
	"testing"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/rtcp"
	"github.com/pion/transport/v4/packetio"
)

// FuzzReceive gives a publication, seen in two slots, whatever a publisher may
// send: packets one after the other, each behind two bytes of its length.
func FuzzReceive(f *testing.F) {
	voice, film := testPacket(f, []byte("voice")), testPacket(f, []byte{0x90, 0xe0, 0x81, 2, 3, 4, 0x10, 2, 0})
	f.Add(framed(voice, voice), uint8(forward.Opus))
	f.Add(framed(film, film, film), uint8(forward.VP8))
	f.Add(framed(testPacket(f, []byte{0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x65, 1})), uint8(forward.H264))
	f.Add(framed([]byte{0xbf, 0xef, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}), uint8(forward.VP8))
	f.Fuzz(func(t *testing.T, b []byte, codec uint8) {
		p, _ := newFanOut(t, forward.Opus+forward.Codec(codec)%(forward.Codecs-forward.Opus), 2)
		now := time.Now()
		var packet forward.Packet
		for raw := range unframed(b) {
			headerSize(raw)
			now = now.Add(7 * time.Millisecond)
			if packet.Parse(raw) == nil {
				p.receive(&packet, now)
			}
		}
		for seq := range uint16(64) { // what a listener may ask for
			for _, s := range p.outlets.Load().slots {
				s.resend(seq, nil)
			}
		}
	})
}

// FuzzReports gives the slot of a listener whatever the listener may send.
func FuzzReports(f *testing.F) {
	for _, p := range []rtcp.Packet{
		&rtcp.TransportLayerNack{MediaSSRC: 7, Nacks: []rtcp.NackPair{{PacketID: 3, LostPackets: 0xffff}}},
		&rtcp.PictureLossIndication{MediaSSRC: 7},
		&rtcp.FullIntraRequest{MediaSSRC: 7, FIR: []rtcp.FIREntry{{SSRC: 7, SequenceNumber: 1}}},
		&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 7, LastSequenceNumber: 2}}},
		&rtcp.SenderReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 7, LastSequenceNumber: 2}}},
		manyDeltas(),
	} {
		b, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(slices.Concat(b, b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		packets, err := rtcp.Unmarshal(b)
		if err != nil {
			return
		}
		p, out := newFanOut(t, forward.VP8, 1)
		s := p.outlets.Load().slots[0]
		s.session.limits = newLimits(p.metrics, 4)
		s.header.SSRC, s.twccID = 7, 5
		var packet forward.Packet
		film, now := testPacket(t, []byte{0x10, 0x10, 0, 1}), time.Now()
		for seq := range uint16(50) {
			next(film, seq, 3000*uint32(seq))
			if packet.Parse(film) != nil {
				t.Fatal("malformed")
			}
			now = now.Add(time.Second / 30)
			p.receive(&packet, now)
		}
		before := out.packets
		for range 20 {
			for _, r := range packets {
				r.DestinationSSRC()
				s.serve(r, nil)
			}
		}
		s.session.running.Wait() // what it does about feedback
		if again := out.packets - before; again > 256<<10/1200+10 {
			t.Fatalf("%d packets were sent again for %d bytes of RTCP", again, len(b))
		}
	})
}

// FuzzIntake gives the streams of a session whatever comes under its keys.
func FuzzIntake(f *testing.F) {
	f.Add(framed(testPacket(f, []byte("voice"))), false)
	f.Add(framed([]byte{0x9f, 0, 0, 0}, []byte{}, []byte{0x90}), true)
	f.Fuzz(func(t *testing.T, b []byte, isRTCP bool) {
		m, err := newMetrics(nil)
		if err != nil {
			t.Fatal(err)
		}
		l, kind := newLimits(m, 1), packetio.RTPBufferPacket
		if isRTCP {
			kind = packetio.RTCPBufferPacket
		}
		stream := l.buffer(kind, 1)
		wrote, read := 0, make([]byte, 1<<16)
		for raw := range unframed(b) {
			if n, err := stream.Write(raw); err != nil || n != len(raw) {
				t.Fatalf("Write of %d bytes: %d, %v", len(raw), n, err)
			}
			wrote++
		}
		if err := stream.Close(); err != nil {
			t.Fatal(err)
		}
		for n := 0; ; n++ {
			if _, err := stream.Read(read); err == io.EOF {
				break
			} else if err != nil || n >= wrote {
				t.Fatalf("packet %d of %d: %v", n, wrote, err)
			}
		}
	})
}

// framed puts packets one after the other, each behind its length.
func framed(packets ...[]byte) (out []byte) {
	for _, p := range packets {
		out = append(append(out, byte(len(p)>>8), byte(len(p))), p...)
	}
	return out
}

// unframed yields what framed was given; of other bytes whatever they make.
func unframed(b []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for range 200 {
			if len(b) < 2 {
				return
			}
			n := min(int(b[0])<<8|int(b[1]), len(b)-2, readSize)
			if !yield(b[2 : 2+n]) {
				return
			}
			b = b[2+n:]
		}
	}
}
