package sfu

import (
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"earshot"

	"github.com/pion/webrtc/v4"
)

// kit is a client of LiveKit and what its handler at the server notes.
type kit struct {
	*person
	labelled map[string]*webrtc.DataChannel // that it opened
	refuses  map[string]bool                // mids that may not publish
	stereo   bool
	source   func(SendLine) string
	name     func(ReceiveLine) LineName

	published, unpublished []*Publication
	sent                   []SendLine
	data                   map[Channel][]string // at the server
	came                   map[string][]string  // at the client, by label
}

var _ LiveKitHandler = (*kit)(nil)

func (k *kit) OnSendLine(l SendLine) SendTerms {
	if k.refuses[l.MID] {
		return SendTerms{}
	}
	if k.source != nil {
		return SendTerms{Source: k.source(l), Stereo: k.stereo}
	}
	if l.Video {
		return SendTerms{Source: SourceCamera}
	}
	return SendTerms{Source: SourceMicrophone, Stereo: k.stereo}
}

func (k *kit) OnPublication(p *Publication, l SendLine) {
	if p.Active() {
		k.w.t.Errorf("the publication of line %s begins open", l.MID)
	}
	k.published, k.sent = append(k.published, p), append(k.sent, l)
	p.SetMuted(false)
}

func (k *kit) OnUnpublication(p *Publication) { k.unpublished = append(k.unpublished, p) }

func (k *kit) OnReceiveLine(l ReceiveLine) LineName {
	if k.name != nil {
		return k.name(l)
	}
	return LineName{Stream: "PA_slot|TR_" + l.MID, Track: "TR_" + l.MID}
}

func (k *kit) OnData(c Channel, b []byte) {
	k.note(func() { k.data[c] = append(k.data[c], string(b)) })
}

// newKit prepares a client with data channels, as the SDKs do first.
func (w *world) newKit() *kit { return newKit(w.newClient(true)) }

func newKit(p *person) *kit {
	k := &kit{
		person: p, labelled: map[string]*webrtc.DataChannel{}, refuses: map[string]bool{},
		data: map[Channel][]string{}, came: map[string][]string{},
	}
	yes, no, zero := true, false, uint16(0)
	for c := range channelsOfLiveKit {
		init := &webrtc.DataChannelInit{Ordered: &yes}
		if c != Reliable {
			init = &webrtc.DataChannelInit{Ordered: &no, MaxRetransmits: &zero}
		}
		k.openLabelled(c.String(), init)
	}
	k.pc.OnTrack(k.listen)
	return k
}

func (k *kit) openLabelled(label string, init *webrtc.DataChannelInit) {
	dc, err := k.pc.CreateDataChannel(label, init)
	check(k.w.t, err)
	k.labelled[label] = dc
	dc.OnMessage(func(m webrtc.DataChannelMessage) {
		k.note(func() { k.came[label] = append(k.came[label], string(m.Data)) })
	})
}

// openSession is what a signalling door does first.
func (k *kit) openSession(o Offer) {
	k.w.t.Helper()
	o.Profile, o.Participant, o.Session, o.Handler = LiveKit, k.id, earshot.NewSessionID(), k
	session, err := k.w.sfu.Open(o)
	check(k.w.t, err)
	k.session = session
}

// negotiate makes an offer and takes the answer.
func (k *kit) negotiate(restart bool) {
	t := k.w.t
	t.Helper()
	offer, err := k.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	check(t, err)
	check(t, k.pc.SetLocalDescription(offer))
	k.answer, err = k.session.Renegotiate(k.w.ctx, k.pc.LocalDescription().SDP)
	if err != nil {
		t.Fatalf("Renegotiate: %v\n%s", err, offer.SDP)
	}
	if err := k.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: k.answer}); err != nil {
		t.Fatalf("%v in the answer\n%s", err, k.answer)
	}
}

// joinKit returns a client that is connected, with so many receive lines.
func (w *world) joinKit(voice, video int) *kit {
	w.t.Helper()
	k := w.newKit()
	k.receive(webrtc.RTPCodecTypeAudio, voice)
	k.receive(webrtc.RTPCodecTypeVideo, video)
	k.openSession(Offer{PublishAudio: true, PublishVideo: true, Subscribe: true})
	k.negotiate(false)
	k.connected()
	return k
}

func (k *kit) receive(kind webrtc.RTPCodecType, n int) {
	for range n {
		_, err := k.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		check(k.w.t, err)
	}
}

func (k *kit) connected() {
	k.w.t.Helper()
	for range 500 {
		if k.pc.ConnectionState() == webrtc.PeerConnectionStateConnected && k.labelled["_reliable"].ReadyState() == webrtc.DataChannelStateOpen {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	synctest.Wait()
	if k.labelled["_reliable"].ReadyState() != webrtc.DataChannelStateOpen {
		k.w.t.Fatalf("channel is %s, connection %s\n%s", k.labelled["_reliable"].ReadyState(), k.pc.ConnectionState(), k.answer)
	}
}

// line returns the media line of an answer with a mid.
func (k *kit) line(mid string) string {
	k.w.t.Helper()
	for _, m := range strings.Split(k.answer, "\nm=")[1:] {
		if strings.Contains(m, "a=mid:"+mid+"\r\n") {
			return m
		}
	}
	k.w.t.Fatalf("no line %q in\n%s", mid, k.answer)
	return ""
}

// speak has k say n frames and returns how many of them each listener got in all
// its voice slots.
func (k *kit) speak(n int, to ...*kit) string {
	for _, l := range to {
		l.clear()
	}
	k.say("from "+string(k.id), n, -30)
	time.Sleep(200 * time.Millisecond)
	var got []string
	for _, l := range to {
		count := 0
		for _, mid := range l.session.VoiceMIDs() {
			for _, a := range l.received(mid) {
				if a.payload == "from "+string(k.id) {
					count++
				}
			}
		}
		got = append(got, fmt.Sprint(count > n-3 && count <= n, " ", count == 0))
	}
	return strings.Join(got, ", ")
}

// What speak returns for one listener.
const (
	allCame  = "true false"
	noneCame = "false true"
)

// reoffer makes an offer whose line with a mark is changed.
func (k *kit) reoffer(mark string, change func(string) string) {
	t := k.w.t
	t.Helper()
	offer, err := k.pc.CreateOffer(nil)
	check(t, err)
	lines := strings.SplitAfter(offer.SDP, "\r\nm=")
	for i, l := range lines {
		if strings.Contains(l, mark) {
			lines[i] = change(l)
		}
	}
	k.answer, err = k.session.Renegotiate(k.w.ctx, strings.Join(lines, ""))
	if err != nil {
		t.Fatalf("Renegotiate: %v\n%s", err, strings.Join(lines, ""))
	}
}
