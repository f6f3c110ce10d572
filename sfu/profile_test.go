package sfu

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

func TestStreamOfferRefusals(t *testing.T) {
	cfg := DefaultConfig()
	declared := "a=ssrc:5 cname:x\r\n"
	for _, c := range []struct {
		name    string
		profile Profile
		lines   []string
		want    string // "" is accepted
	}{
		{"publish", Publisher, []string{audio("0", "sendonly") + declared, video("1", "sendonly")}, ""},
		{"publish both ways", Publisher, []string{audio("0", "sendrecv"), video("1", "sendrecv")}, ""},
		{"publish one", Publisher, []string{video("1", "sendonly")}, ""},
		{"publish and an idle line", Publisher, []string{video("1", "sendonly"), audio("0", "inactive")}, ""},
		{"publish with channels", Publisher, []string{audio("0", "sendonly"), testChannels}, "application"},
		{"publish and watch", Publisher, []string{audio("0", "sendonly"), video("1", "recvonly")}, "WHEP"},
		{"publish two voices", Publisher, []string{audio("0", "sendonly"), audio("1", "sendonly")}, "one audio"},
		{"publish two videos", Publisher, []string{video("0", "sendonly"), video("1", "sendonly")}, "one video"},
		{"publish nothing", Publisher, []string{audio("0", "inactive")}, "no audio or video"},
		{"play", Player, []string{audio("0", "recvonly"), video("1", "recvonly")}, ""},
		{"play both ways", Player, []string{audio("0", "sendrecv"), video("1", "sendrecv")}, ""},
		{"play with channels", Player, []string{audio("0", "recvonly"), testChannels}, "application"},
		{"play and publish", Player, []string{audio("0", "recvonly"), video("1", "sendonly")}, "WHIP"},
		{"play two voices", Player, []string{audio("0", "recvonly"), audio("1", "recvonly")}, "one audio"},
		{"play two videos", Player, []string{video("0", "recvonly"), video("1", "recvonly")}, "one video"},
	} {
		_, err := parseProfile(&cfg, c.profile, compose(c.lines...))
		if c.want == "" && err != nil || c.want != "" && (earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: parseProfile = %v, want %q", c.name, err, c.want)
		}
	}
}

func TestStreamOffersAreGrantedWholly(t *testing.T) {
	cfg := DefaultConfig()
	whip := compose(audio("0", "sendonly")+"a=ssrc:5 cname:x\r\n", video("1", "sendonly")+"a=ssrc:6 cname:x\r\n")
	whep := compose(audio("0", "recvonly"))
	for _, c := range []struct {
		name, sdp string
		offer     Offer
		want      earshot.Code
		says      string
	}{
		{"all", whip, Offer{Profile: Publisher, PublishAudio: true, PublishVideo: true}, "", ""},
		{"no video", whip, Offer{Profile: Publisher, PublishAudio: true}, earshot.CodePermissionDenied, "publish.video"},
		{"no audio", whip, Offer{Profile: Publisher, PublishVideo: true}, earshot.CodePermissionDenied, "publish.audio"},
		{"no SSRC", strings.ReplaceAll(whip, "a=ssrc:6 cname:x\r\n", ""), Offer{Profile: Publisher, PublishAudio: true, PublishVideo: true}, earshot.CodeInvalidArgument, "a=ssrc"},
		{"play", whep, Offer{Profile: Player, Subscribe: true}, "", ""},
		{"not subscribe", whep, Offer{Profile: Player, PublishAudio: true}, earshot.CodePermissionDenied, "subscribe"},
	} {
		o, err := parseProfile(&cfg, c.offer.Profile, c.sdp)
		check(t, err)
		if err := o.grant(&c.offer); earshot.CodeOf(err) != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: grant = %v, want %q that says %q", c.name, err, c.want, c.says)
		}
	}
}

