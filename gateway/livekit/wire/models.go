package wire

// The enumerations of livekit_models.proto that are read or written here.
type (
	// TrackType says what a track carries.
	TrackType int32
	// TrackSource says where a track comes from.
	TrackSource int32
	// ParticipantState says how far a participant has come.
	ParticipantState int32
	// ParticipantKind says what a participant is.
	ParticipantKind int32
	// DisconnectReason says why a session ended.
	DisconnectReason int32
	// ConnectionQuality is a grade of a participant's connection.
	ConnectionQuality int32
	// VideoQuality names a layer of simulcast.
	VideoQuality int32
	// EncryptionType says how a track's media are encrypted end to end.
	EncryptionType int32
	// AudioFeature is AudioTrackFeature.
	AudioFeature int32
	// SDK says which client library speaks.
	SDK int32
)

// TrackType.
const (
	Audio TrackType = iota
	Video
)

// TrackSource.
const (
	SourceUnknown TrackSource = iota
	SourceCamera
	SourceMicrophone
	SourceScreenShare
	SourceScreenShareAudio
)

// ParticipantState.
const (
	StateJoining ParticipantState = iota
	StateJoined
	StateActive
	StateDisconnected
)

// ParticipantKind.
const (
	KindStandard  ParticipantKind = 0
	KindIngress   ParticipantKind = 1
	KindEgress    ParticipantKind = 2
	KindSIP       ParticipantKind = 3
	KindAgent     ParticipantKind = 4
	KindConnector ParticipantKind = 7
	KindBridge    ParticipantKind = 8
)

// DisconnectReason.
const (
	ReasonUnknown            DisconnectReason = 0
	ReasonClientInitiated    DisconnectReason = 1
	ReasonDuplicateIdentity  DisconnectReason = 2
	ReasonServerShutdown     DisconnectReason = 3
	ReasonParticipantRemoved DisconnectReason = 4
	ReasonRoomDeleted        DisconnectReason = 5
	ReasonStateMismatch      DisconnectReason = 6
	ReasonJoinFailure        DisconnectReason = 7
	ReasonSignalClose        DisconnectReason = 9
	ReasonConnectionTimeout  DisconnectReason = 14
)

// ConnectionQuality.
const (
	QualityPoor ConnectionQuality = iota
	QualityGood
	QualityExcellent
	QualityLost
)

// VideoQuality.
const (
	Low VideoQuality = iota
	Medium
	High
	Off
)

// AudioFeature.
const (
	FeatureStereo AudioFeature = 0
	FeatureNoDTX  AudioFeature = 1
)

// Room is a room: an instance of a world.
type Room struct {
	SID              string   `pb:"1" json:"sid,omitempty"`
	Name             string   `pb:"2" json:"name,omitempty"`
	EmptyTimeout     uint32   `pb:"3" json:"emptyTimeout,omitempty"`
	MaxParticipants  uint32   `pb:"4" json:"maxParticipants,omitempty"`
	CreationTime     int64    `pb:"5" json:"creationTime,omitempty,string"`
	EnabledCodecs    []*Codec `pb:"7" json:"enabledCodecs,omitempty"`
	Metadata         string   `pb:"8" json:"metadata,omitempty"`
	NumParticipants  uint32   `pb:"9" json:"numParticipants,omitempty"`
	ActiveRecording  bool     `pb:"10" json:"activeRecording,omitempty"`
	NumPublishers    uint32   `pb:"11" json:"numPublishers,omitempty"`
	DepartureTimeout uint32   `pb:"14" json:"departureTimeout,omitempty"`
	CreationTimeMS   int64    `pb:"15" json:"creationTimeMs,omitempty,string"`
}

// Codec is a codec by its MIME type.
type Codec struct {
	Mime     string `pb:"1" json:"mime,omitempty"`
	FmtpLine string `pb:"2" json:"fmtpLine,omitempty"`
}

// ParticipantPermission is what a participant may do.
type ParticipantPermission struct {
	CanSubscribe      bool          `pb:"1" json:"canSubscribe,omitempty"`
	CanPublish        bool          `pb:"2" json:"canPublish,omitempty"`
	CanPublishData    bool          `pb:"3" json:"canPublishData,omitempty"`
	Hidden            bool          `pb:"7" json:"hidden,omitempty"`
	Recorder          bool          `pb:"8" json:"recorder,omitempty"`
	CanPublishSources []TrackSource `pb:"9" json:"canPublishSources,omitempty"`
	CanUpdateMetadata bool          `pb:"10" json:"canUpdateMetadata,omitempty"`
	Agent             bool          `pb:"11" json:"agent,omitempty"`
}

