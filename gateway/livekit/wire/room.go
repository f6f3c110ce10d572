package wire

// CreateRoomRequest asks for a room with settings of its own.
type CreateRoomRequest struct {
	Name             string `pb:"1" json:"name,omitempty"`
	RoomPreset       string `pb:"12" json:"roomPreset,omitempty"`
	EmptyTimeout     uint32 `pb:"2" json:"emptyTimeout,omitempty"`      // seconds
	DepartureTimeout uint32 `pb:"10" json:"departureTimeout,omitempty"` // seconds
	MaxParticipants  uint32 `pb:"3" json:"maxParticipants,omitempty"`
	NodeID           string `pb:"4" json:"nodeId,omitempty"`
	Metadata         string `pb:"5" json:"metadata,omitempty"`
	// What stands in Egress is not read, only that it is there.
	Egress *struct{}            `pb:"6" json:"egress,omitempty"`
	Agents []*RoomAgentDispatch `pb:"14" json:"agents,omitempty"`
}

// ListRoomsRequest asks for rooms: those named, or all.
type ListRoomsRequest struct {
	Names []string `pb:"1" json:"names,omitempty"`
}

// ListRoomsResponse answers it.
type ListRoomsResponse struct {
	Rooms []*Room `pb:"1" json:"rooms,omitempty"`
}

// DeleteRoomRequest asks to send everybody out of a room.
type DeleteRoomRequest struct {
	Room string `pb:"1" json:"room,omitempty"`
}

// Empty is the answer of what returns nothing.
type Empty struct{}

// ListParticipantsRequest asks who is in a room.
type ListParticipantsRequest struct {
	Room string `pb:"1" json:"room,omitempty"`
}

// ListParticipantsResponse answers it.
type ListParticipantsResponse struct {
	Participants []*ParticipantInfo `pb:"1" json:"participants,omitempty"`
}

// RoomParticipantIdentity names a participant of a room.
type RoomParticipantIdentity struct {
	Room     string `pb:"1" json:"room,omitempty"`
	Identity string `pb:"2" json:"identity,omitempty"`
	// RevokeTokenTS asks that tokens be refused whose nbf is before: Unix seconds.
	RevokeTokenTS Int64 `pb:"3" json:"revokeTokenTs,omitempty"`
}

// MuteRoomTrackRequest asks to mute a track of a participant, or lift that.
type MuteRoomTrackRequest struct {
	Room     string `pb:"1" json:"room,omitempty"`
	Identity string `pb:"2" json:"identity,omitempty"`
	TrackSID string `pb:"3" json:"trackSid,omitempty"`
	Muted    bool   `pb:"4" json:"muted,omitempty"`
}

// MuteRoomTrackResponse answers it.
type MuteRoomTrackResponse struct {
	Track *TrackInfo `pb:"1" json:"track,omitempty"`
}

// UpdateParticipantRequest changes what is said of a participant, and what
// they may do. What is empty stays as it is.
type UpdateParticipantRequest struct {
	Room       string                 `pb:"1" json:"room,omitempty"`
	Identity   string                 `pb:"2" json:"identity,omitempty"`
	Metadata   string                 `pb:"3" json:"metadata,omitempty"`
	Permission *ParticipantPermission `pb:"4" json:"permission,omitempty"`
	Name       string                 `pb:"5" json:"name,omitempty"`
	Attributes map[string]string      `pb:"6" json:"attributes,omitempty"` // an empty value deletes
}

// UpdateSubscriptionsRequest asks that a participant receive tracks, or not.
type UpdateSubscriptionsRequest struct {
	Room              string               `pb:"1" json:"room,omitempty"`
	Identity          string               `pb:"2" json:"identity,omitempty"`
	TrackSIDs         []string             `pb:"3" json:"trackSids,omitempty"`
	Subscribe         bool                 `pb:"4" json:"subscribe,omitempty"`
	ParticipantTracks []*ParticipantTracks `pb:"5" json:"participantTracks,omitempty"`
}

// DataKind says how data travels.
type DataKind int32

// DataKind.
const (
	Reliable DataKind = iota
	Lossy
)

// SendDataRequest sends bytes of an application to participants of a room: to
// those named, or to all.
type SendDataRequest struct {
	Room                  string   `pb:"1" json:"room,omitempty"`
	Data                  []byte   `pb:"2" json:"data,omitempty"`
	Kind                  DataKind `pb:"3" json:"kind,omitempty"`
	DestinationSIDs       []string `pb:"4" json:"destinationSids,omitempty"`
	DestinationIdentities []string `pb:"6" json:"destinationIdentities,omitempty"`
	Topic                 *string  `pb:"5" json:"topic,omitempty"`
	Nonce                 []byte   `pb:"7" json:"nonce,omitempty"` // of the SDK: the same request has the same
}

// UpdateRoomMetadataRequest changes what is said of a room.
type UpdateRoomMetadataRequest struct {
	Room     string `pb:"1" json:"room,omitempty"`
	Metadata string `pb:"2" json:"metadata,omitempty"`
}
