package sfu

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// dual is a client of LiveKit with two connections: its own of kit publishes,
// the other receives.
type dual struct {
	*kit
	down  *person
	offer string // the last that it got
}

// newDual returns a client that has opened a session and nothing else.
func (w *world) newDual(o Offer) *dual { return newDual(w.newClient(true), w.newClient(true), o) }

func newDual(up, down *person, o Offer) *dual {
	d := &dual{kit: newKit(up), down: down}
	d.down.pc.OnTrack(d.down.listen)
	d.down.pc.OnDataChannel(func(dc *webrtc.DataChannel) {
		dc.OnMessage(func(m webrtc.DataChannelMessage) {
			d.note(func() { d.came[dc.Label()] = append(d.came[dc.Label()], string(m.Data)) })
		})
	})
	o.Dual = true
	d.openSession(o)
	return d
}

func (w *world) joinDual(voice, video int) *dual {
	w.t.Helper()
	d := w.newDual(Offer{PublishAudio: true, PublishVideo: true, Subscribe: true})
	d.take(Down{Voice: voice, Video: video})
	for range 500 {
		if d.down.pc.ConnectionState() == webrtc.PeerConnectionStateConnected {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(time.Second)
	synctest.Wait()
	if got := d.down.pc.ConnectionState(); got != webrtc.PeerConnectionStateConnected {
		w.t.Fatalf("the connection is %s after the offer\n%s", got, d.offer)
	}
	return d
}

// take gets an offer and answers it.
func (d *dual) take(want Down) {
	d.w.t.Helper()
	d.propose(want)
	d.accept(d.reply())
}

func (d *dual) propose(want Down) {
	d.w.t.Helper()
	var err error
	d.offer, err = d.session.OfferDown(d.w.ctx, want)
	check(d.w.t, err)
}

// reply returns the client's answer to the last offer.
func (d *dual) reply() string {
	t := d.w.t
	t.Helper()
	if err := d.down.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: d.offer}); err != nil {
		t.Fatalf("%v in\n%s", err, d.offer)
	}
	answer, err := d.down.pc.CreateAnswer(nil)
	check(t, err)
	check(t, d.down.pc.SetLocalDescription(answer))
	return d.down.pc.LocalDescription().SDP
}

func (d *dual) accept(answer string) {
	d.w.t.Helper()
	if err := d.session.AcceptDown(d.w.ctx, answer); err != nil {
		d.w.t.Fatalf("AcceptDown: %v\n%s", err, answer)
	}
}

// hears reports how many of n frames that from says arrive.
func (d *dual) hears(from *kit, n int) string {
	d.note(func() {})
	d.down.clear()
	from.say("from "+string(from.id), n, -30)
	time.Sleep(200 * time.Millisecond)
	count := 0
	for _, mid := range d.session.VoiceMIDs() {
		for _, a := range d.down.received(mid) {
			if a.payload == "from "+string(from.id) {
				count++
			}
		}
	}
	switch {
	case count == 0:
		return noneCame
	case count > n-3 && count <= n:
		return allCame
	}
	return "some came"
}

