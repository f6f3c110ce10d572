package wire

// The enumerations of livekit_agent.proto and livekit_agent_dispatch.proto.
type (
	// JobType says what a job is done for.
	JobType int32
	// JobStatus says how far a job has come.
	JobStatus int32
	// WorkerStatus says whether a worker takes jobs.
	WorkerStatus int32
	// RestartPolicy is JobRestartPolicy: whether a job that failed begins again.
	RestartPolicy int32
)

// JobType: one job for a room, one for each who publishes, or one for each who
// is there.
const (
	JobRoom JobType = iota
	JobPublisher
	JobParticipant
)

// JobStatus.
const (
	JobPending JobStatus = iota
	JobRunning
	JobSuccess
	JobFailed
)

// WorkerStatus.
const (
	WorkerAvailable WorkerStatus = iota
	WorkerFull
)

// RestartPolicy.
const (
	RestartOnFailure RestartPolicy = iota
	RestartNever
)

// Ended reports whether a job of this status is over.
func (s JobStatus) Ended() bool { return s == JobSuccess || s == JobFailed }

// WorkerMessage is what an agents' worker sends: one of the members.
type WorkerMessage struct {
	Register     *RegisterWorker       `pb:"1"`
	Availability *AvailabilityResponse `pb:"2"`
	UpdateWorker *UpdateWorkerStatus   `pb:"3"`
	UpdateJob    *UpdateJobStatus      `pb:"4"`
	Ping         *WorkerPing           `pb:"5"`
	SimulateJob  *SimulateJob          `pb:"6"`
	MigrateJob   *MigrateJob           `pb:"7"`
}

// ServerMessage is what the server answers it: one of the members.
type ServerMessage struct {
	Register     *WorkerRegistered    `pb:"1"`
	Availability *AvailabilityRequest `pb:"2"`
	Assignment   *JobAssignment       `pb:"3"`
	Pong         *WorkerPong          `pb:"4"`
	Termination  *JobTermination      `pb:"5"`
}

// Job is one piece of work: an agent for a room, or for somebody in it.
type Job struct {
	ID          string            `pb:"1" json:"id,omitempty"`
	Type        JobType           `pb:"2" json:"type,omitempty"`
	Room        *Room             `pb:"3" json:"room,omitempty"`
	Participant *ParticipantInfo  `pb:"4" json:"participant,omitempty"` // whom it is for, unless it is for the room
	Namespace   string            `pb:"5" json:"namespace,omitempty"`
	Metadata    string            `pb:"6" json:"metadata,omitempty"`
	AgentName   string            `pb:"7" json:"agentName,omitempty"`
	State       *JobState         `pb:"8" json:"state,omitempty"`
	DispatchID  string            `pb:"9" json:"dispatchId,omitempty"`
	Deployment  string            `pb:"11" json:"deployment,omitempty"`
	Attributes  map[string]string `pb:"12" json:"attributes,omitempty"`
}

// JobState is how a job goes. Times are Unix nanoseconds.
type JobState struct {
	Status              JobStatus `pb:"1" json:"status,omitempty"`
	Error               string    `pb:"2" json:"error,omitempty"`
	StartedAt           int64     `pb:"3" json:"startedAt,omitempty,string"`
	EndedAt             int64     `pb:"4" json:"endedAt,omitempty,string"`
	UpdatedAt           int64     `pb:"5" json:"updatedAt,omitempty,string"`
	ParticipantIdentity string    `pb:"6" json:"participantIdentity,omitempty"`
	WorkerID            string    `pb:"7" json:"workerId,omitempty"`
	AgentID             string    `pb:"8" json:"agentId,omitempty"`
}

// RegisterWorker is RegisterWorkerRequest: what a worker is.
type RegisterWorker struct {
	Type               JobType                `pb:"1"`
	Version            string                 `pb:"3"`
	PingInterval       uint32                 `pb:"5"` // s
	Namespace          string                 `pb:"6"`
	AllowedPermissions *ParticipantPermission `pb:"7"` // of its agents
	AgentName          string                 `pb:"8"`
	Deployment         string                 `pb:"9"`
}

// WorkerRegistered is RegisterWorkerResponse.
type WorkerRegistered struct {
	WorkerID   string      `pb:"1"`
	ServerInfo *ServerInfo `pb:"3"`
}

// AvailabilityRequest asks a worker whether it takes a job. Resuming: somebody
// else had it before.
type AvailabilityRequest struct {
	Job      *Job `pb:"1"`
	Resuming bool `pb:"2"`
}

// AvailabilityResponse answers it, with what its agent will be in the room.
// Terminate: nobody shall do the job.
type AvailabilityResponse struct {
	JobID                 string            `pb:"1"`
	Available             bool              `pb:"2"`
	SupportsResume        bool              `pb:"3"`
	ParticipantName       string            `pb:"4"`
	ParticipantIdentity   string            `pb:"5"`
	ParticipantMetadata   string            `pb:"6"`
	ParticipantAttributes map[string]string `pb:"7"`
	Terminate             bool              `pb:"8"`
}

// UpdateWorkerStatus tells how busy a worker is.
type UpdateWorkerStatus struct {
	Status   *WorkerStatus `pb:"1"`
	Load     float32       `pb:"3"` // 0 to 1
	JobCount uint32        `pb:"4"`
}

// UpdateJobStatus tells how a job goes.
type UpdateJobStatus struct {
	JobID  string    `pb:"1"`
	Status JobStatus `pb:"2"`
	Error  string    `pb:"3"`
}

// JobAssignment gives a job to a worker, with the token by which its agent
// joins. Without URL it is that of the server the worker is connected to.
type JobAssignment struct {
	Job   *Job    `pb:"1"`
	URL   *string `pb:"2"`
	Token string  `pb:"3"`
}

// JobTermination tells a worker to end a job.
type JobTermination struct {
	JobID string `pb:"1"`
}

// SimulateJob asks for a job as if somebody had come.
type SimulateJob struct {
	Type        JobType          `pb:"1"`
	Room        *Room            `pb:"2"`
	Participant *ParticipantInfo `pb:"3"`
}

// MigrateJob names the jobs that a worker which is back still does.
type MigrateJob struct {
	JobIDs []string `pb:"2"`
}

// WorkerPing and WorkerPong measure the way; times are Unix milliseconds.
type WorkerPing struct {
	Timestamp int64 `pb:"1"`
}

// WorkerPong answers WorkerPing.
type WorkerPong struct {
	LastTimestamp int64 `pb:"1"`
	Timestamp     int64 `pb:"2"`
}
