package loadtest

import (
	"time"

	"earshot/loadtest/model"
)

// WalkConfig is how a Walker moves; see model.
type WalkConfig = model.WalkConfig

// Walker is a Mover that walks to one random place after another; see model.
type Walker = model.Walker

// DefaultWalk strolls within 8 m of the origin.
func DefaultWalk() WalkConfig { return model.DefaultWalk() }

// NewWalker returns a walker that starts at a random place at now.
func NewWalker(cfg WalkConfig, seed uint64, now time.Time) *Walker {
	return model.NewWalker(cfg, seed, now)
}
