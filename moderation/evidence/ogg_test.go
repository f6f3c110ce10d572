package evidence

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// demux reads an Ogg file as RFC 3533 says, checking what WriteOgg does not
// share with it: the sum bit by bit, the order of pages, the granule positions.
func demux(t *testing.T, file []byte) (packets [][]byte, samples uint64) {
	t.Helper()
	var packet []byte
	for number := uint32(0); len(file) > 0; number++ {
		if len(file) < 27 || string(file[:4]) != "OggS" || len(file) < 27+int(file[26]) {
			t.Fatalf("page %d is none", number)
		}
		lacing := file[27 : 27+int(file[26])]
		size := 27 + len(lacing)
		for _, n := range lacing {
			size += int(n)
		}
		page := bytes.Clone(file[:size])
		want := binary.LittleEndian.Uint32(page[22:])
		clear(page[22:26])
		if got := oggSum(page); got != want {
			t.Errorf("page %d: sum %08x, want %08x", number, want, got)
		}
		if got := binary.LittleEndian.Uint32(page[18:]); got != number {
			t.Errorf("page %d says %d", number, got)
		}
		if first := page[5]&2 != 0; first != (number == 0) {
			t.Errorf("page %d: flags %d", number, page[5])
		}
		if last := page[5]&4 != 0; last != (size == len(file)) {
			t.Errorf("page %d: flags %d, %d bytes follow", number, page[5], len(file)-size)
		}
		at := 27 + len(lacing)
		for _, n := range lacing {
			packet = append(packet, page[at:at+int(n)]...)
			if at += int(n); n < 255 {
				packets, packet = append(packets, packet), nil
			}
		}
		samples = binary.LittleEndian.Uint64(page[6:])
		file = file[size:]
	}
	return packets, samples
}

// oggSum is the sum of RFC 3533, section 6, as it is defined: bit by bit.
func oggSum(data []byte) (crc uint32) {
	for _, c := range data {
		for bit := 7; bit >= 0; bit-- {
			high := crc>>31 != uint32(c>>bit&1)
			if crc <<= 1; high {
				crc ^= 0x04c11db7
			}
		}
	}
	return crc
}

// spoken returns the packets of a file that libopus made, as they would come,
// and how many samples each has.
func spoken(t *testing.T, name string, step uint32) (packets []Packet) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", "..", "spatialaudio", "opus", "testdata", name+".opus"))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := demux(t, file)
	for i, opus := range raw[2:] {
		packets = append(packets, Packet{
			Seq: uint16(65530 + i), Timestamp: 0xffffff00 + uint32(i)*step,
			At: start.Add(time.Duration(i) * time.Duration(step) * time.Second / sampleRate), Opus: opus,
		})
	}
	return packets
}

func muxed(t *testing.T, packets []Packet) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteOgg(&b, packets); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOggRoundTrip(t *testing.T) {
	for _, tc := range []struct {
		name     string
		step     uint32
		channels byte
	}{{"silk-mono-12k", 960, 1}, {"silk-mono-60ms", 2880, 1}, {"hybrid-mono-32k", 960, 1}, {"celt-stereo-64k", 960, 2}} {
		packets := spoken(t, tc.name, tc.step)
		got, samples := demux(t, muxed(t, packets))
		if len(got) < 2 {
			t.Fatalf("%s: %d packets", tc.name, len(got))
		}
		for len(got) > 2 && len(got[2]) == 1 {
			got = slices.Delete(got, 2, 3)
		}
		if len(got) != len(packets)+2 || !bytes.HasPrefix(got[0], []byte("OpusHead\x01")) || got[0][9] != tc.channels || !bytes.HasPrefix(got[1], []byte("OpusTags")) {
			t.Fatalf("%s: %d packets, head %q", tc.name, len(got), got[0])
		}
		for i, p := range packets {
			if !bytes.Equal(got[i+2], p.Opus) {
				t.Errorf("%s: packet %d differs", tc.name, i)
			}
		}
		// opusenc ends with a shorter packet
		if want := uint64(len(packets)-1)*uint64(tc.step) + uint64(duration(packets[len(packets)-1].Opus)); samples-preSkip != want {
			t.Errorf("%s: %d samples, want %d", tc.name, samples, want)
		}
	}
}

