package loadtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// heardSink keeps what a link delivers.
type heardSink struct {
	sink
	frames []string
}

func (s *heardSink) heard(_ int, _ time.Time, h *rtp.Header, payload []byte) {
	s.frames = append(s.frames, fmt.Sprintf("%d %d %s", h.SequenceNumber, h.Timestamp, payload))
}

// TestRedundantVoice packs frames with those before, loses packets one and two
// in a row, and unpacks the rest: every frame is heard once.
func TestRedundantVoice(t *testing.T) {
	to := &heardSink{}
	l := &leanLink{sink: to}
	line := &receiveLine{slotLine: slotLine{kind: webrtc.RTPCodecTypeAudio}, seen: make(seen, seenPackets)}
	var r redundant
	var p rtp.Packet
	var want []string
	for i := range uint16(20) {
		p.Header = rtp.Header{SequenceNumber: 65530 + i, Timestamp: uint32(i) * SamplesPerFrame, PayloadType: opusPayload}
		p.Payload = fmt.Appendf(nil, "frame %d", i)
		want = append(want, fmt.Sprintf("%d %d %s", p.SequenceNumber, p.Timestamp, p.Payload))
		r.pack(&p, maxRED)
		if i == 3 || i == 7 || i == 8 {
			continue // lost
		}
		h := p.Header
		line.seen.once(h.SequenceNumber)
		l.hear(line, time.Time{}, &h, slices.Clone(p.Payload))
	}
	slices.Sort(want)
	slices.Sort(to.frames)
	if !slices.Equal(to.frames, want) {
		t.Errorf("heard %q\nwant %q", to.frames, want)
	}
}

func FuzzHearRED(f *testing.F) {
	f.Add([]byte{0x80 | opusPayload, 15, 0, 2, opusPayload, 1, 2, 3})
	f.Add([]byte{opusPayload})
	f.Fuzz(func(t *testing.T, b []byte) {
		to := &heardSink{}
		l := &leanLink{sink: to}
		l.hear(&receiveLine{}, time.Time{}, &rtp.Header{PayloadType: redPayload}, b)
		if len(to.frames) > 1+maxREDTaken {
			t.Errorf("%d frames of %d bytes", len(to.frames), len(b))
		}
	})
}

func TestOfferOfRepairs(t *testing.T) {
	d := &description{microphone: 1, camera: 2, slots: 1, video: 1, repair: true, rids: []string{"l", "h"}}
	offer := d.offer()
	for _, want := range []string{"SAVPF 111 63\r\n", "SAVPF 96 102 97 103\r\n", "a=fmtp:97 apt=96\r\n", "a=fmtp:63 111/111\r\n", "a=simulcast:send l;h\r\n", twccURI} {
		if !strings.Contains(offer, want) {
			t.Errorf("the offer lacks %q", want)
		}
	}
	if strings.Contains(offer, "a=ssrc:2 ") {
		t.Error("a camera in layers declares an SSRC")
	}
	a, err := d.readAnswer("a=fingerprint:sha-256 AB\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=candidate:1 1 udp 5 192.0.2.1 7 typ host\r\n" +
		"m=audio\r\nm=video\r\nm=audio\r\nm=video\r\na=ssrc-group:FID 12 13\r\na=ssrc:12 cname:x\r\na=ssrc:13 cname:x\r\n")
	if err != nil || a.repairs[13] != 12 {
		t.Errorf("repairs %v, %v, want 13 of 12", a.repairs, err)
	}
}
