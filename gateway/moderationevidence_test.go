package gateway

import (
	"context"
	"testing"
	"time"

	"earshot"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// tape is a Sound with one recording.
type tape struct{ id string }

func (tape) Ogg(context.Context, string, string, string, time.Time) ([]byte, error) {
	return nil, nil
}

func (s tape) Length(id string) (time.Duration, bool) { return 12340 * time.Millisecond, id == s.id }

func (tape) Erase(context.Context, earshot.ParticipantID) (int, error) { return 0, nil }

func TestEvidenceSaysHowLongItIs(t *testing.T) {
	t.Parallel()
	j, err := journal.NewMemory(journal.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	n := startNodeWith(t, nil, nil, func(d *Deps) {
		d.Moderation = Moderation{Journal: j, Kept: "memory", Sound: tape{"se_kept"}}
	})
	in := journal.Incident{
		Incident: policy.Incident{
			World: "plaza", Who: "pa_troll", At: time.Now(),
			Signal: policy.Signal{Kind: policy.Voice, Source: policy.Tier0}, Decision: policy.Decision{Review: true},
		},
		Evidence: []string{"se_kept", "se_over_time"},
	}
	if err := j.Decide(t.Context(), &in); err != nil {
		t.Fatal(err)
	}
	var detail struct {
		Evidence []struct {
			ID      string
			Kind    string
			Seconds float64
		}
	}
	n.moderator("mod").get("/v1/moderation/incidents/"+in.ID, &detail)
	if len(detail.Evidence) != 2 || detail.Evidence[0].Seconds != 12.3 || detail.Evidence[0].Kind != "voice" || detail.Evidence[1].Seconds != 0 {
		t.Errorf("evidence %+v, want 12.3 s, and no length of what is over time", detail.Evidence)
	}
}
