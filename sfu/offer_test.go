package sfu

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"earshot"
	"earshot/sfu/forward"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

const (
	testTransport = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=setup:actpass\r\n" +
		"a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"
	testChannels = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:d\r\na=sctp-port:5000\r\n"
)

// compose writes an offer of the given media lines with everything it needs.
func compose(lines ...string) string {
	mids := ""
	for _, l := range lines {
		if _, rest, ok := strings.Cut(l, "a=mid:"); ok {
			mid, _, _ := strings.Cut(rest, "\r\n")
			mids += " " + mid
		}
	}
	return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE" + mids + "\r\n" + testTransport + strings.Join(lines, "")
}

func audio(mid, direction string) string {
	return fmt.Sprintf("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=%s\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n", mid, direction)
}

func video(mid, direction string) string {
	return fmt.Sprintf("m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=%s\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n", mid, direction)
}

func many(n int, line func(mid, direction string) string, direction string) []string {
	out := []string{testChannels}
	for i := range n {
		out = append(out, line(fmt.Sprint(i), direction))
	}
	return out
}

func TestOfferRefusals(t *testing.T) {
	good := compose(audio("0", "sendonly"), audio("1", "recvonly"), video("2", "sendonly"), testChannels)
	cfg := DefaultConfig()
	if _, err := parseOffer(&cfg, good); err != nil {
		t.Fatalf("the good offer: %v", err)
	}
	without := func(s string) string { return strings.ReplaceAll(good, s, "") }
	with := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for _, c := range []struct{ name, sdp, want string }{
		{"empty", "", "0 media lines"},
		{"not SDP", "hello", "not an SDP offer"},
		{"too long", good + strings.Repeat("a=x\r\n", 20000), "bytes"},
		{"no lines", compose(), "0 media lines"},
		{"too many lines", compose(many(65, audio, "inactive")...), "66 media lines"},
		{"no ufrag", without("a=ice-ufrag:abcd\r\n"), "ice-ufrag"},
		{"bad ufrag", with("abcd", "a b"), "ice-ufrag"},
		{"no password", without("a=ice-pwd:abcdefghijklmnopqrstuv\r\n"), "ice-pwd"},
		{"short password", without("lmnopqrstuv"), "ice-pwd"},
		{"no fingerprint", with("a=fingerprint:", "a=x:"), "fingerprint"},
		{"old fingerprint", with("sha-256", "sha-1"), "fingerprint"},
		{"broken fingerprint", with("00:11", "0x:11"), "fingerprint"},
		{"passive", with("actpass", "passive"), "actpass"},
		{"two transports", good + "a=ice-ufrag:other\r\n", "two different a=ice-ufrag"},
		{"no bundle", with("a=group:BUNDLE", "a=group:LS"), "BUNDLE"},
		{"not bundled", with("BUNDLE 0 1", "BUNDLE 0"), "BUNDLE"},
		{"no mid", with("a=mid:1\r\n", ""), "a=mid"},
		{"same mid", with("a=mid:1\r\n", "a=mid:0\r\n"), "unique"},
		{"odd mid", with("a=mid:1\r\n", "a=mid:1 2\r\n"), "a=mid"},
		{"rejected line", with("m=audio 9", "m=audio 0"), "port 0"},
		{"other media", with("m=video", "m=text"), "not supported"},
		{"other application", with("webrtc-datachannel", "telnet"), "webrtc-datachannel"},
		{"no mux", without("a=rtcp-mux\r\n"), "rtcp-mux"},
		{"sendrecv", without("a=sendonly\r\n"), "sendrecv"},
		{"no opus", with("opus/48000/2", "PCMU/8000"), "Opus"},
		{"no video codec", with("VP8", "H265"), "VP8"},
		{"h264 main profile", with("VP8/90000\r\n", "H264/90000\r\na=fmtp:96 profile-level-id=4d001f;packetization-mode=1\r\n"), "H264"},
		{"vp9 of 10 bits", with("VP8/90000\r\n", "VP9/90000\r\na=fmtp:96 profile-id=2\r\n"), "VP9"},
		{"av1 high profile", with("VP8/90000\r\n", "AV1/90000\r\na=fmtp:96 level-idx=5; profile=1;tier=0\r\n"), "AV1"},
		{"payload types differ", compose(audio("0", "sendonly"), strings.ReplaceAll(audio("1", "recvonly"), "111", "109"), testChannels), "same codec"},
		{"payload type means two", compose(audio("0", "sendonly"), strings.ReplaceAll(video("1", "recvonly"), "96", "111"), testChannels), "two codecs"},
		{"one ssrc twice", compose(audio("0", "sendonly")+"a=ssrc:5 cname:x\r\n", video("1", "sendonly")+"a=ssrc:5 cname:x\r\n", testChannels), "SSRC"},
		{"two microphones", compose(audio("0", "sendonly"), audio("1", "sendonly"), testChannels), "one microphone"},
		{"three cameras", compose(many(3, video, "sendonly")...), "one camera and one screen"},
		{"voice slots", compose(many(33, audio, "recvonly")...), "voice slots"},
		{"video slots", compose(many(9, video, "recvonly")...), "video slots"},
		{"no channels", compose(audio("0", "sendonly")), "data channels"},
		{"channels twice", compose(testChannels, strings.Replace(testChannels, "mid:d", "mid:e", 1)), "data channels"},
	} {
		_, err := parseOffer(&cfg, c.sdp)
		if err == nil || earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: parseOffer = %v, want invalid_argument that says %q", c.name, err, c.want)
		}
	}
}