func TestLowestFirst(t *testing.T) {
	for _, c := range []struct{ offered, want string }{
		{"h m l", "l m h"}, {"l m h", "l m h"}, {"h l", "l h"},
		{"f h q", "q h f"}, {"q h f", "q h f"}, {"q h", "q h"},
		{"high low mid", "low mid high"}, {"hi lo", "lo hi"},
		{"0 1 2", "2 1 0"}, {"0", "0"}, // OBS: the first is the best
		{"best other", "other best"},
	} {
		if got := strings.Join(lowestFirst(strings.Fields(c.offered)), " "); got != c.want {
			t.Errorf("lowestFirst(%s) = %s, want %s", c.offered, got, c.want)
		}
	}
	if got := lowestFirst(nil); got != nil {
		t.Errorf("lowestFirst(nil) = %v, want nil", got)
	}
}

// exchange joins without channels and waits until the connection is up.
func (p *person) exchange(profile Profile, id earshot.ParticipantID) {
	t := p.w.t
	t.Helper()
	noLevels := regexp.MustCompile(`a=extmap:\d+ ` + regexp.QuoteMeta(levelURI) + "\r\n")
	o := Offer{
		SDP: noLevels.ReplaceAllString(p.offer(), ""), Profile: profile, Participant: id, Session: earshot.NewSessionID(), Handler: p,
		PublishAudio: profile == Publisher, PublishVideo: profile == Publisher, Subscribe: profile == Player,
	}
	var err error
	p.session, p.answer, err = p.w.sfu.Join(p.w.ctx, o)
	check(t, err)
	check(t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: p.answer}))
	for range 500 {
		if p.pc.ConnectionState() == webrtc.PeerConnectionStateConnected {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	synctest.Wait()
	p.note(func() {
		if !slices.Equal(p.states, []ConnectionState{Connected}) || p.opens != 0 {
			t.Fatalf("states %v, %d opens, want connected and none", p.states, p.opens)
		}
	})
}

// joinPublisher returns somebody who publishes voice and picture by WHIP.
func (w *world) joinPublisher(id earshot.ParticipantID) *person {
	p := w.newClient(false)
	p.mic, p.camera = p.publish(webrtc.MimeTypeOpus, 48000), p.publish(webrtc.MimeTypeVP8, 90000)
	p.exchange(Publisher, id)
	p.session.Video(SourceCamera).SetActive(true)
	return p
}

// joinPlayer returns somebody who watches by WHEP.
func (w *world) joinPlayer() *person {
	p := w.newClient(false)
	p.pc.OnTrack(p.listen)
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		_, err := p.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		check(w.t, err)
	}
	p.exchange(Player, "")
	return p
}

// watch shows what a publisher has.
func (p *person) watch(of *person) {
	p.hear(of)
	p.session.SetVideo([]*Publication{of.session.Video(SourceCamera)})
}

