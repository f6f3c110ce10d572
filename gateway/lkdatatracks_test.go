package gateway

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/sfu"
)

// push sends a packet of a data track.
func (c *lkClient) push(handle byte, text string) {
	c.n.t.Helper()
	packet := append([]byte{0x18, 0, 0, handle, 0, 1, 0, 1, 0, 0, 0, 0}, text...)
	dc := c.data["_data_track"]
	c.until("the channel to open", func() bool { return dc.ReadyState().String() == "open" })
	if err := dc.Send(packet); err != nil {
		c.n.t.Error(err)
	}
}

// pushed reports whether a packet came, and under which handle.
func (c *lkClient) pushed(text string) (handle byte, came bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.frames {
		if bytes.Equal(f[12:], []byte(text)) {
			return f[3], true
		}
	}
	return 0, false
}

// TestLiveKitDataTracks: a data track is announced to all, its packets go to who
// subscribed, under the handle that they were told, and not past blocks, walls,
// distances and permissions.
func TestLiveKitDataTracks(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	a := n.admin()
	ada, bob, eve := n.livekit("ada", nil), n.livekit0("bob", nil), n.livekit("eve", nil)
	in := n.plaza()
	ada.send(&wire.SignalRequest{PublishDataTrack: &wire.PublishDataTrack{PubHandle: 9, Name: "servo"}})
	bob.until("the track", func() bool { return bob.people["ada"] != nil && len(bob.people["ada"].DataTracks) == 1 })
	sid := bob.person("ada").DataTracks[0].SID
	answered := func(c *lkClient, f func(*wire.SignalResponse) bool) func() bool {
		return func() bool {
			for _, r := range c.all {
				if f(r) {
					return true
				}
			}
			return false
		}
	}
	ada.until("the answer", answered(ada, func(r *wire.SignalResponse) bool {
		return r.PublishDataTrack != nil && r.PublishDataTrack.Info.SID == sid
	}))
	ada.send(&wire.SignalRequest{PublishDataTrack: &wire.PublishDataTrack{PubHandle: 9, Name: "other"}})
	ada.until("the refusal", answered(ada, func(r *wire.SignalResponse) bool {
		return r.RequestResponse != nil && r.RequestResponse.Reason == wire.RequestDuplicateHandle && r.RequestResponse.PublishDataTrack.Name == "other"
	}))
	bob.send(&wire.SignalRequest{UpdateDataSubscription: &wire.UpdateDataSubscription{Updates: []*wire.DataSubscription{
		{TrackSID: sid, Subscribe: true}, {TrackSID: "DTR_nobody_x1", Subscribe: true},
	}}})
	var handle uint32
	bob.until("the handle", answered(bob, func(r *wire.SignalResponse) bool {
		if r.DataTrackHandles == nil || len(r.DataTrackHandles.SubHandles) != 1 {
			return false
		}
		for h, track := range r.DataTrackHandles.SubHandles {
			handle = h
			return track.TrackSID == sid && track.PublisherIdentity == "ada"
		}
		return false
	}))
	comes := func(text string) {
		t.Helper()
		eventually(t, text, func() bool {
			ada.push(9, text)
			h, came := bob.pushed(text)
			return came && uint32(h) == handle
		})
	}
	stays := func(text string) {
		t.Helper()
		for range 5 {
			ada.push(9, text)
		}
		pause(300 * time.Millisecond)
		if _, came := bob.pushed(text); came {
			t.Errorf("%s: a packet came", text)
		}
	}
	comes("first")
	ada.push(8, "of no track")
	s, of := in.live.Load().byID[bob.id()], in.live.Load().byID[ada.id()]
	if err := in.block(s, ada.id(), true); err != nil {
		t.Fatal(err)
	}
	stays("blocked")
	_ = in.block(s, ada.id(), false)
	comes("unblocked")
	in.space.Move(ada.id(), earshot.Standing(earshot.Vec3{X: 200}, 0), time.Now())
	pause(2 * lkDataNear)
	stays("far away")
	in.space.Move(ada.id(), earshot.Standing(earshot.Vec3{}, 0), time.Now())
	comes("near again")
	subscribe := &wire.SignalRequest{UpdateDataSubscription: &wire.UpdateDataSubscription{Updates: []*wire.DataSubscription{{TrackSID: sid, Subscribe: true}}}}
	a.permit("bob", wire.ParticipantPermission{CanPublish: true, CanPublishData: true})
	bob.until("no handle", func() bool {
		last := slices.IndexFunc(bob.all, func(r *wire.SignalResponse) bool {
			return r.DataTrackHandles != nil && len(r.DataTrackHandles.SubHandles) == 0
		})
		return last >= 0
	})
	bob.send(subscribe)
	stays("may not subscribe")
	a.permit("bob", wire.ParticipantPermission{CanSubscribe: true, CanPublish: true, CanPublishData: true})
	bob.send(subscribe)
	eventually(t, "the subscription", func() bool {
		to, subscribed := s.door.dataHandle(sid)
		handle = uint32(to)
		return subscribed
	})
	comes("may again")
	bob.send(&wire.SignalRequest{UpdateDataSubscription: &wire.UpdateDataSubscription{Updates: []*wire.DataSubscription{{TrackSID: sid}}}})
	eventually(t, "the end of the subscription", func() bool { _, subscribed := s.door.dataHandle(sid); return !subscribed })
	stays("unsubscribed")
	if _, came := eve.pushed("first"); came {
		t.Error("eve, who did not subscribe, got a packet")
	}
	a.permit("ada", wire.ParticipantPermission{CanSubscribe: true, CanPublish: true})
	ada.until("the track taken back", answered(ada, func(r *wire.SignalResponse) bool {
		return r.UnpublishDataTrack != nil && r.UnpublishDataTrack.Info.SID == sid
	}))
	bob.until("no track", func() bool { return len(bob.people["ada"].DataTracks) == 0 })
	if len(of.door.dataTrackInfos()) != 0 {
		t.Error("it is published still")
	}
	ada.send(&wire.SignalRequest{PublishDataTrack: &wire.PublishDataTrack{PubHandle: 9, Name: "servo"}})
	ada.until("the refusal", answered(ada, func(r *wire.SignalResponse) bool {
		return r.RequestResponse != nil && r.RequestResponse.Reason == wire.RequestNotAllowed && r.RequestResponse.PublishDataTrack != nil
	}))
	if _, came := bob.pushed("of no track"); came {
		t.Error("a packet of no track was passed on")
	}
}

