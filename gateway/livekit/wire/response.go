package wire

// SignalResponse is what the server sends: one of the members.
type SignalResponse struct {
	Join                         *JoinResponse                 `pb:"1"`
	Answer                       *SessionDescription           `pb:"2"`
	Offer                        *SessionDescription           `pb:"3"`
	Trickle                      *Trickle                      `pb:"4"`
	Update                       *ParticipantUpdate            `pb:"5"`
	TrackPublished               *TrackPublished               `pb:"6"`
	Leave                        *Leave                        `pb:"8"`
	Mute                         *MuteTrack                    `pb:"9"`
	SpeakersChanged              *SpeakersChanged              `pb:"10"`
	RoomUpdate                   *RoomUpdate                   `pb:"11"`
	ConnectionQuality            *ConnectionQualityUpdate      `pb:"12"`
	StreamStateUpdate            *StreamStateUpdate            `pb:"13"`
	SubscribedQualityUpdate      *SubscribedQualityUpdate      `pb:"14"`
	SubscriptionPermissionUpdate *SubscriptionPermissionUpdate `pb:"15"`
	RefreshToken                 *string                       `pb:"16"`
	TrackUnpublished             *TrackUnpublished             `pb:"17"`
	Pong                         *int64                        `pb:"18"` // Unix ms
	Reconnect                    *ReconnectResponse            `pb:"19"`
	PongResp                     *Pong                         `pb:"20"`
	SubscriptionResponse         *SubscriptionResponse         `pb:"21"`
	RequestResponse              *RequestResponse              `pb:"22"`
	TrackSubscribed              *TrackSubscribed              `pb:"23"`
	MediaSectionsRequirement     *MediaSections                `pb:"25"`
	PublishDataTrack             *DataTrackResponse            `pb:"27"`
	UnpublishDataTrack           *DataTrackResponse            `pb:"28"`
	DataTrackHandles             *DataTrackHandles             `pb:"29"`
}

// JoinResponse is the first message to who was let in.
type JoinResponse struct {
	Room                 *Room                `pb:"1"`
	Participant          *ParticipantInfo     `pb:"2"`
	OtherParticipants    []*ParticipantInfo   `pb:"3"`
	ServerVersion        string               `pb:"4"`
	ICEServers           []*ICEServer         `pb:"5"`
	SubscriberPrimary    bool                 `pb:"6"`
	ClientConfiguration  *ClientConfiguration `pb:"8"`
	ServerRegion         string               `pb:"9"`
	PingTimeout          int32                `pb:"10"` // s
	PingInterval         int32                `pb:"11"` // s
	ServerInfo           *ServerInfo          `pb:"12"`
	EnabledPublishCodecs []*Codec             `pb:"14"`
	FastPublish          bool                 `pb:"15"`
}

// ClientConfiguration tells a client what it may do; 1 is disabled, 2 enabled.
type ClientConfiguration struct {
	ResumeConnection int32 `pb:"3"`
	ForceRelay       int32 `pb:"5"`
}

// ReconnectResponse is the first message to who resumes.
type ReconnectResponse struct {
	ICEServers          []*ICEServer         `pb:"1"`
	ClientConfiguration *ClientConfiguration `pb:"2"`
	ServerInfo          *ServerInfo          `pb:"3"`
	LastMessageSeq      uint32               `pb:"4"`
}

// ICEServer is a STUN or TURN server.
type ICEServer struct {
	URLs       []string `pb:"1"`
	Username   string   `pb:"2"`
	Credential string   `pb:"3"`
}

// ParticipantUpdate tells of participants that came, changed or went.
type ParticipantUpdate struct {
	Participants []*ParticipantInfo `pb:"1"`
}

// TrackPublished answers AddTrack.
type TrackPublished struct {
	CID   string     `pb:"1"`
	Track *TrackInfo `pb:"2"`
}

// TrackUnpublished tells a publisher that a track of theirs is gone.
type TrackUnpublished struct {
	TrackSID string `pb:"1"`
}

