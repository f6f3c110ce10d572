package router

import "time"

// Config is how the router decides. DefaultConfig has the values it was
// measured with.
type Config struct {
	// MaxRequests bounds requests queued and in flight together.
	MaxRequests int `yaml:"max_requests"`
	// MaxQueued bounds what one world has queued in one class.
	MaxQueued int `yaml:"max_queued"`
	// MaxWorlds bounds the worlds that are remembered.
	MaxWorlds int `yaml:"max_worlds"`
	// MaxBackends bounds the catalogue.
	MaxBackends int `yaml:"max_backends"`

	// DialogueDeadline and ModerationDeadline are until the first token, for
	// requests that give none.
	DialogueDeadline   time.Duration `yaml:"dialogue_deadline"`
	ModerationDeadline time.Duration `yaml:"moderation_deadline"`
	// DialogueReserve and ModerationReserve are the share of each backend's
	// concurrency that only this class may take; a backend with one slot
	// reserves nothing.
	DialogueReserve   float64 `yaml:"dialogue_reserve"`
	ModerationReserve float64 `yaml:"moderation_reserve"`

	// TargetTTFT and TargetTPOT are the times a person does not notice: the
	// predicted times count in units of these, 80 to 20 as in llm-d.
	TargetTTFT time.Duration `yaml:"target_ttft"`
	TargetTPOT time.Duration `yaml:"target_tpot"`
	// PriceCost and RegionCost are added to the cost per unit of
	// Backend.Price and for another region. A cost of 0.8 is one TargetTTFT.
	PriceCost  float64 `yaml:"price_cost"`
	RegionCost float64 `yaml:"region_cost"`

	// BlockTokens is how many tokens one hash of Request.Prefix covers.
	BlockTokens int `yaml:"block_tokens"`
	// MaxBlocks bounds the mirror of one backend's prefix cache.
	MaxBlocks int `yaml:"max_blocks"`
	// StickyLoss is how much later the first token may come from a backend
	// that holds the conversation than from another one.
	StickyLoss time.Duration `yaml:"sticky_loss"`
	// Explore is the share of requests placed at random among those that
	// would do, so that what was slow once is noticed to be fast again.
	Explore float64 `yaml:"explore"`

	// HedgeBudget and RetryBudget are shares of the requests dispatched.
	HedgeBudget float64 `yaml:"hedge_budget"`
	RetryBudget float64 `yaml:"retry_budget"`
	// MaxAttempts bounds the backends one request is sent to.
	MaxAttempts int `yaml:"max_attempts"`

	// EjectFor is how long a backend is left out after five errors in a row,
	// times the number of times that happened.
	EjectFor time.Duration `yaml:"eject_for"`
	// MaxEjected is the share of the pool that may be left out for errors or
	// slowness (at least one backend). Unreachable ones are always left out.
	MaxEjected float64 `yaml:"max_ejected"`
	// SlowStart is how long a backend takes to get its full share again.
	SlowStart time.Duration `yaml:"slow_start"`

	// Seed is the randomness of exploration.
	Seed uint64 `yaml:"-"`
}

// DefaultConfig returns the documented defaults.
func DefaultConfig() Config {
	return Config{
		MaxRequests: 8192, MaxQueued: 256, MaxWorlds: 1024, MaxBackends: 256,
		DialogueDeadline: 8 * time.Second, ModerationDeadline: 2 * time.Second,
		DialogueReserve: 0.5, ModerationReserve: 0.2,
		TargetTTFT: 500 * time.Millisecond, TargetTPOT: 50 * time.Millisecond,
		PriceCost: 0.001, RegionCost: 0.02,
		BlockTokens: 64, MaxBlocks: 4096, StickyLoss: 100 * time.Millisecond, Explore: 0.01,
		HedgeBudget: 0.02, RetryBudget: 0.1, MaxAttempts: 3,
		EjectFor: 30 * time.Second, MaxEjected: 0.5, SlowStart: 30 * time.Second,
	}
}

// Validate returns an *earshot.Error of CodeInvalidArgument that names the
// field that is wrong.
func (c *Config) Validate() error {
	for _, f := range []struct {
		name  string
		value int
		most  int
	}{
		{"max_requests", c.MaxRequests, 1 << 20}, {"max_queued", c.MaxQueued, 1 << 16}, {"max_worlds", c.MaxWorlds, 1 << 16},
		{"max_backends", c.MaxBackends, 4096}, {"block_tokens", c.BlockTokens, 1 << 16}, {"max_blocks", c.MaxBlocks, 1 << 20},
		{"max_attempts", c.MaxAttempts, maxTried},
	} {
		if f.value < 1 || f.value > f.most {
			return invalid("router.%s is %d, want 1 to %d", f.name, f.value, f.most)
		}
	}
	for _, f := range []struct {
		name  string
		value time.Duration
	}{
		{"dialogue_deadline", c.DialogueDeadline}, {"moderation_deadline", c.ModerationDeadline}, {"target_ttft", c.TargetTTFT},
		{"target_tpot", c.TargetTPOT}, {"eject_for", c.EjectFor}, {"slow_start", c.SlowStart},
	} {
		if f.value <= 0 {
			return invalid("router.%s is %v, want more than 0", f.name, f.value)
		}
	}
	return c.validateShares()
}

func (c *Config) validateShares() error {
	for _, f := range []struct {
		name  string
		value float64
	}{
		{"dialogue_reserve", c.DialogueReserve}, {"moderation_reserve", c.ModerationReserve}, {"explore", c.Explore},
		{"hedge_budget", c.HedgeBudget}, {"retry_budget", c.RetryBudget}, {"max_ejected", c.MaxEjected},
		{"dialogue_reserve + moderation_reserve", c.DialogueReserve + c.ModerationReserve},
	} {
		if !(f.value >= 0 && f.value <= 1) {
			return invalid("router.%s is %v, want a share from 0 to 1", f.name, f.value)
		}
	}
	if !(c.PriceCost >= 0) || !(c.RegionCost >= 0) || c.StickyLoss < 0 {
		return invalid("router.price_cost, region_cost and sticky_loss must not be negative")
	}
	return nil
}

// maxTried is how many backends a ticket can remember.
const maxTried = 8
