package sfu

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/sfu/forward"
)

const (
	redLine = "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
	rtxLine = "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96;rtx-time=3000\r\n"
)

func TestRepairsOfOffer(t *testing.T) {
	cfg := DefaultConfig()
	parse := func(lines ...string) *offer {
		o, err := parseOffer(&cfg, compose(append(lines, testChannels)...))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	fid := "a=ssrc-group:FID 5 6\r\na=ssrc:5 cname:x\r\na=ssrc:6 cname:x\r\n"
	o := parse(audio("0", "sendonly")+redLine, video("1", "sendonly")+rtxLine+fid, video("2", "recvonly")+rtxLine)
	if o.repairs.red != 63 || o.repairs.rtx[forward.VP8] != 97 || o.lines[1].ssrc != 5 || o.lines[1].repairSSRC != 6 {
		t.Errorf("repairs %+v, SSRCs %d and %d", o.repairs, o.lines[1].ssrc, o.lines[1].repairSSRC)
	}
	text := o.describe(credentials{"u", "p"}, 1)
	for _, want := range []string{"m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n", "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n", redLine,
		"a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n", "a=ssrc-group:FID 5 6\r\na=msid:"} {
		if !strings.Contains(text, want) {
			t.Errorf("the description lacks %q:\n%s", want, text)
		}
	}
	for name, o := range map[string]*offer{
		"of another codec":    parse(video("1", "recvonly") + strings.Replace(rtxLine, "apt=96", "apt=98", 1)),
		"without a format":    parse(video("1", "recvonly") + "a=rtpmap:97 rtx/90000\r\n"),
		"of RTCP":             parse(video("1", "recvonly") + strings.ReplaceAll(rtxLine, "97", "72")),
		"one that is a codec": parse(audio("0", "recvonly"), video("1", "recvonly")+strings.ReplaceAll(rtxLine, "97", "111")),
		"red of another":      parse(audio("0", "recvonly") + strings.ReplaceAll(redLine, "111/111", "9/9")),
	} {
		if o.repairs != (repairs{}) {
			t.Errorf("%s: repairs %+v, want none", name, o.repairs)
		}
		for i := range o.lines {
			if o.lines[i].repairs != (repairs{}) {
				t.Errorf("%s: line %d has %+v", name, i, o.lines[i].repairs)
			}
		}
	}
	o = parse(video("1", "sendonly")+rtxLine, video("2", "recvonly")+strings.ReplaceAll(rtxLine, "97", "99"))
	if o.repairs.rtx[forward.VP8] != 97 || o.lines[1].repairs.rtx[forward.VP8] != 0 {
		t.Errorf("two payload types of one repair: %+v, %+v", o.repairs, o.lines[1].repairs)
	}
	o = parse(video("1", "sendonly") + rtxLine + strings.ReplaceAll(fid, "FID 5 6", "FID 5 5"))
	if o.lines[0].repairSSRC != 0 {
		t.Error("an SSRC repairs itself")
	}
}

// TestAnswerHasRepairs: the answer takes what was offered, Opus first, and names
// the SSRC of the stream of repairs, of whom nothing was offered gets nothing.
func TestAnswerHasRepairs(t *testing.T) {
	inWorld(t, func(w *world) {
		offer := compose(audio("0", "recvonly")+redLine, video("1", "recvonly")+rtxLine, testChannels)
		p := w.newPerson(shape{})
		ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
		defer cancel()
		join := func(sdp string) string {
			session, answer, err := w.sfu.Join(ctx, Offer{SDP: sdp, Participant: p.id, Session: earshot.NewSessionID(), Handler: p, Subscribe: true})
			check(t, err)
			session.Close()
			return answer
		}
		answer := join(offer)
		for _, want := range []string{"UDP/TLS/RTP/SAVPF 111 63\r\n", "UDP/TLS/RTP/SAVPF 96 97\r\n", "a=fmtp:97 apt=96\r\n", "a=ssrc-group:FID "} {
			if !strings.Contains(answer, want) {
				t.Errorf("the answer lacks %q:\n%s", want, answer)
			}
		}
		answer = join(compose(audio("0", "recvonly"), video("1", "recvonly"), testChannels))
		for _, no := range []string{"rtx", "red/", "FID"} {
			if strings.Contains(answer, no) {
				t.Errorf("the answer has %q, which was not offered:\n%s", no, answer)
			}
		}
	})
}

// FuzzRepairsOfOffer reads whatever an offer may say of repair.
func FuzzRepairsOfOffer(f *testing.F) {
	f.Add("97 rtx/90000", "97 apt=96", "FID 5 6")
	f.Add("63 red/48000/2", "63 111/111", "FID 5")
	cfg := DefaultConfig()
	f.Fuzz(func(t *testing.T, rtpmap, format, group string) {
		extra := fmt.Sprintf("a=rtpmap:%s\r\na=fmtp:%s\r\na=ssrc-group:%s\r\na=ssrc:5 cname:x\r\n", rtpmap, format, group)
		o, err := parseOffer(&cfg, compose(audio("0", "sendonly")+extra, video("1", "sendonly")+extra, testChannels))
		if err != nil {
			return
		}
		for _, pt := range o.repairs.list() {
			if pt == 0 || pt > 127 || pt == 96 || pt == 111 {
				t.Fatalf("repairs %+v", o.repairs)
			}
		}
		if text := o.describe(credentials{"u", "p"}, 1); strings.Count(text, "m=") != 3 {
			t.Fatalf("the description is\n%s", text)
		}
	})
}
