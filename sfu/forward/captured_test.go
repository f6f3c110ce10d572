package forward

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
)

// captured is one packet that Chromium 156 sent: its mode, codec, marker,
// dependency descriptor and the first bytes of its payload.
type captured struct {
	mode, codec       string
	marker            bool
	descriptor, begin []byte
}

func readCaptured(t *testing.T) (out []captured) {
	text, err := os.ReadFile("testdata/captured/chromium156.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var c captured
		var descriptor, begin string
		if _, err := fmt.Sscanf(line, "%s %s %t %s %s", &c.mode, &c.codec, &c.marker, &descriptor, &begin); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if c.descriptor, err = hex.DecodeString(descriptor); err == nil {
			c.begin, err = hex.DecodeString(begin)
		}
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		out = append(out, c)
	}
	return out
}

// TestCaptured reads what a browser sent. Of VP9 it sent both descriptors: what
// each says of layers, read in two ways, is the same.
func TestCaptured(t *testing.T) {
	layouts := map[string]*Layout{}
	descriptors := map[string]*dependencyLayout{}
	for i, c := range readCaptured(t) {
		if layouts[c.mode] == nil {
			layouts[c.mode], descriptors[c.mode] = &Layout{}, &dependencyLayout{}
		}
		_, said, ok := descriptors[c.mode].read(c.descriptor)
		if !ok {
			t.Fatalf("line %d: %x is not accepted", i+1, c.descriptor)
		}
		best := MakeTarget(MaxLayers-1, MaxTemporal-1)
		if c.marker && (!said.Needed.Has(best) || said.Ends.Has(best)) {
			t.Errorf("line %d: the end of a picture is %+v", i+1, said)
		}
		p := Packet{SSRC: 1, Payload: c.begin, Marker: c.marker}
		codec := CodecOf("video/" + c.codec)
		layouts[c.mode].Locate(codec, &p, c.descriptor)
		if codec != VP9 {
			if p.Place != said {
				t.Errorf("line %d: %+v, want %+v", i+1, p.Place, said)
			}
			continue
		}
		if p.Place.Needed != said.Needed || p.Place.Begins != said.Begins || p.Place.First != said.First ||
			p.Place.Layer != said.Layer || p.Place.Temporal != said.Temporal {
			t.Errorf("line %d: VP9's own descriptor says %+v, the dependency descriptor %+v", i+1, p.Place, said)
		}
	}
}
