package livekit

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"earshot"
	"earshot/gateway/livekit/wire"
)

const (
	// MaxDataTracks bounds what one participant publishes.
	MaxDataTracks = 32
	// MaxDataSubscriptions bounds what one receives.
	MaxDataSubscriptions = 256

	maxDataTrackName    = 256 // characters, as LiveKit's
	maxDataTrackWord    = 32  // of an encoding's name
	prefixDataTrack     = "DTR_"
	dataHeader          = 12
	extensionSender     = 255 // the publisher's sid, which only servers write
	flagExtensions      = 1 << 2
	dataVersion         = 0
	dataVersionShift    = 5
	extensionsUnit      = 4
	extensionsSizeBytes = 2
)

// DataTracks are those that one participant publishes. The zero value is ready;
// it belongs to its caller's lock.
type DataTracks struct {
	Of     earshot.ParticipantID
	Tag    string // as Publications has it
	tracks []*wire.DataTrackInfo
	count  int
}

// Publish takes a data track. A reason other than RequestOK refuses it, with a
// message for people.
func (d *DataTracks) Publish(m *wire.PublishDataTrack) (info *wire.DataTrackInfo, reason wire.RequestReason, message string) {
	switch {
	case m.PubHandle == 0 || m.PubHandle > 0xffff:
		return nil, wire.RequestInvalidHandle, "a data track's handle is 1 to 65535"
	case m.Name == "" || utf8.RuneCountInString(m.Name) > maxDataTrackName:
		return nil, wire.RequestInvalidName, "a data track's name has 1 to 256 characters"
	case !fits(m.FrameEncoding) || m.Schema != nil && (m.Schema.Name == "" || utf8.RuneCountInString(m.Schema.Name) > maxDataTrackName || !fits(m.Schema.Encoding)):
		return nil, wire.RequestInvalid, "an encoding's own name has 1 to 32 characters, a schema's name 1 to 256"
	case len(d.tracks) >= MaxDataTracks:
		return nil, wire.RequestLimitExceeded, "you publish 32 data tracks, as many as may be"
	}
	for _, t := range d.tracks {
		switch {
		case t.PubHandle == m.PubHandle:
			return nil, wire.RequestDuplicateHandle, "you publish a data track with that handle already"
		case t.Name == m.Name:
			return nil, wire.RequestDuplicateName, "you publish a data track of that name already"
		}
	}
	d.count++
	info = &wire.DataTrackInfo{
		PubHandle: m.PubHandle, Name: m.Name, Encryption: m.Encryption, FrameEncoding: m.FrameEncoding, Schema: m.Schema,
		SID: prefixDataTrack + strings.TrimPrefix(string(d.Of), "pa_") + "_" + d.Tag + strconv.Itoa(d.count),
	}
	d.tracks = append(d.tracks, info)
	return info, wire.RequestOK, ""
}

// fits reports whether an encoding's own name, if it has one, is of a length that
// is taken.
func fits(e *wire.DataEncoding) bool {
	return e == nil || e.Custom == nil || *e.Custom != "" && utf8.RuneCountInString(*e.Custom) <= maxDataTrackWord
}

// Unpublish ends a data track and returns it, nil where there is none.
func (d *DataTracks) Unpublish(handle uint32) *wire.DataTrackInfo {
	i := slices.IndexFunc(d.tracks, func(t *wire.DataTrackInfo) bool { return t.PubHandle == handle })
	if i < 0 {
		return nil
	}
	info := d.tracks[i]
	d.tracks = slices.Delete(slices.Clone(d.tracks), i, i+1) // what Infos returned stays
	return info
}

// Infos returns the tracks. They do not change.
func (d *DataTracks) Infos() []*wire.DataTrackInfo { return d.tracks[:len(d.tracks):len(d.tracks)] }

// SIDOf returns the sid of the track that packets with a handle are of, "" for
// none.
func (d *DataTracks) SIDOf(handle uint16) string {
	for _, t := range d.tracks {
		if t.PubHandle == uint32(handle) {
			return t.SID
		}
	}
	return ""
}

// DataTrackPublisher returns whose data track a sid names, "" where it names none.
func DataTrackPublisher(sid string) earshot.ParticipantID {
	rest, ok := strings.CutPrefix(sid, prefixDataTrack)
	bar := strings.LastIndexByte(rest, '_')
	if !ok || bar < 1 || len(rest)-bar > 2*maxTag {
		return ""
	}
	if id := earshot.ParticipantID("pa_" + rest[:bar]); id.Valid() {
		return id
	}
	return ""
}

// DataSubscriptions are the data tracks that one client gets, with the handles
// under which it knows them. The zero value is ready; it belongs to its caller's
// lock.
type DataSubscriptions struct {
	handles map[string]uint16 // by sid
	last    uint16
}

// Subscribe adds a track; false where there is no room.
func (d *DataSubscriptions) Subscribe(sid string) bool {
	if _, there := d.handles[sid]; there {
		return true
	}
	if len(d.handles) >= MaxDataSubscriptions {
		return false
	}
	if d.handles == nil {
		d.handles = make(map[string]uint16)
	}
	for d.last++; d.last == 0 || d.taken(d.last); d.last++ { // it wraps
	}
	d.handles[sid] = d.last
	return true
}

func (d *DataSubscriptions) taken(handle uint16) bool {
	for _, h := range d.handles {
		if h == handle {
			return true
		}
	}
	return false
}

// Unsubscribe takes a track away.
func (d *DataSubscriptions) Unsubscribe(sid string) { delete(d.handles, sid) }

// Keep takes away all tracks of which there says that they are gone.
func (d *DataSubscriptions) Keep(there func(sid string) bool) {
	for sid := range d.handles {
		if !there(sid) {
			delete(d.handles, sid)
		}
	}
}

// Handle returns the handle of a track; ok is false where the client does not get
// it.
func (d *DataSubscriptions) Handle(sid string) (handle uint16, ok bool) {
	handle, ok = d.handles[sid]
	return handle, ok
}

// Handles lists the tracks by their handles.
func (d *DataSubscriptions) Handles() map[uint16]string {
	list := make(map[uint16]string, len(d.handles))
	for sid, handle := range d.handles {
		list[handle] = sid
	}
	return list
}

// DataHandle returns the handle of a packet of a data track (livekit/rust-sdks,
// livekit-datatrack/docs/packet-v0.md); ok is false where it is none, or carries a
// sender, which servers write.
func DataHandle(packet []byte) (handle uint16, ok bool) {
	if len(packet) < dataHeader || packet[0]>>dataVersionShift != dataVersion {
		return 0, false
	}
	handle = binary.BigEndian.Uint16(packet[2:])
	if packet[0]&flagExtensions == 0 {
		return handle, handle != 0
	}
	rest := packet[dataHeader:]
	if len(rest) < extensionsSizeBytes {
		return 0, false
	}
	size := (int(binary.BigEndian.Uint16(rest))+1)*extensionsUnit - extensionsSizeBytes
	if rest = rest[extensionsSizeBytes:]; size > len(rest) {
		return 0, false
	}
	for rest = rest[:size]; len(rest) > 0 && rest[0] != 0; { // 0 pads
		if len(rest) < 2 || len(rest) < 2+int(rest[1]) || rest[0] == extensionSender {
			return 0, false
		}
		rest = rest[2+int(rest[1]):]
	}
	return handle, handle != 0
}

// SetDataHandle changes the handle of a packet that DataHandle took.
func SetDataHandle(packet []byte, handle uint16) { binary.BigEndian.PutUint16(packet[2:], handle) }
