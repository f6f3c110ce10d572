package egress

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"pgregory.net/rapid"
)

func testKeys() (key, salt []byte) {
	return bytes.Repeat([]byte{7}, keySize), bytes.Repeat([]byte{9}, saltSize)
}

func testContext(t testing.TB) *Context {
	t.Helper()
	c, err := newContext(testKeys())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The derivation gives the vectors of RFC 3711, appendix B.3.
func TestDerive(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key, salt := unhex("E1F97A0D3E018BE0D64FA32C06DE4139"), unhex("0EC675AD498AFEEBB6960B3AABE6")
	for _, tc := range []struct {
		label byte
		want  string
	}{
		{labelKey, "C61E7A93744F39EE10734AFE3FF7A087"},
		{labelSalt, "30CBBC08863D8C85D49DB34A9AE1"},
	} {
		want := unhex(tc.want)
		got := make([]byte, len(want))
		if err := derive(got, tc.label, key, salt); err != nil || !bytes.Equal(got, want) {
			t.Errorf("derive(label %d) = %x, %v, want %x", tc.label, got, err, want)
		}
	}
}

// What a Stream seals over three turns of the sequence number, pion opens.
func TestPionOpensWhatIsSealed(t *testing.T) {
	key, salt := testKeys()
	remote, err := srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm)
	if err != nil {
		t.Fatal(err)
	}
	s := testContext(t).Stream(0xfeed, VoiceWindow)
	buffer := make([]byte, 1500)
	for i := range 3 * 65536 / 50 {
		h := Header{Timestamp: uint32(i), Seq: uint16(65000 + 50*i), PayloadType: 111, Marker: i%3 == 0}
		head := headerSize
		if i%2 == 0 {
			h.NumberID, h.Number = 5, uint16(i)
			head += numberSize
		}
		payload := []byte{byte(i), byte(i >> 8), 3}
		n := s.seal(buffer, h, payload)
		if want := head + len(payload) + tagSize; n != want {
			t.Fatalf("seal(packet %d) = %d bytes, want %d", i, n, want)
		}
		var header rtp.Header
		plain, err := remote.DecryptRTP(nil, buffer[:n], &header)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if !bytes.Equal(plain[head:], payload) || header.SSRC != 0xfeed || header.SequenceNumber != h.Seq ||
			header.Timestamp != h.Timestamp || header.PayloadType != 111 || header.Marker != h.Marker {
			t.Fatalf("packet %d arrived as %v %x, want %v %x", i, header, plain[head:], h, payload)
		}
		if got := header.GetExtension(5); (h.NumberID != 0) != (len(got) == 2 && binary.BigEndian.Uint16(got) == h.Number) {
			t.Fatalf("packet %d has the number %x, want %d", i, got, h.Number)
		}
	}
}

// Whatever is asked of a Stream, a nonce is never used for two plaintexts, and
// what came in its window in order is sent.
func TestNoNonceTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		context, err := newContext(testKeys())
		if err != nil {
			t.Fatal(err)
		}
		s := context.Stream(1, VoiceWindow)
		used := map[[saltSize]byte]string{}
		buffer := make([]byte, 100)
		seq := rapid.Uint16().Draw(t, "first")
		for range rapid.IntRange(1, 300).Draw(t, "packets") {
			seq += uint16(rapid.OneOf(rapid.IntRange(-3, 5), rapid.IntRange(-70, 500), rapid.IntRange(-40000, 40000)).Draw(t, "step"))
			payload := []byte{byte(rapid.IntRange(0, 1).Draw(t, "text"))}
			n := s.seal(buffer, Header{Seq: seq}, payload)
			if n == 0 {
				continue
			}
			was, again := used[s.nonce]
			if again && was != string(buffer[:n]) {
				t.Fatalf("nonce %x was used for two packets", s.nonce)
			}
			used[s.nonce] = string(buffer[:n])
		}
	})
}

func TestStreamRefuses(t *testing.T) {
	buffer := make([]byte, 100)
	for _, tc := range []struct {
		name  string
		do    func(s *Stream) int
		sends bool
	}{
		{"repair", func(s *Stream) int { return s.seal(buffer, Header{Seq: 105}, []byte("text 105")) }, true},
		{"repair with another payload", func(s *Stream) int { return s.seal(buffer, Header{Seq: 105}, []byte("other")) }, false},
		{"repair with another marker", func(s *Stream) int { return s.seal(buffer, Header{Seq: 105, Marker: true}, []byte("text 105")) }, false},
		{"late but never sent", func(s *Stream) int { return s.seal(buffer, Header{Seq: 150}, []byte("late")) }, true},
		{"older than it remembers", func(s *Stream) int { return s.seal(buffer, Header{Seq: 99}, []byte("old")) }, false},
	} {
		s := testContext(t).Stream(1, VoiceWindow)
		for seq := uint16(100); seq <= 160; seq++ {
			if seq != 150 {
				s.seal(buffer, Header{Seq: seq}, []byte("text "+string([]byte{'0' + byte(seq/100), '0' + byte(seq/10%10), '0' + byte(seq%10)})))
			}
		}
		s.seal(buffer, Header{Seq: 99 + VoiceWindow}, nil)
		clear(buffer)
		if got := tc.do(s) > 0; got != tc.sends {
			t.Errorf("%s: sent %v, want %v", tc.name, got, tc.sends)
		}
		if !tc.sends && !bytes.Equal(buffer, make([]byte, len(buffer))) {
			t.Errorf("%s: left %x behind", tc.name, buffer)
		}
	}
	// Before the first packet there is nothing.
	s := testContext(t).Stream(1, VoiceWindow)
	s.seal(buffer, Header{Seq: 3}, nil)
	if s.seal(buffer, Header{Seq: 65535}, nil) != 0 {
		t.Error("a packet before index 0 was sent")
	}
}

func TestSealDoesNotAllocate(t *testing.T) {
	s := testContext(t).Stream(1, VideoWindow)
	buffer, payload := make([]byte, 1500), make([]byte, 1100)
	seq := uint16(0)
	if n := testing.AllocsPerRun(1000, func() {
		seq++
		if s.seal(buffer, Header{Seq: seq}, payload) == 0 {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, size := range []int{80, 1100} {
		b.Run(map[int]string{80: "voice", 1100: "video"}[size], func(b *testing.B) {
			s := testContext(b).Stream(1, VideoWindow)
			buffer, payload := make([]byte, 1500), make([]byte, size)
			seq := uint16(rand.Uint32())
			b.ReportAllocs()
			for b.Loop() {
				seq++
				s.seal(buffer, Header{Seq: seq}, payload)
			}
		})
	}
}