// play sends n frames of voice without a level, and with every other one a picture.
func (p *person) play(n int) {
	for i := range n {
		p.micSeq++
		p.micTS += 960
		check(p.w.t, p.mic.WriteRTP(&rtp.Packet{
			Header: rtp.Header{Version: 2, SequenceNumber: p.micSeq, Timestamp: p.micTS}, Payload: []byte("a voice"),
		}))
		if i%2 == 0 {
			check(p.w.t, p.camera.WriteRTP(&rtp.Packet{
				Header:  rtp.Header{Version: 2, SequenceNumber: p.micSeq, Timestamp: p.micTS * 2, Marker: true},
				Payload: []byte{0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 2, 0, 2, 0}, // a VP8 key frame
			}))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestStreamIsPublishedAndPlayed has a publisher and a player, neither with
// channels, through mute, denial, a restart of ICE and the end.
func TestStreamIsPublishedAndPlayed(t *testing.T) {
	inWorld(t, func(w *world) {
		stage, player := w.joinPublisher("pa_stage"), w.joinPlayer()
		player.watch(stage)
		counts := func() (voice, video int) {
			time.Sleep(200 * time.Millisecond) // what was on its way has come
			voice, video = len(player.received(player.session.VoiceMIDs()[0])), len(player.received(player.session.VideoMIDs()[0]))
			player.clear()
			return voice, video
		}
		stage.play(50)
		if voice, video := counts(); voice < 49 || video < 20 {
			t.Errorf("%d and %d packets came, want 50 and 25", voice, video)
		}
		stage.play(10)
		if level, talking := stage.session.Microphone().Level(time.Now()); level < assumedLevel-3 || !talking {
			t.Errorf("Level() = %v, %v, want %v: no level is sent", level, talking, assumedLevel)
		}
		_, _ = counts()

		if err := player.session.SendControl([]byte("x")); err != ErrNoChannels {
			t.Errorf("SendControl = %v, want %v", err, ErrNoChannels)
		}
		if player.session.SendPose([]byte("x")) {
			t.Error("SendPose() = true, want false")
		}

		stage.session.Microphone().SetMuted(true)
		stage.play(20)
		if voice, video := counts(); voice > 3 || video < 9 { // three are the end of a talkspurt
			t.Errorf("muted: %d and %d packets came, want none and 10", voice, video)
		}
		stage.session.Microphone().SetMuted(false)

		player.session.Deny("pa_stage", true)
		player.watch(stage)
		stage.play(20)
		if voice, video := counts(); voice+video != 0 {
			t.Errorf("denied: %d and %d packets came, want none", voice, video)
		}
		player.session.Deny("pa_stage", false)
		player.watch(stage)

		for _, p := range []*person{stage, player} {
			p.restartByFragment()
		}
		stage.play(50)
		if voice, video := counts(); voice < 45 || video < 18 {
			t.Errorf("after restarts: %d and %d packets came, want about 50 and 25", voice, video)
		}

		check(t, stage.pc.GracefulClose())
		time.Sleep(100 * time.Millisecond)
		select {
		case <-stage.session.Done():
		default:
			t.Error("the publisher closed its connection, and its session goes on")
		}
		if st := player.session.Voice(nil); st[0].Publication != nil {
			t.Error("the player shows a stream that has ended")
		}
	})
}

// restartByFragment restarts ICE as WHIP has it: fragments, no descriptions.
func (p *person) restartByFragment() {
	t := p.w.t
	t.Helper()
	before := p.session.ICE()
	offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	check(t, err)
	check(t, p.pc.SetLocalDescription(offer))
	fragment := "a=ice-options:trickle ice2\r\n"
	for _, key := range []string{"ice-ufrag", "ice-pwd"} {
		fragment += "a=" + key + ":" + attribute(t, offer.SDP, key) + "\r\n"
	}
	answer, err := p.session.Patch(context.Background(), fragment)
	check(t, err)
	if got := p.session.ICE(); got != before+1 {
		t.Errorf("ICE() = %d, want %d", got, before+1)
	}
	for _, want := range []string{"a=ice-lite", "a=group:BUNDLE 0", "m=", "a=mid:0", "a=candidate:", "a=end-of-candidates"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the fragment has no %q:\n%s", want, answer)
		}
	}
	next := p.answer
	for _, key := range []string{"ice-ufrag", "ice-pwd"} {
		next = strings.ReplaceAll(next, attribute(t, p.answer, key), attribute(t, answer, key))
	}
	check(t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: next}))
	p.answer = next
	time.Sleep(time.Second)
	if again, err := p.session.Patch(context.Background(), fragment+"a=end-of-candidates\r\n"); again != "" || err != nil {
		t.Errorf("the same credentials again = %q, %v, want nothing: they restart nothing", again, err)
	}
}

func attribute(t *testing.T, text, key string) string {
	t.Helper()
	m := regexp.MustCompile("a=" + key + `:(\S+)`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no a=%s in\n%s", key, text)
	}
	return m[1]
}