// TestAnswer checks the shape of an answer and what it says to lines that were
// not granted.
func TestAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.newPerson(shape{voice: 3, video: 2})
		offer := Offer{SDP: p.offer(), Handler: p, PublishAudio: true, Subscribe: true}
		session, answer, err := w.sfu.Join(context.Background(), offer)
		check(t, err)
		var d sdp.SessionDescription
		check(t, d.UnmarshalString(answer))
		want := map[string]int{"recvonly": 1, "inactive": 1, "sendonly": 5}
		got := map[string]int{}
		for _, m := range d.MediaDescriptions {
			if m.MediaName.Media != "application" {
				got[direction(m)]++
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("directions = %v, want %v", got, want)
		}
		for _, part := range []string{"a=ice-lite", "a=setup:passive", "useinbandfec=1", "10.0.0.1 3478 typ host", levelURI} {
			if !strings.Contains(answer, part) {
				t.Errorf("the answer has no %q:\n%s", part, answer)
			}
		}
		if session.Microphone() == nil || session.Video(SourceCamera) != nil {
			t.Error("want a microphone and no camera")
		}
		if n, m := len(session.VoiceMIDs()), len(session.VideoMIDs()); n != 3 || m != 2 {
			t.Errorf("%d voice and %d video slots, want 3 and 2", n, m)
		}
		session.Close()
	})
}

// TestAnyParsedOfferIsAnswered gives pion what describe makes of odd but
// accepted offers.
func TestAnyParsedOfferIsAnswered(t *testing.T) {
	inWorld(t, func(w *world) {
		for name, text := range map[string]string{
			"channels only":   compose(testChannels),
			"channels first":  compose(testChannels, audio("0", "sendonly")),
			"inactive lines":  compose(audio("0", "inactive"), video("1", "inactive"), audio("2", "recvonly"), testChannels),
			"mixed order":     compose(video("v", "recvonly"), audio("a", "recvonly"), testChannels, video("c", "sendonly"), audio("m", "sendonly"), video("s", "sendonly")),
			"all slots":       compose(append(many(32, audio, "recvonly"), video("x", "recvonly"))...),
			"same level id":   compose(audio("0", "sendonly")+"a=extmap:3 "+levelURI+"\r\na=extmap:3 "+sdp.SDESMidURI+"\r\n", testChannels),
			"h264 and vp8":    compose(strings.Replace(video("0", "sendonly"), "a=rtpmap", "a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42e034\r\na=rtpmap", 1), testChannels),
			"vp9 and av1":     compose(strings.Replace(video("0", "sendonly"), "a=rtpmap", "a=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=0\r\na=rtpmap:45 AV1/90000\r\na=fmtp:45 level-idx=5;profile=0;tier=0\r\na=extmap-allow-mixed\r\na=extmap:12 "+forward.DependencyURI+"\r\na=rtpmap", 1), testChannels),
			"zero ssrc":       compose(audio("0", "sendonly")+"a=ssrc:0\r\n", testChannels),
			"rtcp collisions": compose(strings.Replace(audio("0", "sendonly"), "a=rtpmap", "a=rtpmap:72 opus/48000/2\r\na=rtpmap", 1), testChannels),
		} {
			p := &person{w: w}
			offer := Offer{SDP: text, Handler: p, PublishAudio: true, PublishVideo: true, Subscribe: true}
			session, _, err := w.sfu.Join(context.Background(), offer)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			session.Close()
		}
	})
}