// Two clients with two connections each, and one with one, through growth, data,
// denial and restarts of ICE.
func TestLiveKitTwoConnections(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, c := w.joinDual(1, 1), w.joinDual(0, 0), w.joinKit(2, 1)
		for _, k := range []*kit{a.kit, b.kit} {
			k.mic = k.publish(webrtc.MimeTypeOpus, 48000)
			k.negotiate(false)
			k.connected()
		}
		c.hear(a.person, b.person)
		if got := a.speak(25, c); got != allCame {
			t.Errorf("of a to c came %s", got)
		}
		a.hear(b.person)
		if got := a.hears(b.kit, 25); got != allCame {
			t.Errorf("of b to a came %s", got)
		}

		b.hear(a.person)
		if got := b.hears(a.kit, 10); got != noneCame {
			t.Errorf("of a to b, who has no lines, came %s", got)
		}
		b.take(Down{Voice: 2, Video: 1})
		b.hear(a.person)
		if got := b.hears(a.kit, 25); got != allCame {
			t.Errorf("of a to b, who got lines, came %s", got)
		}
		if n, m := len(b.session.VoiceMIDs()), len(b.session.VideoMIDs()); n != 2 || m != 1 {
			t.Errorf("b has %d and %d slots, want 2 and 1", n, m)
		}
		b.take(Down{Voice: 1, Restart: true})
		if n := len(b.session.VoiceMIDs()); n != 2 || b.session.ICE() != 2 {
			t.Errorf("b has %d slots in generation %d, want 2 in 2", n, b.session.ICE())
		}
		b.negotiate(true) // its publisher too
		time.Sleep(time.Second)
		if got := b.hears(a.kit, 25); got != allCame {
			t.Errorf("of a to b after restarts came %s", got)
		}
		if got := a.hears(b.kit, 25); got != allCame {
			t.Errorf("of b to a after restarts came %s", got)
		}

		b.session.Deny(a.id, true)
		b.hear(a.person)
		b.take(Down{Voice: 3})
		b.hear(a.person)
		if got := b.hears(a.kit, 10); got != noneCame {
			t.Errorf("of a to b, denied, after another offer came %s", got)
		}
		b.session.Deny(a.id, false)
		b.hear(a.person)
		if got := b.hears(a.kit, 10); got != allCame {
			t.Errorf("of a to b, allowed, came %s", got)
		}
		a.session.Retire()
		a.session.Microphone().SetMuted(false)
		b.hear(a.person)
		if got := b.hears(a.kit, 10); got != noneCame {
			t.Errorf("of a, retired, came %s", got)
		}
		check(t, b.pc.GracefulClose())
		time.Sleep(time.Second)
		select {
		case <-b.session.Done():
		default:
			t.Error("the client closed a connection of its two, and the session goes on")
		}
	})
}

func TestLiveKitTwoConnectionsShowVideo(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.joinDual(0, 0)
		w.lazy = true
		b := w.joinDual(1, 2)
		l := &layered{p: a.person}
		l.publish("q", "h", "f")
		a.negotiate(false)
		a.connected()
		b.session.SetVideo([]*Publication{a.session.Video(SourceCamera)})
		l.frames(90)
		time.Sleep(100 * time.Millisecond)
		if n := len(b.down.received(b.session.VideoMIDs()[0])); n < 60 {
			t.Errorf("%d frames came, want about 90", n)
		}
		for _, want := range []string{"a=msid:PA_slot|TR_v0 TR_v0\r\n", "a=setup:actpass", `a=ice-lite`, "a=max-message-size:65536", ";sprop-stereo=1\r\n"} {
			if !strings.Contains(b.offer, want) {
				t.Errorf("the offer has no %q:\n%s", want, b.offer)
			}
		}
	})
}

func TestLiveKitTwoConnectionsData(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.newDual(Offer{Subscribe: true})
		check(t, d.session.SendData(Reliable, []byte("first")))
		d.take(Down{})
		d.negotiate(false)
		d.connected()
		time.Sleep(time.Second)
		for c := range channelsOfLiveKit {
			check(t, d.session.SendData(c, []byte("down")))
			check(t, d.labelled[c.String()].Send([]byte("up")))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		d.note(func() {
			if got := strings.Join(d.came["_reliable"], " "); got != "first down" {
				t.Errorf("the client got %q", got)
			}
			for c := range channelsOfLiveKit {
				if n := len(d.data[c]); n != 1 {
					t.Errorf("the server got %d messages on %s, want 1", n, c)
				}
			}
			if len(d.came["_lossy"]) != 1 || len(d.came["_data_track"]) != 1 {
				t.Errorf("the client got %v", d.came)
			}
		})
	})
}

