package router

import (
	"slices"

	"earshot"
)

// BackendID names a backend in the catalogue.
type BackendID string

// Limits of a Backend, which may have registered itself from outside.
const (
	MaxModels = 64   // models of one backend
	MaxLabels = 32   // labels of one backend
	MaxSlots  = 4096 // Slots and Concurrency
)

// Backend describes a model server.
type Backend struct {
	ID          BackendID
	Node        string // the machine it runs on, for people
	Region      string
	Accelerator string // such as "H100" or "cpu", for people
	MemoryBytes int64  // of the accelerator

	// Slots is how many requests it works on at once (Ollama's
	// NUM_PARALLEL, vLLM's max_num_seqs).
	Slots int
	// Concurrency bounds the requests in flight there; 0 means Slots. Above
	// Slots they queue inside the backend, where nobody can reorder them.
	Concurrency int
	// KVTokens is how many tokens its prefix cache holds; 0 means Slots times
	// the largest context.
	KVTokens int

	Models []Model
	// Price is what a million tokens cost, in the operator's currency.
	Price float64
	// Labels are what data-locality policy asks for, such as "eu" or
	// "on-premises".
	Labels []string
}

// Model is a model that a backend can run.
type Model struct {
	Name         string
	Context      int // tokens of prompt and output together; 0 means unknown, and is not checked
	Quantisation string
	// Size ranks models for people who read the catalogue: larger is more
	// capable. Requests name their own order of preference.
	Size         int
	Capabilities Capability
	// Loaded says that it is in memory now. SetLoaded changes it later.
	Loaded bool
}

// Capability is a set of things a model can do.
type Capability uint16

// The capabilities.
const (
	Chat Capability = 1 << iota
	Speech
	Transcription
	Classify // scores a text for moderation
	Embed
	Vision
	Tools
)

var capabilityNames = []string{"chat", "speech", "transcription", "classify", "embed", "vision", "tools"}

// ParseCapability returns the capability called name and whether there is one.
func ParseCapability(name string) (Capability, bool) {
	i := slices.Index(capabilityNames, name)
	if i < 0 {
		return 0, false
	}
	return 1 << i, true
}

// Names returns the names of the capabilities in c, in a fixed order.
func (c Capability) Names() (names []string) {
	for i, name := range capabilityNames {
		if c&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Validate returns an *earshot.Error of CodeInvalidArgument that names the
// field that is wrong.
func (b *Backend) Validate() error {
	switch {
	case b.ID == "" || len(b.ID) > earshot.MaxIDBytes:
		return invalid("backend id %q: give it 1 to %d bytes", b.ID, earshot.MaxIDBytes)
	case b.Slots < 1 || b.Slots > MaxSlots:
		return invalid("backend %s: slots %d: say how many requests it works on at once, 1 to %d", b.ID, b.Slots, MaxSlots)
	case b.Concurrency < 0 || b.Concurrency > MaxSlots:
		return invalid("backend %s: concurrency %d is not in 0 to %d", b.ID, b.Concurrency, MaxSlots)
	case b.KVTokens < 0:
		return invalid("backend %s: kv_tokens is negative", b.ID)
	case !(b.Price >= 0):
		return invalid("backend %s: price is negative", b.ID)
	case len(b.Labels) > MaxLabels:
		return invalid("backend %s: %d labels, at most %d", b.ID, len(b.Labels), MaxLabels)
	case len(b.Models) == 0 || len(b.Models) > MaxModels:
		return invalid("backend %s: %d models, want 1 to %d", b.ID, len(b.Models), MaxModels)
	}
	for i, m := range b.Models {
		if m.Name == "" || m.Capabilities == 0 || m.Context < 0 {
			return invalid("backend %s: model %d (%q) needs a name, a capability and a context that is not negative", b.ID, i, m.Name)
		}
		if slices.ContainsFunc(b.Models[:i], func(o Model) bool { return o.Name == m.Name }) {
			return invalid("backend %s: model %q is listed twice", b.ID, m.Name)
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}