func TestAddCandidates(t *testing.T) {
	candidate := "a=candidate:1 1 udp 2130706431 10.0.0.9 5000 typ host\r\n"
	inWorld(t, func(w *world) {
		p := w.join(shape{})
		for _, c := range []struct {
			name, fragment string
			want           earshot.Code
		}{
			{"candidates", "a=ice-ufrag:" + p.session.credentials.ufrag + "\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n" + candidate + "a=end-of-candidates\r\n", ""},
			{"end", "a=end-of-candidates\r\n", ""},
			{"empty", "", earshot.CodeInvalidArgument},
			{"other generation", "a=ice-ufrag:someother\r\n" + candidate, earshot.CodeInvalidArgument},
			{"too many", strings.Repeat(candidate, 33), earshot.CodeInvalidArgument},
			{"too long", strings.Repeat("\r\n", 10000), earshot.CodeInvalidArgument},
			{"no fragment", "hello\r\n", earshot.CodeInvalidArgument},
		} {
			if got := earshot.CodeOf(p.session.AddCandidates(c.fragment)); got != c.want {
				t.Errorf("%s: AddCandidates = %q, want %q", c.name, got, c.want)
			}
		}
	})
}

func TestConstrainedBaseline(t *testing.T) {
	for format, want := range map[string]bool{
		"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f": true,  // browsers
		"packetization-mode=1;profile-level-id=42c00d;sprop-parameter-sets=z0l":  true,  // x264
		"packetization-mode=1;profile-level-id=42001f":                           false, // baseline
		"packetization-mode=1;profile-level-id=4d001f":                           false, // main
		"packetization-mode=0;profile-level-id=42e01f":                           false,
		"packetization-mode=1;profile-level-id=42":                               false,
		"packetization-mode=1;profile-level-id=42zz1f":                           false,
		"packetization-mode=1":                                                   false,
	} {
		if got := constrainedBaseline(format); got != want {
			t.Errorf("constrainedBaseline(%s) = %v, want %v", format, got, want)
		}
	}
}

// FuzzParseOffer checks that whatever is accepted describes itself in SDP that
// pion's parser takes, with the same lines.
func FuzzParseOffer(f *testing.F) {
	f.Add(compose(audio("0", "sendonly"), audio("1", "recvonly"), video("2", "sendonly"), testChannels))
	f.Add(compose(many(3, video, "recvonly")...))
	f.Add(compose(strings.Replace(video("0", "recvonly"), "VP8/90000", "AV1/90000\r\na=extmap-allow-mixed\r\na=extmap:12 "+forward.DependencyURI, 1), testChannels))
	f.Add(compose(video("0", "sendonly")+"a=rid:l send\r\na=rid:h send\r\na=simulcast:send l;h\r\n"+layerExtensions, testChannels))
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := pc.CreateDataChannel("x", nil); err != nil {
		f.Fatal(err)
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(offer.SDP)
	if err := pc.Close(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cfg := DefaultConfig()
		o, err := parseOffer(&cfg, text)
		if err != nil {
			return
		}
		var d sdp.SessionDescription
		if err := d.UnmarshalString(o.describe(o.credentials, 1)); err != nil {
			t.Fatalf("%v in\n%s", err, o.describe(o.credentials, 1))
		}
		again, err := parseOffer(&cfg, o.describe(o.credentials, 1))
		if err != nil || !o.sameLines(again) {
			t.Fatalf("read back as %+v, %v, want %+v", again, err, o)
		}
	})
}
