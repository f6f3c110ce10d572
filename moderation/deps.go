package moderation

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// Deps are what a Pipeline needs besides its config. Enforcer is required;
// without another one it does less, as said there. The callbacks must not
// block for long: they are called one after the other, from one goroutine.
type Deps struct {
	Enforcer Enforcer

	Tier1       Guard       // nil: what is uncertain stays unverified, unless Tier2 judges it
	Tier2       Guard       // nil: nobody judges again
	Transcriber Transcriber // nil: voices are not judged

	Retract func(Retraction) // nil: what was delivered stays
	Release func(Release)    // nil: what was held stays so
	Notify  func(Notice)     // nil: people learn from orders only

	Log     *slog.Logger          // nil: none
	Metrics prometheus.Registerer // nil: not registered
}