// TestLiveKitChannelsOfOneLabel: what a client sends at once by several channels of
// one label, as it may, comes by as many goroutines.
func TestLiveKitChannelsOfOneLabel(t *testing.T) {
	n := startNode(t, nil)
	ada, bob := n.livekit("ada", nil), n.livekit("bob", nil)
	ada.send(&wire.SignalRequest{PublishDataTrack: &wire.PublishDataTrack{PubHandle: 9, Name: "servo"}})
	bob.until("the track", func() bool { return bob.people["ada"] != nil && len(bob.people["ada"].DataTracks) == 1 })
	line := n.plaza().live.Load().byID[ada.id()].door
	var channels sync.WaitGroup
	for i := range 4 {
		channels.Go(func() {
			id := string(rune('a' + i))
			for range 50 {
				line.OnData(sfu.Reliable, wire.Marshal(&wire.DataPacket{StreamHeader: &wire.StreamHeader{
					StreamID: id, Topic: livekit.TopicChat, TextHeader: &wire.TextHeader{},
				}}))
				line.OnData(sfu.Reliable, wire.Marshal(&wire.DataPacket{StreamChunk: &wire.StreamChunk{StreamID: id, Content: []byte("hello")}}))
				line.OnData(sfu.DataTrack, []byte{0x18, 0, 0, 9, 0, 1, 0, 1, 0, 0, 0, 0, 'x'})
			}
		})
	}
	channels.Wait()
}
