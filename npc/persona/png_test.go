package persona

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite-golden", false, "write the golden cards in testdata anew")

// golden returns a file of testdata, or writes it first. Tests judge what is
// in it, not its bytes: how well Go compresses may change.
func golden(t *testing.T, name string, fresh []byte) []byte {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile("testdata/"+name, fresh, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// portrait is a small picture without text chunks.
func portrait(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	picture := image.NewRGBA(image.Rect(0, 0, 4, 4))
	picture.Set(1, 1, color.RGBA{200, 120, 40, 255})
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func rawChunk(kind, data string) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	out = append(out, kind+data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE([]byte(kind+data)))
}

// withChunks puts chunks before the end of a picture.
func withChunks(picture []byte, chunks ...[]byte) []byte {
	end := len(picture) - 12
	return join(picture[:end], join(chunks...), picture[end:])
}

func TestGoldenCards(t *testing.T) {
	for name, text := range map[string]string{"v2": oddV2, "v3": oddV3} {
		card := mustCard(t, text)
		packed, err := WritePNG(withChunks(portrait(t), rawChunk("tEXt", "Software\x00tests")), card)
		if err != nil {
			t.Fatal(err)
		}
		for format, fresh := range map[Format][]byte{FormatJSON: card.JSON(), FormatPNG: packed} {
			file := golden(t, "card-"+name+"."+string(format), fresh)
			back, told, err := ReadCard(file)
			if err != nil || told != format || string(back.JSON()) != text {
				t.Errorf("card-%s.%s read as %s: %v", name, format, told, err)
			}
		}
	}
}

func TestPNGKeepsOtherChunks(t *testing.T) {
	v2, v3 := mustCard(t, oddV2), mustCard(t, oddV3)
	other := rawChunk("tEXt", "Comment\x00keep me")
	both := withChunks(portrait(t), cardChunk(v2), other, cardChunk(v3))
	if got, err := ReadPNG(both); err != nil || got.Version() != CardV3 {
		t.Fatalf("of two cards V%d %v, want the V3 one", got.Version(), err)
	}
	if same, err := WritePNG(both, v3); err != nil || !bytes.Equal(same, both) {
		t.Errorf("writing the same card changed the file: %v", err)
	}
	edited := mustCard(t, strings.Replace(oddV3, "hi", "hello", 1))
	out, err := WritePNG(both, edited)
	if want := withChunks(portrait(t), other, cardChunk(edited)); err != nil || !bytes.Equal(out, want) {
		t.Errorf("edited: %v; want the V2 copy gone, the V3 card replaced, the rest as it was", err)
	}
	if _, err := png.Decode(bytes.NewReader(out)); err != nil {
		t.Errorf("not a picture any more: %v", err)
	}
}

func TestPNGRefused(t *testing.T) {
	picture, card := portrait(t), mustCard(t, oddV2)
	whole := withChunks(picture, cardChunk(card))
	damaged := bytes.Clone(whole)
	damaged[len(damaged)-40] ^= 1
	liar := bytes.Clone(picture)
	binary.BigEndian.PutUint32(liar[8:], 1<<31-1)
	for _, tc := range []struct {
		name, want string
		file       []byte
	}{
		{"no card", "without a character card", picture},
		{"no PNG", "signature", []byte("GIF89a")},
		{"cut off", "cut off", whole[:len(whole)-12]},
		{"damaged", "checksum", damaged},
		{"lies about its length", "more than there are", liar},
		{"no IHDR", "IHDR", append(bytes.Clone(pngSignature), rawChunk("tEXt", "x")...)},
		{"no base64", "base64", withChunks(picture, rawChunk("tEXt", "chara\x00!!!"))},
		{"no JSON", "not JSON", withChunks(picture, rawChunk("tEXt", "chara\x00"+base64.StdEncoding.EncodeToString([]byte("{"))))},
		{"large card", "too many", withChunks(picture, rawChunk("tEXt", "chara\x00"+strings.Repeat("A", 2*MaxCard)))},
		{"many chunks", "chunks", withChunks(picture, bytes.Repeat(rawChunk("tEXt", "a\x00"), maxChunks))},
		{"large", "at most", make([]byte, MaxPNG+1)},
	} {
		if _, err := ReadPNG(tc.file); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.name, err, tc.want)
		}
	}
}
