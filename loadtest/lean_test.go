package loadtest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// twoRecords is both ends of a DTLS connection that has shaken hands.
func twoRecords(t testing.TB) (client, server *records) {
	key := make([]byte, 16)
	rand.Read(key)
	pool := &sync.Pool{New: func() any { b := make([]byte, 0, laneMTU); return &b }}
	end := func() *records {
		in, err := newGCM(key)
		if err != nil {
			t.Fatal(err)
		}
		out, err := newGCM(key)
		if err != nil {
			t.Fatal(err)
		}
		return &records{inbox: newInbox(pool), in: in, out: out, inEpoch: 1, epoch: 1, next: 1}
	}
	client, server = end(), end()
	client.send = func(b []byte) error { server.inbox.put(b); return nil }
	server.send = func(b []byte) error { client.inbox.put(b); return nil }
	return client, server
}

func TestRecordsCarryEachOnce(t *testing.T) {
	client, server := twoRecords(t)
	var wire [][]byte
	client.send = func(b []byte) error { wire = append(wire, bytes.Clone(b)); return nil }
	for _, text := range []string{"one", "two", "three"} {
		if _, err := client.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	client.farewell()
	forged := bytes.Clone(wire[1])
	forged[len(forged)-1] ^= 1
	// Late, twice, forged, two in one datagram, cut off, and the end.
	for _, b := range [][]byte{forged, wire[2], wire[0], wire[2], {}, {23}, wire[1][:20], append(bytes.Clone(wire[0]), wire[1]...), wire[3]} {
		server.inbox.put(b)
	}
	buf := make([]byte, 100)
	for _, want := range []string{"three", "one", "two"} {
		n, err := server.Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Errorf("Read = %q, %v, want %q", buf[:n], err, want)
		}
	}
	if _, err := server.Read(buf); !errors.Is(err, io.EOF) {
		t.Errorf("Read after the farewell = %v, want the end", err)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte{23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 25})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, server := twoRecords(t)
		server.rest = b
		for len(server.rest) > 0 {
			if _, _, ok := server.open(); ok {
				t.Error("a record was taken that nobody sealed")
			}
		}
	})
}

func TestReadAnswer(t *testing.T) {
	d := &description{microphone: 1, slots: 2, video: 1}
	a, err := d.readAnswer("v=0\r\na=fingerprint:sha-256 AB\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n" +
		"m=audio 9 x 111\r\na=extmap:3 " + levelURI + "\r\na=candidate:1 1 udp 5 192.0.2.1 7 typ host\r\na=candidate:1 2 udp 5 192.0.2.1 7 typ host\r\n" +
		"m=audio 9 x 111\r\na=ssrc:10 cname:x\r\na=ssrc:10 msid:x y\r\nm=audio 9 x 111\r\na=ssrc:11 cname:x\r\n" +
		"m=video 9 x 96\r\na=ssrc:12 cname:x\r\nm=application 9 x\r\na=ssrc:13 cname:x\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(a.candidates) != 1 || a.candidates[0] != netip.MustParseAddrPort("192.0.2.1:7") || a.level != 3 {
		t.Errorf("candidates %v, level %d", a.candidates, a.level)
	}
	want := map[uint32]slotLine{10: {voiceLine, 0}, 11: {voiceLine, 1}, 12: {videoLine, 0}}
	if len(a.slots) != len(want) {
		t.Errorf("slots = %v, want %v", a.slots, want)
	}
	for ssrc, slot := range want {
		if a.slots[ssrc] != slot {
			t.Errorf("slot of SSRC %d = %v, want %v", ssrc, a.slots[ssrc], slot)
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add("a=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AB\r\na=candidate:1 1 udp 5 192.0.2.1 7 typ host\r\nm=audio\r\na=ssrc:1")
	f.Fuzz(func(t *testing.T, sdp string) {
		d := &description{slots: 2}
		if a, err := d.readAnswer(sdp); err == nil && (len(a.candidates) == 0 || len(a.candidates) > maxCandidates || a.ufrag == "") {
			t.Errorf("readAnswer = %+v", a)
		}
	})
}

func FuzzVideoPayload(f *testing.F) {
	f.Add(appendMark([]byte{0x90, 0x80, 0x80}, VideoMark{Bot: 1, At: time.Unix(1, 2)}))
	f.Add([]byte{0x7c, 0x85})
	f.Fuzz(func(t *testing.T, b []byte) {
		firstVP8(b)
		keyH264(b)
		if m, ok := readMark(b); ok {
			if again, ok := readMark(appendMark(nil, m)); !ok || again != m {
				t.Errorf("round trip of %+v = %+v, %v", m, again, ok)
			}
		}
	})
}

func TestMissingAsksThenGivesUp(t *testing.T) {
	var m missing
	start := time.Unix(100, 0)
	m.gap(65534, 1, start) // 65535 and 0 are lost
	asked := 0
	now := start
	for range 10 {
		packets, key, next := m.ask(now)
		asked += len(packets)
		if key {
			break
		}
		if next.IsZero() {
			t.Fatal("nothing more is asked for, and no key frame")
		}
		now = next
	}
	if want := 2 * repairTries; asked != want || len(m.packets) != 0 {
		t.Errorf("asked for %d packets, %d still missing, want %d and 0", asked, len(m.packets), want)
	}
	m.gap(1, 3, now)
	m.gap(3, 2, now) // it came
	if packets, _, _ := m.ask(now); len(packets) != 0 {
		t.Errorf("asked for %v, which came", packets)
	}
}
