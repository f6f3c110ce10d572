package persona

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"earshot"
)

// zipOf packs name and content pairs with no check whatever.
func zipOf(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		f, err := w.Create(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCharxRoundTrip(t *testing.T) {
	x := &Charx{Card: mustCard(t, oddV3), cardAt: 1, Assets: []Asset{
		{Path: "assets/icon/images/main.png", Data: portrait(t), Stored: true},
		{Path: "module.risum", Data: []byte{0, 1, 2}},
	}}
	file, err := x.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ReadCharx(golden(t, "card-v3.charx", file))
	if err != nil {
		t.Fatal(err)
	}
	if string(back.Card.JSON()) != oddV3 || back.cardAt != 1 || len(back.Assets) != 2 {
		t.Fatalf("read back %+v", back)
	}
	for i, a := range back.Assets {
		if a.Path != x.Assets[i].Path || !bytes.Equal(a.Data, x.Assets[i].Data) || a.Stored != x.Assets[i].Stored {
			t.Errorf("asset %d: %+v, want %+v", i, a, x.Assets[i])
		}
	}
	if again, err := back.Encode(); err != nil || !bytes.Equal(again, file) {
		t.Errorf("packed again: %v, or other bytes", err)
	}
}

func TestCharxRefused(t *testing.T) {
	many := make([]string, 0, 2*maxEntries+4)
	for i := range maxEntries + 1 {
		many = append(many, strings.Repeat("a", 1+i%200)+"/"+strings.Repeat("b", 1+i/200), "")
	}
	for _, tc := range []struct {
		name, want string
		file       []byte
	}{
		{"no card", "without card.json", zipOf(t, "readme", "x")},
		{"card elsewhere", "without card.json", zipOf(t, "a/card.json", oddV3)},
		{"traversal", "not a path inside", zipOf(t, "card.json", oddV3, "../../etc/passwd", "x")},
		{"traversal inside", "not a path inside", zipOf(t, "card.json", oddV3, "a/../../b", "x")},
		{"absolute", "not a path inside", zipOf(t, "card.json", oddV3, "/etc/passwd", "x")},
		{"drive", "not a path inside", zipOf(t, "card.json", oddV3, "C:x", "x")},
		{"backslash", "not a path inside", zipOf(t, "card.json", oddV3, `..\x`, "x")},
		{"control", "not a path inside", zipOf(t, "card.json", oddV3, "a\x00b", "x")},
		{"twice", "two entries", zipOf(t, "card.json", oddV3, "a/x", "1", "A/x", "2")},
		{"bad card", "not JSON", zipOf(t, "card.json", "{")},
		{"large card", "unpacks to more", zipOf(t, "card.json", strings.Repeat(" ", MaxCard+1))},
		{"many", "entries", zipOf(t, many...)},
		{"no zip", "not a readable zip", []byte("PK\x03\x04 and then nothing")},
		{"picture in front", "begin as a zip", append(portrait(t), zipOf(t, "card.json", oddV3)...)},
	} {
		if _, err := ReadCharx(tc.file); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.name, err, tc.want)
		}
	}
}

func TestCharxLinkRefused(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "link"}
	header.SetMode(fs.ModeSymlink | 0o777)
	if f, err := w.CreateHeader(header); err != nil {
		t.Fatal(err)
	} else if _, err := f.Write([]byte("/etc/passwd")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadCharx(b.Bytes()); err == nil || !strings.Contains(err.Error(), "neither file nor folder") {
		t.Errorf("link: %v", err)
	}
}

// A zip that unpacks to more than the limit is refused by what comes out,
// whether one entry or all together are too much, and whatever headers say.
func TestZipBomb(t *testing.T) {
	zeros := strings.Repeat("\x00", 1<<20)
	bomb := zipOf(t, "card.json", oddV3, "a", zeros, "b", zeros, "c", zeros)
	if len(bomb) > 8<<10 {
		t.Fatalf("bomb of %d bytes, want a small one", len(bomb))
	}
	archive, err := zip.NewReader(bytes.NewReader(bomb), int64(len(bomb)))
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int64{1 << 20, 5 << 19, 3 << 20} {
		if _, err := unpack(archive, limit); earshot.CodeOf(err) != earshot.CodeResourceExhausted {
			t.Errorf("of 3 MiB and a card with a limit of %d: %v", limit, err)
		}
	}
	if _, err := unpack(archive, 3<<20+4<<10); err != nil {
		t.Errorf("what fits: %v", err)
	}
	if _, err := unpackEntry(archive.File[1], 1<<20-1); earshot.CodeOf(err) != earshot.CodeResourceExhausted {
		t.Errorf("one entry over its limit: %v", err)
	}
}
