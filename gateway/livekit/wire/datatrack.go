package wire

// PublishDataTrack announces a data track, whose packets carry PubHandle.
type PublishDataTrack struct {
	PubHandle     uint32         `pb:"1"` // 1 to 65535
	Name          string         `pb:"2"`
	Encryption    EncryptionType `pb:"3"`
	FrameEncoding *DataEncoding  `pb:"4"`
	Schema        *DataSchema    `pb:"5"`
}

// UnpublishDataTrack ends a data track.
type UnpublishDataTrack struct {
	PubHandle uint32 `pb:"1"`
}

// DataTrackResponse answers either, and tells of a track that was taken back.
type DataTrackResponse struct {
	Info *DataTrackInfo `pb:"1"`
}

// DataTrackInfo is a data track as others see it.
type DataTrackInfo struct {
	PubHandle     uint32         `pb:"1" json:"pubHandle,omitempty"`
	SID           string         `pb:"2" json:"sid,omitempty"`
	Name          string         `pb:"3" json:"name,omitempty"`
	Encryption    EncryptionType `pb:"4" json:"encryption,omitempty"`
	FrameEncoding *DataEncoding  `pb:"5" json:"frameEncoding,omitempty"`
	Schema        *DataSchema    `pb:"6" json:"schema,omitempty"`
}

// DataEncoding says how frames, or schemas, are written: by a number of LiveKit's
// or a name of the application's.
type DataEncoding struct {
	WellKnown *int32  `pb:"1" json:"wellKnown,omitempty"`
	Custom    *string `pb:"2" json:"custom,omitempty"`
}

// DataSchema names the schema of a track's frames.
type DataSchema struct {
	Name     string        `pb:"1" json:"name,omitempty"`
	Encoding *DataEncoding `pb:"2" json:"encoding,omitempty"`
}

// UpdateDataSubscription asks for data tracks, or for no more of them.
type UpdateDataSubscription struct {
	Updates []*DataSubscription `pb:"1"`
}

// DataSubscription is one of them.
type DataSubscription struct {
	TrackSID  string `pb:"1"`
	Subscribe bool   `pb:"2"`
}

// DataTrackHandles says which track the packets are of that carry a handle: all
// that the client gets.
type DataTrackHandles struct {
	SubHandles map[uint32]*DataTrackHandle `pb:"1"`
}

// DataTrackHandle is one of them.
type DataTrackHandle struct {
	PublisherIdentity string `pb:"1"`
	PublisherSID      string `pb:"2"`
	TrackSID          string `pb:"3"`
}
