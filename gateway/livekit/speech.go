package livekit

import (
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

// The topics of data that have a meaning here. Those of lk are LiveKit's own:
// its components and agents use them.
const (
	TopicPrefix        = "earshot."        // of topics that only the server writes to clients
	TopicPose          = "earshot.pose"    // where somebody is
	TopicPeople        = "earshot.people"  // who the poses are of
	TopicControl       = "earshot.control" // messages of PROTOCOL.md
	TopicChat          = "lk.chat"
	TopicTranscription = "lk.transcription"
)

// The attributes of lk.transcription's streams.
const (
	attributeSegment = "lk.segment_id"
	attributeFinal   = "lk.transcription_final"
	attributeTrack   = "lk.transcribed_track_id"
)

// Author is who a packet comes from, as receivers know them.
type Author struct{ Identity, SID string }

// AppendChat appends the packets of a line of chat to dst: a text stream, which
// newer SDKs read, and a chat message for those before it.
func AppendChat(dst []*wire.DataPacket, from Author, c *protocol.Chat, now int64) []*wire.DataPacket {
	dst = appendText(dst, from, &wire.StreamHeader{StreamID: string(c.ID), Timestamp: now, Topic: TopicChat}, c.Text)
	return append(dst, from.packet(&wire.DataPacket{
		ChatMessage: &wire.ChatMessage{ID: string(c.ID), Timestamp: now, Message: c.Text},
	}))
}

// AppendCaption appends the packets of what an NPC says to dst: a text stream
// whose segment the next one replaces until one is final, and a transcription
// for older SDKs. track is the sid of its voice, serial tells its streams apart.
func AppendCaption(dst []*wire.DataPacket, from Author, c *protocol.Caption, track string, now int64, serial string) []*wire.DataPacket {
	final := "false"
	if c.Final {
		final = "true"
	}
	dst = appendText(dst, from, &wire.StreamHeader{
		StreamID: string(c.ID) + "-" + serial, Timestamp: now, Topic: TopicTranscription,
		Attributes: map[string]string{attributeSegment: string(c.ID), attributeFinal: final, attributeTrack: track},
	}, c.Text)
	return append(dst, from.packet(&wire.DataPacket{Transcription: &wire.Transcription{
		TranscribedIdentity: from.Identity, TrackID: track,
		Segments: []*wire.TranscriptionSegment{{ID: string(c.ID), Text: c.Text, Final: c.Final}},
	}}))
}

// appendText appends the packets of a text stream of one chunk: what is said
// here is shorter than a chunk may be.
func appendText(dst []*wire.DataPacket, from Author, h *wire.StreamHeader, text string) []*wire.DataPacket {
	length := uint64(len(text))
	h.MimeType, h.TotalLength, h.TextHeader = "text/plain", &length, &wire.TextHeader{}
	return append(dst,
		from.packet(&wire.DataPacket{StreamHeader: h}),
		from.packet(&wire.DataPacket{StreamChunk: &wire.StreamChunk{StreamID: h.StreamID, Content: []byte(text)}}),
		from.packet(&wire.DataPacket{StreamTrailer: &wire.StreamTrailer{StreamID: h.StreamID}}))
}

func (a Author) packet(p *wire.DataPacket) *wire.DataPacket {
	p.ParticipantIdentity, p.ParticipantSID = a.Identity, a.SID
	return p
}

const (
	// maxChatBytes bounds a line of chat that comes as a stream: the most that
	// protocol.MaxChatRunes can be.
	maxChatBytes = 4 * protocol.MaxChatRunes
	maxDrafts    = 4
)

// Drafts puts the lines of chat together that a client sends as text streams.
// What is too long, or begun and not ended while others are, is dropped. The
// zero value is ready; it belongs to one goroutine.
type Drafts struct{ open []draft }

type draft struct {
	id   string
	text []byte
}

// Take reads a packet of a data stream. mine says that the stream is one of
// chat, so that its packets go no further; done, that text is now whole.
func (d *Drafts) Take(member wire.Member, body []byte) (text string, done, mine bool) {
	switch member {
	case wire.MemberStreamHeader:
		var h wire.StreamHeader
		if wire.Unmarshal(body, &h) != nil || h.Topic != TopicChat {
			return "", false, false
		}
		return d.begin(&h)
	case wire.MemberStreamChunk:
		var c wire.StreamChunk
		if wire.Unmarshal(body, &c) != nil {
			return "", false, false
		}
		return "", false, d.add(&c)
	case wire.MemberStreamTrailer:
		var t wire.StreamTrailer
		if wire.Unmarshal(body, &t) != nil {
			return "", false, false
		}
		return d.end(t.StreamID)
	}
	return "", false, false
}

func (d *Drafts) begin(h *wire.StreamHeader) (text string, done, mine bool) {
	if h.InlineContent != nil && h.Compression == 0 {
		return string(*h.InlineContent), true, true
	}
	if h.TextHeader == nil || h.Compression != 0 {
		return "", false, true // a file, or packed: chat is text
	}
	if len(d.open) == maxDrafts {
		d.open = append(d.open[:0], d.open[1:]...)
	}
	d.open = append(d.open, draft{id: h.StreamID})
	return "", false, true
}

func (d *Drafts) add(c *wire.StreamChunk) bool {
	for i := range d.open {
		if d.open[i].id == c.StreamID {
			if len(d.open[i].text)+len(c.Content) <= maxChatBytes+1 {
				d.open[i].text = append(d.open[i].text, c.Content...)
			} else {
				d.open[i].text = append(d.open[i].text[:0], make([]byte, maxChatBytes+1)...) // too long, whatever follows
			}
			return true
		}
	}
	return false
}

func (d *Drafts) end(id string) (text string, done, mine bool) {
	for i := range d.open {
		if d.open[i].id == id {
			text = string(d.open[i].text)
			d.open = append(d.open[:i], d.open[i+1:]...)
			return text, len(text) <= maxChatBytes, true
		}
	}
	return "", false, false
}
