package sfu

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"earshot"

	"github.com/pion/sdp/v3"
)

// rejected makes a line one that the client has stopped for good.
func rejected(line string) string { return strings.Replace(line, " 9 ", " 0 ", 1) }

// unbundled leaves a line out of the bundle, as a rejected one is.
func unbundled(offer, mid string) string { return strings.Replace(offer, " "+mid+"\r\n", "\r\n", 1) }

// followed parses offers one after the other as a session does.
func followed(texts ...string) (*offer, error) {
	cfg := DefaultConfig()
	before, used := &offer{profile: LiveKit}, map[string]bool{}
	for _, text := range texts {
		next, err := parseProfile(&cfg, LiveKit, text)
		if err == nil {
			err = next.follow(before, used, &cfg)
		}
		if err != nil {
			return nil, err
		}
		for i := range next.lines {
			if l := &next.lines[i]; !l.livekit.absent {
				used[l.mid], l.livekit.known = true, true
			}
		}
		before = next
	}
	return before, nil
}

func TestLiveKitOffers(t *testing.T) {
	layers := func(rids ...string) string {
		s := layerExtensions
		for _, rid := range rids {
			s += "a=rid:" + rid + " send\r\n"
		}
		return s + "a=simulcast:send " + strings.Join(rids, ";") + "\r\n"
	}
	sends, takes := audio("0", "sendonly")+"a=ssrc:5 cname:x\r\n", audio("0", "recvonly")
	for _, c := range []struct {
		name   string
		offers []string
		want   string // roles of the last offer's lines; else what the refusal says
	}{
		{"channels alone", []string{compose(testChannels)}, "6"},
		{"no channels", []string{compose(takes)}, "4"},
		{"both ways publishes", []string{compose(audio("0", "sendrecv"), video("1", "sendrecv"))}, "1 2"},
		{"several cameras", []string{compose(many(3, video, "sendonly")...)}, "6 2 2 2"},
		{"too many tracks", []string{compose(many(9, video, "sendonly")...)}, "9 tracks"},
		{"slots above the limit", []string{compose(many(10, video, "recvonly")...)}, "6 5 5 5 5 5 5 5 5 0 0"},
		{"channels twice", []string{compose(testChannels, strings.Replace(testChannels, "mid:d", "mid:e", 1))}, "2 application lines"},
		{"a line more", []string{compose(testChannels), compose(testChannels, sends)}, "6 1"},
		{"a line less", []string{compose(testChannels, sends), compose(testChannels)}, "fewer media lines"},
		{"another certificate", []string{compose(sends), strings.Replace(compose(sends), "00:11", "01:11", 1)}, "another connection"},
		{"another kind", []string{compose(sends), compose(video("0", "sendonly"))}, "was audio and is video"},
		{"another mid", []string{compose(sends), compose(audio("1", "sendonly"))}, "had the mid"},
		{"stopped", []string{compose(sends), compose(audio("0", "inactive"))}, "0"},
		{"stopped and used again", []string{compose(sends), compose(audio("0", "inactive")), compose(sends)}, "1"},
		{"rejected", []string{compose(sends, takes[:0]+audio("1", "recvonly")), unbundled(compose(audio("1", "recvonly"), rejected(sends)), "0")}, "had the mid"},
		{"rejected at its place", []string{compose(audio("1", "recvonly"), sends), unbundled(compose(audio("1", "recvonly"), rejected(sends)), "0")}, "4 0"},
		{"another line in its place", []string{compose(sends), rejected(compose(sends)), compose(audio("7", "recvonly"))}, "4"},
		{"an old mid elsewhere", []string{compose(sends), rejected(compose(sends)), compose(audio("7", "recvonly"), sends)}, "was used by another"},
		{"a slot that stops", []string{compose(takes), compose(audio("0", "inactive"))}, "4 idle"},
		{"a slot that publishes", []string{compose(takes), compose(sends)}, "4 idle"},
		{"a slot both ways", []string{compose(takes), compose(audio("0", "sendrecv"))}, "4"},
		{"a publication that receives", []string{compose(sends), compose(takes)}, "0"},
		{"channels rejected", []string{compose(testChannels), rejected(compose(testChannels))}, "cannot be stopped alone"},
		{"other layers", []string{compose(video("0", "sendonly") + layers("q", "h")), compose(video("0", "sendonly") + layers("q", "f"))}, "other layers"},
		{"rejected without a codec", []string{compose("m=video 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\n", sends)}, "0 absent 1"},
		{"a payload type moves", []string{compose(takes), strings.ReplaceAll(compose(takes), "111", "109")}, "4"},
		{"two payload types of a codec", []string{compose(takes, strings.ReplaceAll(audio("1", "recvonly"), "111", "109"))}, "4 4"},
		{"a payload type changes its meaning", []string{compose(video("0", "recvonly")), compose(strings.ReplaceAll(video("0", "recvonly"), "VP8", "VP9"))}, "another codec before"},
		{"a payload type is taken", []string{compose(takes), compose(rejected(takes), strings.ReplaceAll(video("1", "recvonly"), "96", "111"))}, "another codec before"},
		{"no BUNDLE for a line in use", []string{strings.Replace(compose(takes, audio("1", "recvonly")), "BUNDLE 0 1", "BUNDLE 0", 1)}, "BUNDLE"},
	} {
		o, err := followed(c.offers...)
		if err != nil {
			if code := earshot.CodeOf(err); !strings.Contains(err.Error(), c.want) ||
				code != earshot.CodeInvalidArgument && code != earshot.CodeFailedPrecondition && code != earshot.CodeResourceExhausted {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
			continue
		}
		var roles []string
		for _, l := range o.lines {
			roles = append(roles, fmt.Sprint(l.role))
			if l.livekit.idle {
				roles = append(roles, "idle")
			}
			if l.livekit.absent {
				roles = append(roles, "absent")
			}
		}
		if got := strings.Join(roles, " "); got != c.want {
			t.Errorf("%s: roles %s, want %s", c.name, got, c.want)
		}
	}
}

// What a browser's publication is called decides which track of the signalling
// it is.
func TestLiveKitMSID(t *testing.T) {
	for _, c := range []struct{ attributes, stream, track string }{
		{"a=msid:s t\r\n", "s", "t"},
		{"a=msid:- {0aa9-11}\r\n", "-", "{0aa9-11}"},
		{"a=ssrc:5 cname:x\r\na=ssrc:5 msid:s t\r\n", "s", "t"},
		{"a=msid:s\r\n", "", ""},
		{"a=msid:s t u\r\n", "", ""},
		{"a=msid:s \x01\r\n", "", ""},
		{"a=msid:s " + strings.Repeat("t", mostMSID+1) + "\r\n", "", ""},
		{"", "", ""},
	} {
		o, err := followed(compose(audio("0", "sendonly") + c.attributes))
		check(t, err)
		if k := o.lines[0].livekit; k.stream != c.stream || k.track != c.track {
			t.Errorf("%q: %q, %q, want %q, %q", c.attributes, k.stream, k.track, c.stream, c.track)
		}
	}
}

// TestLiveKitRefusalsChangeNothing makes offers that are refused between ones
// that are not.
func TestLiveKitRefusalsChangeNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.joinKit(1, 0)
		good := k.pc.LocalDescription().SDP
		for _, text := range []string{"", "hello", compose(testChannels), strings.Replace(good, "a=mid:0", "a=mid:9", 1), strings.Repeat("a=x\r\n", 60000)} {
			if _, err := k.session.Renegotiate(context.Background(), text); err == nil {
				t.Errorf("%.40q was taken", text)
			}
		}
		k.receive(1, 1)
		k.negotiate(false)
		if n := len(k.session.VoiceMIDs()); n != 2 {
			t.Errorf("%d slots after refusals and one more line, want 2", n)
		}
		refused := 0
		for range offersAtOnce {
			if _, err := k.session.Renegotiate(context.Background(), ""); earshot.CodeOf(err) == earshot.CodeResourceExhausted {
				refused++
			}
		}
		if refused == 0 {
			t.Errorf("%d offers at once were all looked at", offersAtOnce)
		}
	})
}

