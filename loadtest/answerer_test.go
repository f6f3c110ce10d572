package loadtest

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"github.com/pion/webrtc/v4"

	"earshot/gateway/protocol"
)

// answerer is a server of one: it answers an offer as PROTOCOL.md says, says
// welcome, and returns voice and poses to their sender. It lets the bot be
// tested without the gateway.
type answerer struct {
	t  *testing.T
	pc *webrtc.PeerConnection

	mu       sync.Mutex
	lines    []string // the offer's m-lines and directions
	packed   bool
	ready    *protocol.Ready
	restarts int
	deleted  bool
	level    []byte // of the first voice packet
	control  *webrtc.DataChannel
}

func newAnswerer(t *testing.T) (*answerer, *httptest.Server) {
	a := &answerer{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/join", a.join)
	mux.HandleFunc("PATCH /v1/sessions/se_test", a.restart)
	mux.HandleFunc("DELETE /v1/sessions/se_test", a.delete)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.Close()
		if a.pc != nil {
			a.pc.GracefulClose()
		}
	})
	return a, server
}

func (a *answerer) join(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer good" {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"code":"unauthenticated","message":"send a token"}`)
		return
	}
	api, err := newAPI(&Config{}, &meters{})
	if err != nil {
		a.t.Error(err)
		return
	}
	if a.pc, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		a.t.Error(err)
		return
	}
	a.channels()
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		a.packed = true
		if body, err = gzip.NewReader(r.Body); err != nil {
			a.t.Error(err)
			return
		}
	}
	sdp, _ := io.ReadAll(body)
	a.media(string(sdp))
	if err := a.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: string(sdp)}); err != nil {
		a.t.Error(err)
		return
	}
	w.Header().Set("Location", "/v1/sessions/se_test")
	a.answer(w, http.StatusCreated)
}

// channels opens the negotiated channels: welcome, and poses back to sender.
func (a *answerer) channels() {
	open := func(label string, id uint16) *webrtc.DataChannel {
		yes := true
		dc, err := a.pc.CreateDataChannel(label, &webrtc.DataChannelInit{ID: &id, Negotiated: &yes})
		if err != nil {
			a.t.Error(err)
		}
		return dc
	}
	a.control = open(protocol.ChannelControl, protocol.ChannelControlID)
	up := open(protocol.ChannelPoseUp, protocol.ChannelPoseUpID)
	down := open(protocol.ChannelPoseDown, protocol.ChannelPoseDownID)
	a.control.OnOpen(func() {
		a.control.SendText(string(protocol.Encode(&protocol.Welcome{Protocol: 1, Session: "se_test",
			You: protocol.Participant{ID: "pa_me", Index: 7}})))
	})
	a.control.OnMessage(func(m webrtc.DataChannelMessage) {
		msg, _, err := protocol.Parse(m.Data)
		if err != nil {
			a.t.Errorf("the bot sent %s: %v", m.Data, err)
		}
		if ready, ok := msg.(*protocol.Ready); ok {
			a.mu.Lock()
			a.ready = ready
			a.mu.Unlock()
		}
	})
	up.OnMessage(func(m webrtc.DataChannelMessage) { down.Send(m.Data) })
}

// media notes the lines of the offer and puts the microphone into every slot.
// pion matches lines of its own to those of the offer in order.
func (a *answerer) media(offer string) {
	var slots []*webrtc.TrackLocalStaticRTP
	a.lines = regexp.MustCompile(`(?m)^(m=[a-z]+|a=(send|recv)only)`).FindAllString(offer, -1)
	for _, line := range a.lines {
		if line != "a=recvonly" {
			continue
		}
		track, _ := webrtc.NewTrackLocalStaticRTP(
			webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "slot"+strconv.Itoa(len(slots)), "earshot")
		_, err := a.pc.AddTransceiverFromTrack(track,
			webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			a.t.Error(err)
		}
		slots = append(slots, track)
	}
	a.pc.OnTrack(func(mic *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		id := 0
		for _, e := range r.GetParameters().HeaderExtensions {
			if e.URI == levelURI {
				id = e.ID
			}
		}
		for {
			p, _, err := mic.ReadRTP()
			if err != nil {
				return
			}
			a.mu.Lock()
			if a.level == nil {
				a.level = p.GetExtension(uint8(id))
			}
			a.mu.Unlock()
			for _, s := range slots {
				s.WriteRTP(p)
			}
		}
	})
}

func (a *answerer) answer(w http.ResponseWriter, status int) {
	answer, err := a.pc.CreateAnswer(nil)
	if err != nil {
		a.t.Error(err)
		return
	}
	gathered := webrtc.GatheringCompletePromise(a.pc)
	if err := a.pc.SetLocalDescription(answer); err != nil {
		a.t.Error(err)
		return
	}
	<-gathered
	w.Header().Set("Content-Type", "application/sdp")
	w.WriteHeader(status)
	io.WriteString(w, a.pc.LocalDescription().SDP)
}

func (a *answerer) restart(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.restarts++
	a.mu.Unlock()
	sdp, _ := io.ReadAll(r.Body)
	if err := a.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: string(sdp)}); err != nil {
		a.t.Error(err)
	}
	a.answer(w, http.StatusOK)
}

func (a *answerer) delete(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	a.deleted = true
	a.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}
