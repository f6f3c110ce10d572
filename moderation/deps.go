package moderation

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"earshot/moderation/journal"
	"earshot/moderation/text"
)

// Deps are what a Pipeline needs besides its config. Enforcer is required;
// without another one it does less, as said there. The callbacks may be called
// from any goroutine, several at once, and must not wait.
type Deps struct {
	Enforcer Enforcer
	Journal  *journal.Journal // nil: one that is gone with the process. The caller closes it after Run
	Evidence Evidence         // nil: no sound is kept
	Tier0    *text.Model      // nil: the one that comes with Earshot

	Tier1       Guard       // nil: what is uncertain stays unverified, unless Tier2 judges it
	Tier2       Guard       // nil: nobody judges again
	Transcriber Transcriber // nil: voices are not judged by their words
	Classifier  Classifier  // nil: nor by their sound

	Retract func(Retraction) // nil: what was delivered stays
	Release func(Release)    // nil: what was held stays so
	Notify  func(Notice)     // nil: people learn from orders only

	Log     *slog.Logger          // nil: none
	Metrics prometheus.Registerer // nil: not registered
}
