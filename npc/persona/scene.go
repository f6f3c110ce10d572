package persona

// Role is who says a message, in the words of chat APIs.
type Role string

// The roles.
const (
	RoleSystem    Role = "system"
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant" // the character
)

// Message is one of a chat API.
type Message struct {
	Role    Role   `json:"role"`
	Content string `json:"content"`
}

// Turn is something said where the character could hear it.
type Turn struct {
	Own     bool   // by the character itself
	Speaker string // display name of who said it; not used of its own
	Text    string
}

// Scene is everything about a prompt that is not in the persona.
type Scene struct {
	User      string            // display name of who is spoken to
	World     string            // whose variables count
	Variables map[string]string // live ones, over the persona's
	Turns     []Turn            // oldest first; the last is to be answered
	FirstTurn int               // which turn of the conversation Turns[0] is, from 0
	Notes     []string          // from memory, the most relevant first
	Goals     []string          // ids of the active goals
	Act       bool              // tell the model in the prompt how to propose an action (for models without tools)
	Seed      uint64            // of macros with chance; the same for a whole conversation
}

// Prompt is what to send to a model.
type Prompt struct {
	Messages  []Message
	Tokens    int // by EstimateTokens, of all messages with what templates add
	Stable    int // the first so many messages do not depend on what was said
	MaxOutput int // tokens to ask for
	Lore      []Chosen
	Dropped   Dropped
}

// Dropped counts what did not fit into the context.
type Dropped struct {
	Turns, Notes int
	Examples     bool // the example dialogues
	Clipped      bool // the last turn was cut short
}
