package wire

// The events of webhooks that Earshot sends.
const (
	EventRoomStarted        = "room_started"
	EventRoomFinished       = "room_finished"
	EventParticipantJoined  = "participant_joined"
	EventParticipantLeft    = "participant_left"
	EventParticipantAborted = "participant_connection_aborted"
	EventTrackPublished     = "track_published"
	EventTrackUnpublished   = "track_unpublished"
)

// WebhookEvent is something that happened, as an application's server is told.
type WebhookEvent struct {
	Event       string           `pb:"1" json:"event"`
	Room        *Room            `pb:"2" json:"room,omitempty"`
	Participant *ParticipantInfo `pb:"3" json:"participant,omitempty"` // of participant_* and track_*
	Track       *TrackInfo       `pb:"8" json:"track,omitempty"`       // of track_*
	ID          string           `pb:"6" json:"id"`
	CreatedAt   int64            `pb:"7" json:"createdAt,string"` // Unix seconds
	// NumDropped is how many events before this one were lost.
	NumDropped int32 `pb:"11" json:"numDropped,omitempty"`
}