// SpeakersChanged tells of those whose speaking changed.
type SpeakersChanged struct {
	Speakers []*SpeakerInfo `pb:"1"`
}

// RoomUpdate tells that the room changed.
type RoomUpdate struct {
	Room *Room `pb:"1"`
}

// ConnectionQualityUpdate grades connections.
type ConnectionQualityUpdate struct {
	Updates []*ConnectionQualityInfo `pb:"1"`
}

// ConnectionQualityInfo grades one connection.
type ConnectionQualityInfo struct {
	ParticipantSID string            `pb:"1"`
	Quality        ConnectionQuality `pb:"2"`
	Score          float32           `pb:"3"` // 0 to 5
}

// StreamStateUpdate tells of received tracks that paused or go on.
type StreamStateUpdate struct {
	StreamStates []*StreamStateInfo `pb:"1"`
}

// StreamStateInfo is the state of one received track.
type StreamStateInfo struct {
	ParticipantSID string      `pb:"1"`
	TrackSID       string      `pb:"2"`
	State          StreamState `pb:"3"`
}

// StreamState says whether a track is being sent.
type StreamState int32

// StreamState.
const (
	StreamActive StreamState = iota
	StreamPaused
)

// SubscribedQualityUpdate tells a publisher which layers anybody watches.
type SubscribedQualityUpdate struct {
	TrackSID            string               `pb:"1"`
	SubscribedQualities []*SubscribedQuality `pb:"2"`
	SubscribedCodecs    []*SubscribedCodec   `pb:"3"`
}

// SubscribedQuality says whether a layer is watched.
type SubscribedQuality struct {
	Quality VideoQuality `pb:"1"`
	Enabled bool         `pb:"2"`
}

// SubscribedCodec says which layers of a codec are watched.
type SubscribedCodec struct {
	Codec     string               `pb:"1"`
	Qualities []*SubscribedQuality `pb:"2"`
}

// SubscriptionPermissionUpdate tells that one may or may no longer subscribe.
type SubscriptionPermissionUpdate struct {
	ParticipantSID string `pb:"1"`
	TrackSID       string `pb:"2"`
	Allowed        bool   `pb:"3"`
}

// Pong answers Ping; times are Unix milliseconds.
type Pong struct {
	LastPingTimestamp int64 `pb:"1"`
	Timestamp         int64 `pb:"2"`
}

// SubscriptionResponse tells that a subscription failed.
type SubscriptionResponse struct {
	TrackSID string `pb:"1"`
	Err      int32  `pb:"2"` // 1 codec unsupported, 2 track not found
}

// RequestReason is RequestResponse.Reason.
type RequestReason int32

// RequestReason.
const (
	RequestOK RequestReason = iota
	RequestNotFound
	RequestNotAllowed
	RequestLimitExceeded
	RequestQueued
	RequestUnsupportedType
	RequestUnclassified
	RequestInvalidHandle
	RequestInvalidName
	RequestDuplicateHandle
	RequestDuplicateName
	RequestInvalid
)

// RequestResponse answers a request, by its id or by repeating it.
type RequestResponse struct {
	RequestID      uint32          `pb:"1"`
	Reason         RequestReason   `pb:"2"`
	Message        string          `pb:"3"`
	AddTrack       *AddTrack       `pb:"5"`
	Mute           *MuteTrack      `pb:"6"`
	UpdateMetadata *UpdateMetadata `pb:"7"`

	PublishDataTrack   *PublishDataTrack   `pb:"10"`
	UnpublishDataTrack *UnpublishDataTrack `pb:"11"`
}

// TrackSubscribed tells a publisher of the first subscriber.
type TrackSubscribed struct {
	TrackSID string `pb:"1"`
}

// MediaSections is MediaSectionsRequirement: for how many more received tracks
// of a kind the client shall offer lines.
type MediaSections struct {
	NumAudios uint32 `pb:"1"`
	NumVideos uint32 `pb:"2"`
}
