package wire

// DataPacket is a message on a data channel. Only packets that the server
// itself writes or reads are decoded: see Envelope for those of others.
type DataPacket struct {
	Kind                  int32          `pb:"1"` // 0 reliable, 1 lossy
	User                  *UserPacket    `pb:"2"`
	ParticipantIdentity   string         `pb:"4"`
	DestinationIdentities []string       `pb:"5"`
	Transcription         *Transcription `pb:"7"`
	ChatMessage           *ChatMessage   `pb:"9"`
	StreamHeader          *StreamHeader  `pb:"13"`
	StreamChunk           *StreamChunk   `pb:"14"`
	StreamTrailer         *StreamTrailer `pb:"15"`
	Sequence              uint32         `pb:"16"`
	ParticipantSID        string         `pb:"17"`
}

// UserPacket carries bytes of the application.
type UserPacket struct {
	ParticipantSID        string   `pb:"1"`
	Payload               []byte   `pb:"2"`
	DestinationSIDs       []string `pb:"3"`
	Topic                 *string  `pb:"4"`
	ParticipantIdentity   string   `pb:"5"`
	DestinationIdentities []string `pb:"6"`
}

// Transcription is what somebody was heard to say.
type Transcription struct {
	TranscribedIdentity string                  `pb:"2"`
	TrackID             string                  `pb:"3"`
	Segments            []*TranscriptionSegment `pb:"4"`
}

// TranscriptionSegment is a piece of it. A later one with the same id replaces
// it until one is final.
type TranscriptionSegment struct {
	ID       string `pb:"1"`
	Text     string `pb:"2"`
	Final    bool   `pb:"5"`
	Language string `pb:"6"`
}

// ChatMessage is a line of chat.
type ChatMessage struct {
	ID        string `pb:"1"`
	Timestamp int64  `pb:"2"` // Unix ms
	Message   string `pb:"4"`
	Deleted   bool   `pb:"5"`
	Generated bool   `pb:"6"`
}

// StreamHeader opens a data stream: a text or bytes sent in chunks.
type StreamHeader struct {
	StreamID      string            `pb:"1"`
	Timestamp     int64             `pb:"2"` // Unix ms
	Topic         string            `pb:"3"`
	MimeType      string            `pb:"4"`
	TotalLength   *uint64           `pb:"5"` // bytes
	Attributes    map[string]string `pb:"8"`
	TextHeader    *TextHeader       `pb:"9"`
	ByteHeader    *ByteHeader       `pb:"10"`
	InlineContent *[]byte           `pb:"11"`
	Compression   int32             `pb:"12"` // 0 none
}

// TextHeader makes a stream one of text.
type TextHeader struct {
	OperationType     int32    `pb:"1"`
	Version           int32    `pb:"2"`
	ReplyToStreamID   string   `pb:"3"`
	AttachedStreamIDs []string `pb:"4"`
	Generated         bool     `pb:"5"`
}

// ByteHeader makes a stream one of bytes.
type ByteHeader struct {
	Name string `pb:"1"`
}

// StreamChunk is a piece of a data stream.
type StreamChunk struct {
	StreamID   string `pb:"1"`
	ChunkIndex uint64 `pb:"2"`
	Content    []byte `pb:"3"`
}

// StreamTrailer ends a data stream.
type StreamTrailer struct {
	StreamID string `pb:"1"`
	Reason   string `pb:"2"`
}
