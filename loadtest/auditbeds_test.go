package loadtest

import (
	"math/bits"
	"testing"
	"testing/synctest"
)

// TestAuditOfBeds is TestAuditOfMixes with people who have two voice slots and
// take beds in one of them: every voice in every packet of a bed is held, for
// everybody in whose slot the bed is when the packet leaves, against what was in
// force then.
func TestAuditOfBeds(t *testing.T) {
	t.Parallel()
	length := auditLength(t)
	synctest.Test(t, func(t *testing.T) {
		a := liveInACrowd(t, length, auditSeed, crowdOf{mixed: true, beds: true})
		a.report(judgeBans(a.testimonies(), a.bans))
		v := a.judgeBeds()
		t.Logf("beds: %d packets to %d listeners with %d voices for them judged; forbidden: %d", v.packets, v.listeners, v.voices, len(v.leaks))
		for _, l := range v.leaks[:min(len(v.leaks), 20)] {
			t.Errorf("%s of bot %d (%s) to bot %d (%s) at %v", l.what, l.talker, a.people[l.talker].lately(l.at), l.listener, a.people[l.listener].lately(l.at), l.at.Sub(a.began))
		}
		if minutes := length.Minutes(); float64(v.listeners) < 500*minutes || v.voices < v.listeners {
			t.Errorf("not the crowd it should be")
		}
	})
}

// bedVerdict is what the audit of beds says.
type bedVerdict struct {
	packets, listeners, voices int
	leaks                      []found
}

// judgeBeds looks at every voice in every packet of every bed, for each listener.
func (a *audit) judgeBeds() (v bedVerdict) {
	for _, e := range a.mixes.beds {
		v.packets++
		for to := e.to; to != 0; to &= to - 1 {
			v.listeners++
			for says := e.says; says != 0; says &= says - 1 {
				v.voices++
				v.leaks = append(v.leaks, a.forbidden(uint32(bits.TrailingZeros64(says)), uint32(bits.TrailingZeros64(to)), e.at)...)
			}
		}
	}
	return v
}