// Offers that are lost, answers that are wrong.
func TestLiveKitOffersAndAnswers(t *testing.T) {
	inWorld(t, func(w *world) {
		single := w.joinKit(0, 0)
		if _, err := single.session.OfferDown(w.ctx, Down{}); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
			t.Errorf("OfferDown of one connection = %v", err)
		}
		d := w.newDual(Offer{PublishAudio: true, Subscribe: true})
		if err := d.session.AcceptDown(w.ctx, compose(audio("0", "recvonly"))); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
			t.Errorf("an answer to nothing: %v", err)
		}
		d.propose(Down{Voice: 2, Video: 1})
		first := d.offer
		if _, err := d.session.OfferDown(w.ctx, Down{}); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
			t.Errorf("a second offer = %v, want failed_precondition", err)
		}
		if d.propose(Down{Restart: true}); d.offer != first {
			t.Error("the first offer, asked for again, is another")
		}
		answer := d.reply()
		for name, change := range map[string][2]string{
			"nothing":         {answer, ""},
			"any role":        {"a=setup:active", "a=setup:actpas"},
			"another mid":     {"a=mid:a0", "a=mid:a9"},
			"no channels":     {"m=application 9", "m=application 0"},
			"a line less":     {answer[strings.LastIndex(answer, "m="):], ""},
			"no fingerprint":  {"a=fingerprint:", "a=x:"},
			"too long":        {"a=mid:a0", strings.Repeat("a=x\r\n", 60000)},
			"another content": {"m=audio", "m=text"},
		} {
			wrong := strings.ReplaceAll(answer, change[0], change[1])
			if err := d.session.AcceptDown(w.ctx, wrong); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
				t.Errorf("%s: AcceptDown = %v, want invalid_argument", name, err)
			}
		}
		d.accept(answer)
		time.Sleep(time.Second)

		d.propose(Down{Voice: 3}) // and is lost with the signal connection
		d.propose(Down{Voice: 4, Restart: true})
		d.accept(d.reply())
		time.Sleep(time.Second)
		talker := w.joinKit(0, 0)
		talker.mic = talker.publish(webrtc.MimeTypeOpus, 48000)
		talker.negotiate(false)
		d.hear(talker.person)
		if got := d.hears(talker, 25); got != allCame {
			t.Errorf("after a lost offer came %s", got)
		}
		if n := len(d.session.VoiceMIDs()); n != 4 {
			t.Errorf("%d slots, want 4", n)
		}

		// A client that rejects a line gets nothing by it.
		d.propose(Down{Voice: 4})
		d.accept(strings.Replace(d.reply(), "m=audio 9", "m=audio 0", 1))
		d.hear(talker.person)
		if st := d.session.Voice(nil); st[0].Publication != nil || st[1].Publication == nil {
			t.Errorf("slots after the first was rejected: %+v", st)
		}

		deaf := w.newDual(Offer{PublishAudio: true})
		deaf.take(Down{Voice: 3, Video: 2})
		if n := len(deaf.session.VoiceMIDs()) + len(deaf.session.VideoMIDs()); n != 0 {
			t.Errorf("%d slots of one who may not subscribe", n)
		}
	})
}

// FuzzLiveKitAnswer checks that what is accepted is described in SDP that pion's
// parser takes.
func FuzzLiveKitAnswer(f *testing.F) {
	offered := &offer{profile: LiveKit, lines: []line{
		{kind: "audio", mid: "a0", role: roleVoice}, {kind: "video", mid: "v0", role: roleVideo}, {kind: "application", mid: "d", role: roleChannels},
	}}
	offered.lines[0].pts[kindFirst("audio")], offered.lines[1].pts[kindFirst("video")] = 111, 96
	answer := strings.ReplaceAll(compose(audio("a0", "recvonly"), video("v0", "recvonly"), testChannels), "actpass", "active")
	cfg := DefaultConfig()
	if _, err := parseAnswer(&cfg, answer, offered); err != nil {
		f.Fatal(err)
	}
	f.Add(answer)
	f.Add(strings.Replace(answer, "m=video 9", "m=video 0", 1))
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseAnswer(&cfg, text, offered)
		if err != nil {
			if earshot.CodeOf(err) != earshot.CodeInvalidArgument {
				t.Fatal(err)
			}
			return
		}
		var d sdp.SessionDescription
		if err := d.UnmarshalString(o.describe(o.credentials, 1)); err != nil || len(d.MediaDescriptions) != 3 {
			t.Fatalf("%v in\n%s", err, o.describe(o.credentials, 1))
		}
	})
}

// kindFirst returns the first codec of a kind.
func kindFirst(kind string) int {
	for codec := range (&offer{}).pts {
		if codec > 0 && kindOf(codec) == kind {
			return codec
		}
	}
	return 0
}
