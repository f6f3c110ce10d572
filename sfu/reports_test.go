package sfu

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/rtcp"
)

// reported returns a session with one slot of voice, 7, whose listener reports.
func reported(t testing.TB) *Session {
	p, _ := newFanOut(t, forward.Opus, 1)
	s := p.outlets.Load().slots[0]
	s.session.sfu.metrics, s.session.limits = p.metrics, newLimits(p.metrics, 4)
	s.header.SSRC = 7
	s.ssrc.Store(7)
	s.session.lineup.Store(&lineup{voice: []*slot{s}})
	return s.session
}

func marshal(t testing.TB, packets ...rtcp.Packet) []byte {
	b, err := rtcp.Marshal(packets)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	received = &rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{
		{SSRC: 6, Jitter: 1},
		{SSRC: 7, FractionLost: 9, TotalLost: 0x123456, LastSequenceNumber: 0x10002, Jitter: 480, LastSenderReport: 5, Delay: 6},
	}}
	described = rtcp.NewCNAMESourceDescription(1, "someone")
	arrived   = &rtcp.TransportLayerCC{SenderSSRC: 1, MediaSSRC: 7, PacketStatusCount: 1,
		Header:       rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: 5},
		PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 1}},
		RecvDeltas:   []*rtcp.RecvDelta{{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 250}},
	}
)

// What is taken past pion is what every listener sends all the time, and nothing
// else.
func TestReportParts(t *testing.T) {
	padded := marshal(t, received)
	padded[0] |= 0x20
	cut := marshal(t, received)
	few := slices.Clone(cut)
	few[0]-- // says it has one block, and has two
	for name, tc := range map[string]struct {
		compound []byte
		parts    int
	}{
		"a report":                    {marshal(t, received), 1},
		"of nobody":                   {marshal(t, &rtcp.ReceiverReport{SSRC: 1}), 1},
		"described":                   {marshal(t, received, described), 2},
		"feedback":                    {marshal(t, arrived), 1},
		"both":                        {marshal(t, received, described, arrived), 3},
		"with a wish":                 {marshal(t, received, &rtcp.PictureLossIndication{MediaSSRC: 7}), 0},
		"with a loss":                 {marshal(t, &rtcp.TransportLayerNack{MediaSSRC: 7, Nacks: []rtcp.NackPair{{PacketID: 1}}}), 0},
		"of a sender":                 {marshal(t, &rtcp.SenderReport{SSRC: 1, Reports: received.Reports}), 0},
		"with a goodbye":              {marshal(t, received, &rtcp.Goodbye{Sources: []uint32{1}}), 0},
		"padded":                      {padded, 0},
		"cut":                         {cut[:len(cut)-4], 0},
		"with fewer blocks than said": {few, 0},
		"nothing":                     {nil, 0},
	} {
		parts := 0
		if ok := reportParts(tc.compound, func([]byte) { parts++ }); ok != (tc.parts > 0) || ok && parts != tc.parts {
			t.Errorf("%s: %v, %d parts, want %d", name, ok, parts, tc.parts)
		}
	}
}

// A report tells a slot the same by either way, and each part that speaks of a
// slot counts against what the session may send.
func TestHear(t *testing.T) {
	now := time.Unix(1000, 0)
	past, short := reported(t), reported(t)
	b := marshal(t, received, described)
	packets, err := rtcp.Unmarshal(b)
	check(t, err)
	for _, p := range packets {
		if r, ok := p.(*rtcp.ReceiverReport); ok {
			past.slots()[0].heed(r.Reports, now, nil)
		}
	}
	short.hear(b, now)
	if got, want := short.slots()[0].reception(), past.slots()[0].reception(); got != want || got.Jitter != 10*time.Millisecond {
		t.Errorf("the short way says %+v, pion's %+v", got, want)
	}
	for range 2 * forward.SessionReports {
		short.hear(b, now)
	}
	if n := count(short.sfu.metrics.excess[forward.OffenceReports]); n == 0 {
		t.Error("no report was too much")
	}
}

func TestHearDoesNotAllocate(t *testing.T) {
	s, b, now := reported(t), marshal(t, received, described), time.Now()
	if n := testing.AllocsPerRun(500, func() {
		now = now.Add(time.Second)
		s.hear(b, now)
	}); n != 0 {
		t.Errorf("a report allocates %v times", n)
	}
}

// FuzzHear gives a session whatever may come under the keys of its client.
func FuzzHear(f *testing.F) {
	f.Add(marshal(f, received, described))
	f.Add(marshal(f, arrived))
	f.Add(marshal(f, manyDeltas()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if !reportParts(b, nil) {
			return
		}
		s := reported(t)
		s.hear(b, time.Now())
		got := s.slots()[0].reception()
		for rest := b; len(rest) > 0; {
			n := partSize(rest)
			for blocks := rest[reportHeader:n]; rest[1] == typeReceiverReport && len(blocks) > 0; blocks = blocks[reportBlock:] {
				if binary.BigEndian.Uint32(blocks) == 7 && got.At.IsZero() {
					t.Fatal("the slot did not hear of a report on it")
				}
			}
			rest = rest[n:]
		}
	})
}
