package model

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// program runs a program with input and returns what it writes. The test ends
// where there is no such program.
func program(t *testing.T, input []byte, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
	cmd := exec.Command(name, args...)
	cmd.Stdin = bytes.NewReader(input)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, complaints.String())
	}
	return out.Bytes()
}

func ffmpeg(t *testing.T, input []byte, args string) []byte {
	t.Helper()
	return program(t, input, "ffmpeg", strings.Fields("-hide_banner -loglevel error -threads 1 "+args)...)
}

// What is said is ours: nobody's text.
var spoken = []struct{ voice, text string }{
	{"en-gb+m3", "Good evening. I have been standing by this fountain for an hour, and I still hear every one of you from where you are. Come a little closer, please."},
	{"en-us+f2", "Can you tell me which way the market is? Somebody said left at the old tower, but there are two towers here, and both of them look rather old to me."},
}

// Making sound.bin takes espeak-ng and ffmpeg with libopus.
func TestGenerateSound(t *testing.T) {
	if !*generate {
		t.Skip("only with -generate")
	}
	out := []byte(soundMagic)
	for _, s := range spoken {
		wav := program(t, nil, "espeak-ng", "-v", s.voice, "-s", "165", "-p", "45", "--stdout", s.text)
		// Pauses go: a Talking makes them.
		out = appendSound(t, out, ffmpeg(t, wav, "-i - -af silenceremove=start_periods=1:start_threshold=-45dB:stop_periods=-1:stop_duration=0.08:stop_threshold=-45dB,volume=4dB"+
			" -ar 48000 -ac 1 -c:a libopus -b:a 32k -vbr on -application voip -frame_duration 20 -bitexact -f ogg -"))
	}
	out = appendSound(t, out, ffmpeg(t, melody(), "-f s16le -ar 48000 -ac 2 -i - -c:a libopus -b:a 96k -vbr constrained -application audio -frame_duration 20 -bitexact -f ogg -"))
	if err := os.WriteFile("sound.bin", out, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("sound.bin: %d bytes", len(out))
}

// melody is eight seconds of plucked chords with a bass, computed: no tune of
// anybody's. Samples are signed words of 16 bits, left and right.
func melody() (pcm []byte) {
	const rate, beat = 48000, 12000
	chords := [][]float64{{57, 60, 64, 69}, {53, 57, 60, 65}, {48, 55, 60, 64}, {55, 59, 62, 67}}
	sum := make([][2]float64, 8*rate)
	pluck := func(start int, note, pan, gain float64) {
		hz := 440 * math.Exp2((note-69)/12)
		for i := 0; i < 2*rate && start+i < len(sum); i++ {
			at := float64(i) / rate
			v := 0.0
			for k := 1.0; k <= 5; k++ {
				v += math.Sin(2*math.Pi*hz*k*at) * math.Exp(-at*(2+k*1.5)) / k
			}
			v *= gain * math.Min(1, at*400)
			sum[start+i][0] += v * math.Cos(pan*math.Pi/2)
			sum[start+i][1] += v * math.Sin(pan*math.Pi/2)
		}
	}
	for b := range 32 {
		chord := chords[b/8]
		pluck(b*beat, chord[[]int{0, 2, 1, 3, 2, 1, 3, 2}[b%8]]+12*float64(b/4%2), 0.2+0.6*float64(b%4)/3, 0.16)
		if b%4 == 0 {
			pluck(b*beat, chord[0]-24, 0.5, 0.3)
		}
	}
	for _, lr := range sum {
		for _, v := range lr {
			pcm = binary.LittleEndian.AppendUint16(pcm, uint16(int16(math.Max(-1, math.Min(1, v))*32000)))
		}
	}
	return pcm
}

// appendSound takes the packets out of an Ogg file (RFC 3533), but for the two
// of headers.
func appendSound(t *testing.T, out, ogg []byte) []byte {
	var packets [][]byte
	var open []byte
	for len(ogg) > 0 {
		if len(ogg) < 27 || string(ogg[:4]) != "OggS" {
			t.Fatal("no Ogg page")
		}
		lacing := ogg[27 : 27+int(ogg[26])]
		ogg = ogg[27+len(lacing):]
		for _, n := range lacing {
			open = append(open, ogg[:n]...)
			ogg = ogg[n:]
			if n < 255 {
				packets, open = append(packets, open), nil
			}
		}
	}
	packets = packets[2:]
	out = binary.BigEndian.AppendUint16(out, uint16(len(packets)))
	for _, p := range packets {
		out = binary.BigEndian.AppendUint16(out, uint16(len(p)))
		out = append(out, p...)
	}
	return out
}

const (
	filmFrames = 120
	filmHz     = 30
)

// Making film.bin takes ffmpeg with libvpx and libx264.
func TestGenerateFilm(t *testing.T) {
	if !*generate {
		t.Skip("only with -generate")
	}
	out := []byte(filmMagic)
	for _, width := range []int{320, 640, 1280} {
		picture := fmt.Sprintf("-f lavfi -i color=c=0x203040:s=%dx%d:r=%d:d=4 -f lavfi -i color=c=0xe8b040:s=%dx%d:r=%d:d=4 -filter_complex "+
			"[0][1]overlay=x='(W-w)*(0.5+0.5*cos(2*PI*t/4))':y='(H-h)*(0.5+0.5*sin(4*PI*t/4))' -frames:v %d -pix_fmt yuv420p ",
			width, width*9/16, filmHz, width/8, width/8, filmHz, filmFrames)
		ivf := ffmpeg(t, nil, picture+"-c:v libvpx -crf 40 -b:v 60k -qmin 30 -qmax 56 -g 1000 -keyint_min 1000 -auto-alt-ref 0 "+
			"-lag-in-frames 0 -deadline good -cpu-used 0 -f ivf -")
		out = appendFilm(out, 'v', width, fromIVF(ivf))
		avc := ffmpeg(t, nil, picture+"-c:v libx264 -profile:v baseline -level 3.1 -crf 40 -g 1000 -sc_threshold 0 -bf 0 -refs 1 "+
			"-x264-params slices=1:aud=1:repeat-headers=1 -f h264 -")
		out = appendFilm(out, 'h', width, fromAnnexB(avc))
	}
	if err := os.WriteFile("film.bin", out, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("film.bin: %d bytes", len(out))
}

func appendFilm(out []byte, codec byte, width int, frames [][]byte) []byte {
	out = append(out, codec, filmHz)
	out = binary.BigEndian.AppendUint16(out, uint16(width))
	out = binary.BigEndian.AppendUint16(out, uint16(len(frames)))
	for _, f := range frames {
		out = binary.BigEndian.AppendUint16(out, uint16(len(f)))
		out = append(out, f...)
	}
	return out
}

func fromIVF(ivf []byte) (frames [][]byte) {
	for rest := ivf[32:]; len(rest) > 0; {
		n := binary.LittleEndian.Uint32(rest)
		frames, rest = append(frames, rest[12:12+n]), rest[12+n:]
	}
	return frames
}

// fromAnnexB splits a stream at its access unit delimiters, which go, as do
// the encoder's remarks (SEI).
func fromAnnexB(stream []byte) (frames [][]byte) {
	for _, nal := range bytes.Split(bytes.ReplaceAll(stream, []byte{0, 0, 0, 1}, []byte{0, 0, 1}), []byte{0, 0, 1})[1:] {
		switch nal[0] & 0x1f {
		case 9:
			frames = append(frames, nil)
		case 6:
		default:
			last := len(frames) - 1
			frames[last] = append(append(frames[last], 0, 0, 0, 1), nal...)
		}
	}
	return frames
}