func TestPatchRefusals(t *testing.T) {
	candidate := "a=candidate:1 1 udp 2130706431 10.0.0.9 5000 typ host\r\n"
	inWorld(t, func(w *world) {
		p := w.joinPublisher("pa_stage")
		for _, c := range []struct {
			name, fragment string
			want           earshot.Code
		}{
			{"candidates", candidate, ""},
			{"nothing", "", earshot.CodeInvalidArgument},
			{"not SDP", "hello\r\n", earshot.CodeInvalidArgument},
			{"too long", strings.Repeat("\r\n", 10000), earshot.CodeInvalidArgument},
			{"too many candidates", strings.Repeat(candidate, maxCandidates+1), earshot.CodeInvalidArgument},
			{"no password", "a=ice-ufrag:another\r\n", earshot.CodeInvalidArgument},
			{"bad password", "a=ice-ufrag:another\r\na=ice-pwd:short\r\n", earshot.CodeInvalidArgument},
			{"bad ufrag", "a=ice-ufrag:a b c d\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n", earshot.CodeInvalidArgument},
			{"two ufrags", "a=ice-ufrag:another\r\na=ice-ufrag:other\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n", earshot.CodeInvalidArgument},
		} {
			if _, err := p.session.Patch(context.Background(), c.fragment); earshot.CodeOf(err) != c.want {
				t.Errorf("%s: Patch = %v, want %q", c.name, err, c.want)
			}
		}
		if got := p.session.ICE(); got != 1 {
			t.Errorf("ICE() = %d after refusals, want 1", got)
		}
	})
}

// FuzzStreamOffer checks that what is accepted by WHIP and WHEP is described in
// SDP that pion's parser takes.
func FuzzStreamOffer(f *testing.F) {
	for _, profile := range []Profile{Publisher, Player} {
		f.Add(uint8(profile), compose(audio("0", "sendrecv"), video("1", "sendrecv")))
		f.Add(uint8(profile), compose(audio("0", "sendonly"), video("1", "sendonly")+"a=rid:0 send\r\na=rid:1 send\r\na=simulcast:send 0;1\r\n"+layerExtensions))
	}
	f.Fuzz(func(t *testing.T, profile uint8, text string) {
		cfg := DefaultConfig()
		o, err := parseProfile(&cfg, Publisher+Profile(profile%2), text)
		if err != nil {
			return
		}
		var d sdp.SessionDescription
		if err := d.UnmarshalString(o.describe(o.credentials, 1)); err != nil {
			t.Fatalf("%v in\n%s", err, o.describe(o.credentials, 1))
		}
		if len(d.MediaDescriptions) != len(o.lines) {
			t.Fatalf("%d lines described, want %d", len(d.MediaDescriptions), len(o.lines))
		}
	})
}

func FuzzFragment(f *testing.F) {
	f.Add("a=ice-options:trickle ice2\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\na=end-of-candidates\r\n")
	f.Add("a=ice-ufrag:x\na=ice-pwd")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCredentials(text)
		if err != nil && earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Fatalf("parseCredentials = %v, want invalid_argument", err)
		}
		if err == nil && len(c.ufrag)+len(c.password) > len(text) {
			t.Fatalf("%q has %v", text, c)
		}
		_, _, _ = parseFragment(text)
	})
}

// TestStreamAnswer checks what players and publishers are answered.
func TestStreamAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		stage, player := w.joinPublisher("pa_stage"), w.joinPlayer()
		for p, want := range map[*person]string{stage: "recvonly", player: "sendonly"} {
			var d sdp.SessionDescription
			check(t, d.UnmarshalString(p.answer))
			for i, m := range d.MediaDescriptions {
				if got := direction(m); got != want || len(d.MediaDescriptions) != 2 {
					t.Errorf("line %d of %d is %s, want two that are %s", i, len(d.MediaDescriptions), got, want)
				}
			}
			for _, part := range []string{"a=ice-lite", "a=setup:passive", "typ host"} {
				if !strings.Contains(p.answer, part) {
					t.Errorf("the answer has no %q", part)
				}
			}
		}
		if n := strings.Count(player.answer, "a=msid:earshot "); n != 2 {
			t.Errorf("%d lines of the player are of the one stream, want 2:\n%s", n, player.answer)
		}
		if text := fmt.Sprint(Publisher, Player, Participant); text != "WHIP WHEP the join protocol" {
			t.Errorf("profiles are called %s", text)
		}
	})
}