// FuzzLiveKitOffers has a client make two offers: what is accepted is described
// to pion in SDP that its parser takes, and presented to the client line for line.
func FuzzLiveKitOffers(f *testing.F) {
	f.Add(compose(testChannels), compose(testChannels, audio("0", "sendonly")+"a=msid:s t\r\na=ssrc:5 cname:x\r\n", video("1", "recvonly")))
	f.Add(compose(audio("0", "sendrecv"), video("1", "sendonly")), unbundled(compose(audio("0", "inactive"), rejected(video("1", "sendonly"))), "1"))
	f.Add(rejected(compose(audio("0", "recvonly"))), compose(audio("7", "recvonly"), testChannels))
	f.Add(compose(video("0", "sendonly")+"a=rid:q send\r\na=rid:h send\r\na=simulcast:send q;h\r\n"+layerExtensions), compose(video("0", "inactive")))
	f.Fuzz(func(t *testing.T, first, second string) {
		for _, texts := range [][]string{{first}, {first, second}} {
			o, err := followed(texts...)
			if err != nil {
				if earshot.CodeOf(err) == earshot.CodeInternal {
					t.Fatal(err)
				}
				return
			}
			text := o.describe(o.credentials, 1)
			var d, presented sdp.SessionDescription
			if err := d.UnmarshalString(text); err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
			known := 0
			for _, l := range o.lines {
				if !l.livekit.absent {
					known++
				}
			}
			if len(d.MediaDescriptions) != known {
				t.Fatalf("%d lines described, want %d", len(d.MediaDescriptions), known)
			}
			answer := o.present(text, map[string]LineName{})
			if err := presented.UnmarshalString(answer); err != nil {
				t.Fatalf("%v in\n%s", err, answer)
			}
			if len(presented.MediaDescriptions) != len(o.lines) {
				t.Fatalf("%d lines presented, want %d", len(presented.MediaDescriptions), len(o.lines))
			}
			for i, m := range presented.MediaDescriptions {
				if mid, _ := m.Attribute(sdp.AttrKeyMID); mid != o.lines[i].mid || m.MediaName.Media != o.lines[i].kind {
					t.Fatalf("line %d is %s %q, want %s %q", i, m.MediaName.Media, mid, o.lines[i].kind, o.lines[i].mid)
				}
			}
		}
	})
}