// What is lost, doubled, out of order or from another session leaves a file of
// the right length.
func TestOggGaps(t *testing.T) {
	all := spoken(t, "hybrid-mono-32k", 960)
	want := uint64(len(all)) * 960
	check := func(name string, packets []Packet, want uint64, empty int) {
		t.Helper()
		got, samples := demux(t, muxed(t, packets))
		n := 0
		for _, p := range got[2:] {
			if len(p) == 1 {
				n++
			}
		}
		if len(got) > 2 {
			samples, n = samples-preSkip, n-4
		}
		if samples != want || n != empty {
			t.Errorf("%s: %d samples with %d empty packets, want %d with %d", name, samples, n, want, empty)
		}
	}
	check("whole", all, want, 0)
	check("lost", slices.Delete(slices.Clone(all), 5, 10), want, 5)
	twice := append(slices.Clone(all[:10]), all[3:]...)
	check("twice", twice, want, 0)
	mixed := slices.Clone(all)
	for i := 2; i+3 < len(mixed); i += 4 {
		mixed[i], mixed[i+1] = mixed[i+1], mixed[i]
	}
	check("out of order", mixed, want, 0)
	other := slices.Clone(all)
	for i := 20; i < len(other); i++ {
		other[i].Timestamp += 1 << 30 // a new session, at the same time
	}
	check("another session", other, want, 0)
	short := slices.Clone(all)
	for i := 20; i < len(short); i++ {
		short[i].Timestamp += 120 + 60 // 2.5 ms and a bit
	}
	check("a little late", short, want+120, 1)
	made := slices.Clone(all)
	for i := range made {
		made[i].Timestamp = uint32(i) * 90_000 // each as late as it may be
	}
	if _, samples := demux(t, muxed(t, made)); samples > want+2*uint64(samplesOf(maxDrift)) {
		t.Errorf("made up timestamps: %d samples", samples)
	}
	check("none", nil, 0, 0)
	check("no Opus", []Packet{{Opus: nil}, {Opus: []byte{3}}, {Opus: []byte{1, 2}}, {Opus: make([]byte, maxPacket+1)}}, 0, 0)
}

func samplesOf(d time.Duration) int64 { return samples(d) }

// libopus reads what WriteOgg wrote, and hears the same as in the original.
func TestOggTools(t *testing.T) {
	for _, tool := range []string{"opusinfo", "opusdec"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed (Debian: opus-tools)", tool)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"silk-mono-12k", "hybrid-mono-32k", "celt-stereo-64k"} {
		original := filepath.Join("..", "..", "spatialaudio", "opus", "testdata", name+".opus")
		packets := spoken(t, name, 960)
		ours := filepath.Join(dir, name+".opus")
		if err := os.WriteFile(ours, muxed(t, packets), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("opusinfo", ours).CombinedOutput()
		if err != nil || strings.Contains(strings.ToUpper(string(out)), "WARNING") {
			t.Errorf("opusinfo: %v\n%s", err, out)
		}
		a, b := decoded(t, original), decoded(t, ours)
		frame := 2
		if name == "celt-stereo-64k" {
			frame = 4
		}
		const skip = 312 // the pre-skip of the original
		if len(b) < len(a)+skip*frame || !bytes.Equal(a, b[skip*frame:][:len(a)]) {
			t.Errorf("%s sounds different: %d and %d bytes", name, len(a), len(b))
		}
		lost := slices.Delete(slices.Clone(packets), 8, 12)
		if err := os.WriteFile(ours, muxed(t, lost), 0o600); err != nil {
			t.Fatal(err)
		}
		if c := decoded(t, ours); len(c) != len(b) {
			t.Errorf("%s with four packets lost: %d bytes, want %d", name, len(c), len(b))
		}
		if out, err := exec.Command("opusinfo", ours).CombinedOutput(); err != nil || strings.Contains(strings.ToUpper(string(out)), "WARNING") {
			t.Errorf("opusinfo with four packets lost: %v\n%s", err, out)
		}
	}
}

func decoded(t *testing.T, path string) []byte {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "out.raw")
	if out, err := exec.Command("opusdec", "--quiet", "--no-dither", "--rate", "48000", path, raw).CombinedOutput(); err != nil {
		t.Fatalf("opusdec %s: %v\n%s", path, err, out)
	}
	data, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Packets come from speakers: whatever they send, the file is a right one and
// no longer than the window and the drift allow.
func FuzzOgg(f *testing.F) {
	f.Add([]byte{0xfc, 0xff, 0xfe}, uint64(1))
	f.Add([]byte{0x00}, uint64(2))
	f.Fuzz(func(t *testing.T, opus []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		var packets []Packet
		for i := range 40 {
			n := r.IntN(len(opus) + 1)
			packets = append(packets, Packet{uint16(r.Uint32()), r.Uint32() >> r.IntN(32), start.Add(time.Duration(i*r.IntN(40)) * time.Millisecond), opus[n:]})
		}
		if _, samples := demux(t, muxed(t, packets)); samples > 10*sampleRate {
			t.Errorf("%d samples", samples)
		}
	})
}