// ParticipantInfo is a participant as others see them.
type ParticipantInfo struct {
	SID              string                 `pb:"1" json:"sid,omitempty"`
	Identity         string                 `pb:"2" json:"identity,omitempty"`
	State            ParticipantState       `pb:"3" json:"state,omitempty"`
	Tracks           []*TrackInfo           `pb:"4" json:"tracks,omitempty"`
	Metadata         string                 `pb:"5" json:"metadata,omitempty"`
	JoinedAt         int64                  `pb:"6" json:"joinedAt,omitempty,string"`
	Name             string                 `pb:"9" json:"name,omitempty"`
	Version          uint32                 `pb:"10" json:"version,omitempty"`
	Permission       *ParticipantPermission `pb:"11" json:"permission,omitempty"`
	Region           string                 `pb:"12" json:"region,omitempty"`
	IsPublisher      bool                   `pb:"13" json:"isPublisher,omitempty"`
	Kind             ParticipantKind        `pb:"14" json:"kind,omitempty"`
	Attributes       map[string]string      `pb:"15" json:"attributes,omitempty"`
	DisconnectReason DisconnectReason       `pb:"16" json:"disconnectReason,omitempty"`
	JoinedAtMS       int64                  `pb:"17" json:"joinedAtMs,omitempty,string"`
	DataTracks       []*DataTrackInfo       `pb:"19" json:"dataTracks,omitempty"`
	ClientProtocol   int32                  `pb:"20" json:"clientProtocol,omitempty"`
}

// TrackInfo is a published track.
type TrackInfo struct {
	SID           string         `pb:"1" json:"sid,omitempty"`
	Type          TrackType      `pb:"2" json:"type,omitempty"`
	Name          string         `pb:"3" json:"name,omitempty"`
	Muted         bool           `pb:"4" json:"muted,omitempty"`
	Width         uint32         `pb:"5" json:"width,omitempty"`  // pixels
	Height        uint32         `pb:"6" json:"height,omitempty"` // pixels
	Simulcast     bool           `pb:"7" json:"simulcast,omitempty"`
	DisableDTX    bool           `pb:"8" json:"disableDtx,omitempty"`
	Source        TrackSource    `pb:"9" json:"source,omitempty"`
	Layers        []*VideoLayer  `pb:"10" json:"layers,omitempty"`
	MimeType      string         `pb:"11" json:"mimeType,omitempty"`
	MID           string         `pb:"12" json:"mid,omitempty"`
	Codecs        []*CodecInfo   `pb:"13" json:"codecs,omitempty"`
	Stereo        bool           `pb:"14" json:"stereo,omitempty"`
	DisableRED    bool           `pb:"15" json:"disableRed,omitempty"`
	Encryption    EncryptionType `pb:"16" json:"encryption,omitempty"`
	Stream        string         `pb:"17" json:"stream,omitempty"`
	AudioFeatures []AudioFeature `pb:"19" json:"audioFeatures,omitempty"`
}

// CodecInfo is SimulcastCodecInfo: one codec of a track.
type CodecInfo struct {
	MimeType string        `pb:"1" json:"mimeType,omitempty"`
	MID      string        `pb:"2" json:"mid,omitempty"`
	CID      string        `pb:"3" json:"cid,omitempty"`
	Layers   []*VideoLayer `pb:"4" json:"layers,omitempty"`
	Mode     int32         `pb:"5" json:"videoLayerMode,omitempty"`
}

// VideoLayer is a step of simulcast.
type VideoLayer struct {
	Quality      VideoQuality `pb:"1" json:"quality,omitempty"`
	Width        uint32       `pb:"2" json:"width,omitempty"`   // pixels
	Height       uint32       `pb:"3" json:"height,omitempty"`  // pixels
	Bitrate      uint32       `pb:"4" json:"bitrate,omitempty"` // bit/s
	SSRC         uint32       `pb:"5" json:"ssrc,omitempty"`
	SpatialLayer int32        `pb:"6" json:"spatialLayer,omitempty"`
	RID          string       `pb:"7" json:"rid,omitempty"`
}

// SpeakerInfo says how loud a participant is.
type SpeakerInfo struct {
	SID    string  `pb:"1" json:"sid,omitempty"`
	Level  float32 `pb:"2" json:"level,omitempty"` // 0 to 1
	Active bool    `pb:"3" json:"active,omitempty"`
}

// ParticipantTracks names tracks of a participant.
type ParticipantTracks struct {
	ParticipantSID string   `pb:"1" json:"participantSid,omitempty"`
	TrackSIDs      []string `pb:"2" json:"trackSids,omitempty"`
}

// ServerInfo describes the server.
type ServerInfo struct {
	Edition       int32  `pb:"1" json:"edition,omitempty"`
	Version       string `pb:"2" json:"version,omitempty"`
	Protocol      int32  `pb:"3" json:"protocol,omitempty"`
	Region        string `pb:"4" json:"region,omitempty"`
	NodeID        string `pb:"5" json:"nodeId,omitempty"`
	DebugInfo     string `pb:"6" json:"debugInfo,omitempty"`
	AgentProtocol int32  `pb:"7" json:"agentProtocol,omitempty"`
}

// ClientInfo describes a client.
type ClientInfo struct {
	SDK            SDK    `pb:"1" json:"sdk,omitempty"`
	Version        string `pb:"2" json:"version,omitempty"`
	Protocol       int32  `pb:"3" json:"protocol,omitempty"`
	OS             string `pb:"4" json:"os,omitempty"`
	Browser        string `pb:"7" json:"browser,omitempty"`
	BrowserVersion string `pb:"8" json:"browserVersion,omitempty"`
	ClientProtocol int32  `pb:"12" json:"clientProtocol,omitempty"`
}
