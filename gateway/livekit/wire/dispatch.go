package wire

// RoomAgentDispatch asks for an agent in a room that opens.
type RoomAgentDispatch struct {
	AgentName     string            `pb:"1" json:"agentName,omitempty"`
	Metadata      string            `pb:"2" json:"metadata,omitempty"`
	RestartPolicy RestartPolicy     `pb:"3" json:"restartPolicy,omitempty"`
	Deployment    string            `pb:"4" json:"deployment,omitempty"`
	Attributes    map[string]string `pb:"5" json:"attributes,omitempty"`
}

// RoomConfiguration is what a room shall be like that the bearer of a token
// opens. Members that are not here are ignored.
type RoomConfiguration struct {
	EmptyTimeout     uint32               `pb:"2" json:"emptyTimeout,omitempty"`     // seconds
	DepartureTimeout uint32               `pb:"3" json:"departureTimeout,omitempty"` // seconds
	MaxParticipants  uint32               `pb:"4" json:"maxParticipants,omitempty"`
	Agents           []*RoomAgentDispatch `pb:"10" json:"agents,omitempty"`
	Metadata         string               `pb:"11" json:"metadata,omitempty"`
}

// CreateAgentDispatchRequest asks for an agent in a room that is there.
type CreateAgentDispatchRequest struct {
	AgentName     string            `pb:"1" json:"agentName,omitempty"`
	Room          string            `pb:"2" json:"room,omitempty"`
	Metadata      string            `pb:"3" json:"metadata,omitempty"`
	RestartPolicy RestartPolicy     `pb:"4" json:"restartPolicy,omitempty"`
	Deployment    string            `pb:"5" json:"deployment,omitempty"`
	Attributes    map[string]string `pb:"6" json:"attributes,omitempty"`
}

// DeleteAgentDispatchRequest takes a dispatch back and ends its jobs.
type DeleteAgentDispatchRequest struct {
	DispatchID string `pb:"1" json:"dispatchId,omitempty"`
	Room       string `pb:"2" json:"room,omitempty"`
}

// ListAgentDispatchRequest asks for the dispatches of a room: one, or all.
type ListAgentDispatchRequest struct {
	DispatchID string `pb:"1" json:"dispatchId,omitempty"`
	Room       string `pb:"2" json:"room,omitempty"`
}

// ListAgentDispatchResponse answers it.
type ListAgentDispatchResponse struct {
	AgentDispatches []*AgentDispatch `pb:"1" json:"agentDispatches,omitempty"`
}

// AgentDispatch is a wish for an agent in a room, with what came of it.
type AgentDispatch struct {
	ID            string              `pb:"1" json:"id,omitempty"`
	AgentName     string              `pb:"2" json:"agentName,omitempty"`
	Room          string              `pb:"3" json:"room,omitempty"`
	Metadata      string              `pb:"4" json:"metadata,omitempty"`
	State         *AgentDispatchState `pb:"5" json:"state,omitempty"`
	RestartPolicy RestartPolicy       `pb:"6" json:"restartPolicy,omitempty"`
	Deployment    string              `pb:"7" json:"deployment,omitempty"`
	Attributes    map[string]string   `pb:"8" json:"attributes,omitempty"`
}

// AgentDispatchState has the jobs of a dispatch. Times are Unix nanoseconds.
type AgentDispatchState struct {
	Jobs      []*Job `pb:"1" json:"jobs,omitempty"`
	CreatedAt int64  `pb:"2" json:"createdAt,omitempty,string"`
	DeletedAt int64  `pb:"3" json:"deletedAt,omitempty,string"`
}

func jobTypes() []string { return []string{"JT_ROOM", "JT_PUBLISHER", "JT_PARTICIPANT"} }

func jobStatuses() []string {
	return []string{"JS_PENDING", "JS_RUNNING", "JS_SUCCESS", "JS_FAILED"}
}

func restartPolicies() []string { return []string{"JRP_ON_FAILURE", "JRP_NEVER"} }

func (e JobType) MarshalJSON() ([]byte, error)       { return enumJSON(e, jobTypes()) }
func (e JobStatus) MarshalJSON() ([]byte, error)     { return enumJSON(e, jobStatuses()) }
func (e RestartPolicy) MarshalJSON() ([]byte, error) { return enumJSON(e, restartPolicies()) }

func (e *JobType) UnmarshalJSON(data []byte) error   { return enumOf(e, jobTypes(), data) }
func (e *JobStatus) UnmarshalJSON(data []byte) error { return enumOf(e, jobStatuses(), data) }
func (e *RestartPolicy) UnmarshalJSON(data []byte) error {
	return enumOf(e, restartPolicies(), data)
}
