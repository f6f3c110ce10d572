package peer

import (
	"errors"
	"strings"
	"testing"

	"earshot"
)

func TestParseCells(t *testing.T) {
	cells, err := ParseCells("audio:10x50, video:1x100:720p,video:5x50,mixed:10x40")
	want := []Cell{{Audio, 10, 50, ""}, {Video, 1, 100, "720p"}, {Video, 5, 50, ""}, {Mixed, 10, 40, ""}}
	if err != nil || len(cells) != len(want) {
		t.Fatalf("%v, %v", cells, err)
	}
	for i := range want {
		if cells[i] != want[i] {
			t.Errorf("cell %d is %v, want %v", i, cells[i], want[i])
		}
	}
	if s := want[1].String(); s != "video:1x100:720p" {
		t.Errorf("a cell with a picture is written %q", s)
	}
	if s := want[3].streams(); s != 1 {
		t.Errorf("who listens to a mix gets %d streams, want 1", s)
	}
	for text, says := range map[string]string{
		"": "no colon", "audio": "no colon", "smell:1x1": "medium", "audio:10": "size", "audio:ax5": "size", "audio:0x5": "talkers",
		"audio:33x5": "slots", "video:9x5": "slots", "audio:1x0": "listeners", "audio:1x5000": "1000",
		"video:1x5:999p": "720p", "audio:1x5:720p": "of video", "video:1x5:": "720p",
	} {
		_, err := ParseCells(text)
		var e *earshot.Error
		if !errors.As(err, &e) || e.Code != earshot.CodeInvalidArgument || !strings.Contains(e.Message, says) || !strings.Contains(e.Message, "audio:10x50") {
			t.Errorf("ParseCells(%q): %v, want one that says %q", text, err, says)
		}
	}
}
