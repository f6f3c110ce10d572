package peer

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// The bytes are written out by hand from livekit_rtc.proto, so that encoder
// and decoder cannot be wrong together.
func TestRequestsOnTheWire(t *testing.T) {
	for name, tc := range map[string]struct {
		got  []byte
		want string
	}{
		"offer":       {encodeSession(requestOffer, "offer", "v=0"), "0a0c 0a056f66666572 1203763d30"},
		"answer":      {encodeSession(requestAnswer, "answer", "v=0"), "120d 0a06616e73776572 1203763d30"},
		"ping":        {encodePing(300), "70ac02"},
		"leave":       {encodeLeave(), "4202 1001"},
		"audio track": {encodeAddTrack(addTrack{CID: "a", Name: "b"}), "220a 0a0161 120162 4002 6801"},
		"video track": {encodeAddTrack(addTrack{CID: "a", Name: "b", Video: true, Width: 640, Height: 360}),
			"221a 0a0161 120162 1801 208005 28e802 4001 4a08 0802 108005 18e802"},
	} {
		want, err := hex.DecodeString(strings.ReplaceAll(tc.want, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(tc.got, want) {
			t.Errorf("%s: %x, want %x", name, tc.got, want)
		}
	}
}

func TestResponsesOffTheWire(t *testing.T) {
	join := number(nil, 11, 5)
	join = message(join, 12, text(number(nil, 1, 1), 2, "1.13.5"))
	join = message(join, 2, text(nil, 1, "PA_x")) // a participant, of no interest
	candidate := number(text(nil, 1, `{"candidate":"c"}`), 2, 1)
	for name, tc := range map[string]struct {
		bytes []byte
		check func(s *signal) bool
	}{
		"join": {message(nil, responseJoin, join), func(s *signal) bool {
			return s.Join != nil && s.Join.Version == "1.13.5" && s.Join.PingInterval == 5
		}},
		"offer":   {encodeSession(responseOffer, "offer", "v=0"), func(s *signal) bool { return s.Offer == "v=0" && s.Answer == "" }},
		"answer":  {encodeSession(responseAnswer, "answer", "v=0"), func(s *signal) bool { return s.Answer == "v=0" && s.Offer == "" }},
		"trickle": {message(nil, responseTrickle, candidate), func(s *signal) bool { return s.Trickle.Subscriber && s.Trickle.Candidate == `{"candidate":"c"}` }},
		"published": {message(nil, responsePublished, text(nil, 1, "talker-1")), func(s *signal) bool {
			return s.Published == "talker-1"
		}},
		"sections": {message(nil, responseSections, number(number(nil, 1, 2), 2, 1<<40)), func(s *signal) bool {
			return *s.Sections == sections{2, maxSections}
		}},
		"leave":   {message(nil, responseLeave, number(nil, 2, 5)), func(s *signal) bool { return s.Leave.Reason == 5 }},
		"unknown": {message(nil, 200, []byte("what a newer server says")), func(s *signal) bool { return *s == signal{} }},
		"fixed":   {protowire.AppendFixed64(protowire.AppendTag(nil, 77, protowire.Fixed64Type), 1), func(s *signal) bool { return *s == signal{} }},
	} {
		s, err := decodeSignal(tc.bytes)
		if err != nil || !tc.check(s) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for _, broken := range []string{"0a05", "0a", "08ffffffffffffffffffff01", "0a03120500", "ff"} {
		b, _ := hex.DecodeString(broken)
		if s, err := decodeSignal(b); err == nil {
			t.Errorf("decodeSignal(%s) = %+v, want an error", broken, s)
		}
	}
}

func FuzzSignal(f *testing.F) {
	f.Add(encodeSession(responseOffer, "offer", "v=0"))
	f.Add(message(nil, responseJoin, message(number(nil, 11, 5), 12, text(nil, 2, "1"))))
	f.Add(message(nil, responseTrickle, number(text(nil, 1, "{}"), 2, 1)))
	f.Add(message(nil, responseLeave, number(nil, 2, 1<<63)))
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeSignal(data)
		if err == nil && s == nil {
			t.Error("no signal and no error")
		}
	})
}
