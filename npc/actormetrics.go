package npc

import "github.com/prometheus/client_golang/prometheus"

// ActorMetrics are the counters of all actors of a node together: none carries
// an id as a label.
type ActorMetrics struct {
	turns     *prometheus.CounterVec
	firstWord prometheus.Histogram
	interrupt *prometheus.CounterVec
	troubles  *prometheus.CounterVec
	actions   *prometheus.CounterVec
	greeted   prometheus.Counter
}

// NewActorMetrics registers the counters with r.
func NewActorMetrics(r prometheus.Registerer) (*ActorMetrics, error) {
	m := newActorMetrics()
	for _, c := range []prometheus.Collector{m.turns, m.firstWord, m.interrupt, m.troubles, m.actions, m.greeted} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func newActorMetrics() *ActorMetrics {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "earshot", Subsystem: "npc", Name: name, Help: help}, labels)
	}
	return &ActorMetrics{
		turns: vec("turns_total", "Answers of NPCs, by where the words came from and how far that was from what was asked for.", "source", "degraded"),
		firstWord: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "earshot", Subsystem: "npc", Name: "first_word_seconds",
			Help:    "From the end of a player's turn to the first word of the answer.",
			Buckets: []float64{.05, .1, .2, .35, .5, .8, 1.2, 2, 3, 4, 6, 10},
		}),
		interrupt: vec("interruptions_total", "Answers cut by somebody who spoke: real, or a noise after which the NPC went on.", "kind"),
		troubles:  vec("troubles_total", "What an NPC had to do without: model, speech, hearing, memory, or sentences that moderation withheld.", "what"),
		actions:   vec("actions_total", "Actions that models proposed, by the decision.", "decision"),
		greeted: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "earshot", Subsystem: "npc", Name: "greetings_total", Help: "Players greeted as they came near.",
		}),
	}
}
