package voice

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

// talk returns n packets of a tone of 20 ms each, from a number and a time near
// their ends, so that both wrap.
func talkPackets(t testing.TB, n int) (packets []Packet) {
	enc, err := pcmCodecs.Encoder()
	if err != nil {
		t.Fatal(err)
	}
	pcm := tone(Rate, n*FrameSamples, 400, 0.9)
	for i := range n {
		opus, err := enc.Encode(nil, pcm[i*FrameSamples:][:FrameSamples])
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, Packet{Seq: 65530 + uint16(i), Timestamp: 0xffffff00 + uint32(i)*FrameSamples, Opus: opus})
	}
	return packets
}

func assemble(t testing.TB, packets []Packet) *Clip {
	t.Helper()
	c, err := Assemble(packets, pcmCodecs)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const frame16 = ClipRate / 50

func TestAssembleOrders(t *testing.T) {
	packets := talkPackets(t, 50)
	want := assemble(t, packets)
	if len(want.PCM) != 50*frame16 || want.Lost != 0 {
		t.Fatalf("%d samples, %d lost, want %d and 0", len(want.PCM), want.Lost, 50*frame16)
	}
	mixed := slices.Clone(packets)
	for i := 0; i+3 < len(mixed); i += 4 { // three late, one twice
		mixed[i], mixed[i+3] = mixed[i+3], mixed[i]
		mixed = append(mixed, mixed[i+1])
	}
	if got := assemble(t, mixed); !slices.Equal(got.PCM, want.PCM) || got.Lost != 0 {
		t.Errorf("out of order and doubled: %d samples, %d lost, want the same clip", len(got.PCM), got.Lost)
	}
}

// What is lost keeps its time: short loss is made up, long loss and pauses are
// silence.
func TestAssembleFillsGaps(t *testing.T) {
	for name, c := range map[string]struct {
		lose      []int // of 50
		pause     time.Duration
		lost      int
		conceal   int // samples
		recovered int
		silent    int
	}{
		"one lost":       {[]int{10}, 0, 1, 0, frame16, 0},
		"two lost":       {[]int{10, 11}, 0, 2, frame16, frame16, 0},
		"five lost":      {[]int{10, 11, 12, 13, 14}, 0, 5, 3 * frame16, 0, 2 * frame16},
		"pause":          {nil, 400 * time.Millisecond, 0, 0, 0, 20 * frame16},
		"long pause":     {nil, time.Minute, 0, 0, 0, ClipRate},
		"pause and loss": {[]int{20}, 400 * time.Millisecond, 1, 0, frame16, 20 * frame16},
	} {
		packets := talkPackets(t, 50)
		for i := 20; i < 50; i++ { // the pause is before packet 20
			packets[i].Timestamp += uint32(c.pause.Milliseconds() * 48)
		}
		for _, i := range slices.Backward(c.lose) {
			packets = slices.Delete(packets, i, i+1)
		}
		clip := assemble(t, packets)
		count := func(v int16) (n int) {
			for _, s := range clip.PCM {
				if s == v {
					n++
				}
			}
			return n
		}
		if clip.Lost != c.lost || len(clip.PCM) != 50*frame16+min(ClipRate, int(c.pause.Seconds()*ClipRate)) {
			t.Errorf("%s: %d lost, %d samples", name, clip.Lost, len(clip.PCM))
		}
		if k, r, z := count(concealed*32768), count(recovered*32768), count(0); k < c.conceal || r < c.recovered || z < c.silent || c.recovered == 0 && r > 100 {
			t.Errorf("%s: %d samples concealed, %d recovered, %d silent, want %d, %d, %d", name, k, r, z, c.conceal, c.recovered, c.silent)
		}
	}
}

func TestAssembleSurvives(t *testing.T) {
	good := talkPackets(t, 10)
	broken := slices.Clone(good)
	broken[4].Opus = []byte("garbage")
	broken[6].Opus = nil
	if clip := assemble(t, broken); clip.Broken != 1 || clip.Lost != 1 || len(clip.PCM) != 10*frame16 {
		t.Errorf("broken: %d broken, %d lost, %d samples, want 1, 1, %d", clip.Broken, clip.Lost, len(clip.PCM), 10*frame16)
	}
	for name, packets := range map[string][]Packet{
		"none": nil, "garbage alone": {{1, 1, []byte("x")}}, "empty": {{1, 1, nil}},
	} {
		if clip := assemble(t, packets); len(clip.PCM) != 0 {
			t.Errorf("%s: %d samples", name, len(clip.PCM))
		}
	}
	if clip := assemble(t, talkPackets(t, 2000)); clip.Duration() > MaxClip {
		t.Errorf("40 s became a clip of %v", clip.Duration())
	}
	if pcm, rate, err := readAll(bytes.NewReader(assemble(t, good).WAV()), Format{}); err != nil || rate != ClipRate || len(pcm) != 10*frame16 {
		t.Errorf("WAV: %d samples at %d, %v", len(pcm), rate, err)
	}
}

// FuzzAssemble: whatever numbers, times and bytes packets have, a clip is at
// most 30 s and nothing panics.
func FuzzAssemble(f *testing.F) {
	f.Add([]byte("p1234567890p123456789012345678901234567890"), uint8(4))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		var packets []Packet
		for n := int(size%40) + 7; len(b) >= n; b = b[n:] {
			packets = append(packets, Packet{uint16(b[0])<<8 | uint16(b[1]), uint32(b[2])<<24 | uint32(b[3])<<12 | uint32(b[4]), b[5:n]})
		}
		if clip := assemble(t, packets); clip.Duration() > MaxClip {
			t.Fatalf("a clip of %v", clip.Duration())
		}
	})
}
