package wire

// SignalRequest is what a client sends: one of the members.
type SignalRequest struct {
	Offer                  *SessionDescription     `pb:"1"`
	Answer                 *SessionDescription     `pb:"2"`
	Trickle                *Trickle                `pb:"3"`
	AddTrack               *AddTrack               `pb:"4"`
	Mute                   *MuteTrack              `pb:"5"`
	Subscription           *UpdateSubscription     `pb:"6"`
	TrackSetting           *UpdateTrackSettings    `pb:"7"`
	Leave                  *Leave                  `pb:"8"`
	SubscriptionPermission *SubscriptionPermission `pb:"11"`
	SyncState              *SyncState              `pb:"12"`
	Simulate               *Simulate               `pb:"13"`
	Ping                   *int64                  `pb:"14"` // Unix ms
	UpdateMetadata         *UpdateMetadata         `pb:"15"`
	PingReq                *Ping                   `pb:"16"`
	UpdateAudioTrack       *UpdateAudioTrack       `pb:"17"`
	UpdateVideoTrack       *UpdateVideoTrack       `pb:"18"`
	PublishDataTrack       *PublishDataTrack       `pb:"19"`
	UnpublishDataTrack     *UnpublishDataTrack     `pb:"20"`
	UpdateDataSubscription *UpdateDataSubscription `pb:"21"`
}

// SessionDescription is an SDP with what belongs to it.
type SessionDescription struct {
	Type         string            `pb:"1"` // "offer" or "answer"
	SDP          string            `pb:"2"`
	ID           uint32            `pb:"3"` // of the offer; its answer repeats it
	MIDToTrackID map[string]string `pb:"4"`
}

// Trickle is TrickleRequest: an ICE candidate.
type Trickle struct {
	CandidateInit string `pb:"1"` // JSON of RTCIceCandidateInit
	Target        int32  `pb:"2"` // 0 is the publisher's connection, 1 the subscriber's
	Final         bool   `pb:"3"`
}

// AddTrack announces a track that the next offer carries.
type AddTrack struct {
	CID             string            `pb:"1"`
	Name            string            `pb:"2"`
	Type            TrackType         `pb:"3"`
	Width           uint32            `pb:"4"`
	Height          uint32            `pb:"5"`
	Muted           bool              `pb:"6"`
	DisableDTX      bool              `pb:"7"`
	Source          TrackSource       `pb:"8"`
	Layers          []*VideoLayer     `pb:"9"`
	SimulcastCodecs []*SimulcastCodec `pb:"10"`
	SID             string            `pb:"11"` // of the track that gets a second codec
	Stereo          bool              `pb:"12"`
	DisableRED      bool              `pb:"13"`
	Encryption      EncryptionType    `pb:"14"`
	Stream          string            `pb:"15"`
	AudioFeatures   []AudioFeature    `pb:"17"`
}

// SimulcastCodec is a codec that a track is published in.
type SimulcastCodec struct {
	Codec  string        `pb:"1"`
	CID    string        `pb:"2"`
	Layers []*VideoLayer `pb:"4"`
}

// MuteTrack is MuteTrackRequest.
type MuteTrack struct {
	SID   string `pb:"1"`
	Muted bool   `pb:"2"`
}

// UpdateSubscription asks for tracks, or for no more of them.
type UpdateSubscription struct {
	TrackSIDs         []string             `pb:"1"`
	Subscribe         bool                 `pb:"2"`
	ParticipantTracks []*ParticipantTracks `pb:"3"`
}

// UpdateTrackSettings says how tracks are wanted.
type UpdateTrackSettings struct {
	TrackSIDs []string     `pb:"1"`
	Disabled  bool         `pb:"3"`
	Quality   VideoQuality `pb:"4"`
	Width     uint32       `pb:"5"` // pixels
	Height    uint32       `pb:"6"` // pixels
	FPS       uint32       `pb:"7"`
	Priority  uint32       `pb:"8"`
}

// Leave ends a session, in either direction.
type Leave struct {
	CanReconnect bool             `pb:"1"`
	Reason       DisconnectReason `pb:"2"`
	Action       LeaveAction      `pb:"3"`
}

// LeaveAction is what a client does about a Leave.
type LeaveAction int32

// LeaveAction.
const (
	ActionDisconnect LeaveAction = iota
	ActionResume
	ActionReconnect
)

// SubscriptionPermission says who may subscribe to one's tracks.
type SubscriptionPermission struct {
	AllParticipants  bool               `pb:"1"`
	TrackPermissions []*TrackPermission `pb:"2"`
}

// TrackPermission says which of one's tracks a participant may subscribe to.
type TrackPermission struct {
	ParticipantSID      string   `pb:"1"`
	AllTracks           bool     `pb:"2"`
	TrackSIDs           []string `pb:"3"`
	ParticipantIdentity string   `pb:"4"`
}

// SyncState says after a resume what the client believes.
type SyncState struct {
	Answer            *SessionDescription `pb:"1"`
	Subscription      *UpdateSubscription `pb:"2"`
	PublishTracks     []*TrackPublished   `pb:"3"`
	Offer             *SessionDescription `pb:"5"`
	TrackSIDsDisabled []string            `pb:"6"`
}

// Simulate is SimulateScenario: what a client wants to be tested by.
type Simulate struct {
	ServerLeave   *bool `pb:"4"`
	FullReconnect *bool `pb:"9"`
}

// UpdateMetadata changes what a participant says of themselves. An attribute
// of "" is deleted.
type UpdateMetadata struct {
	Metadata   string            `pb:"1"`
	Name       string            `pb:"2"`
	Attributes map[string]string `pb:"3"`
	RequestID  uint32            `pb:"4"`
}

// Ping measures the way; times are Unix milliseconds.
type Ping struct {
	Timestamp int64 `pb:"1"`
	RTT       int64 `pb:"2"` // ms
}

// UpdateAudioTrack is UpdateLocalAudioTrack.
type UpdateAudioTrack struct {
	TrackSID string         `pb:"1"`
	Features []AudioFeature `pb:"2"`
}

// UpdateVideoTrack is UpdateLocalVideoTrack.
type UpdateVideoTrack struct {
	TrackSID string `pb:"1"`
	Width    uint32 `pb:"2"` // pixels
	Height   uint32 `pb:"3"` // pixels
}

// JoinRequest is the query of /rtc/v1.
type JoinRequest struct {
	ClientInfo            *ClientInfo         `pb:"1"`
	ConnectionSettings    *ConnectionSettings `pb:"2"`
	Metadata              string              `pb:"3"`
	ParticipantAttributes map[string]string   `pb:"4"`
	AddTrackRequests      []*AddTrack         `pb:"5"`
	PublisherOffer        *SessionDescription `pb:"6"`
	Reconnect             bool                `pb:"7"`
	ReconnectReason       int32               `pb:"8"`
	ParticipantSID        string              `pb:"9"`
	SyncState             *SyncState          `pb:"10"`
}

// ConnectionSettings say how a client wants to be served.
type ConnectionSettings struct {
	AutoSubscribe        bool  `pb:"1"`
	AdaptiveStream       bool  `pb:"2"`
	SubscriberAllowPause *bool `pb:"3"`
	AutoSubscribeData    *bool `pb:"5"`
}

// WrappedJoinRequest is a JoinRequest, perhaps packed.
type WrappedJoinRequest struct {
	Compression int32  `pb:"1"` // 0 none, 1 gzip
	JoinRequest []byte `pb:"2"`
}
