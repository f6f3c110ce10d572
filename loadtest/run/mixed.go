package run

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

const (
	// mixedEvery is how often the server is asked who is in its mixes and beds.
	mixedEvery = time.Second
	// mixedFor is for how long an answer counts: a plan of beds lasts a quarter of a
	// second, and most of those in one are in the next.
	mixedFor = 1500 * time.Millisecond
)

// mixedReply is who is in the sounds that a server mixes for an instance:
// GET /v1/instances/{id}/mixed of its admin listener.
type mixedReply struct {
	People []earshot.ParticipantID
	Beds   []struct {
		Track  earshot.TrackID
		Voices []int
	}
	Mixes []struct {
		Listener int
		Voices   []int
	}
}

// askMixed asks the server until ctx ends, where somebody has what it mixes and it
// can be asked.
func (r *Runner) askMixed(ctx context.Context) {
	mixed := slices.ContainsFunc(r.everybody(), func(p *person) bool { return p.group.Mixed() || p.group.Beds() })
	if !mixed || r.server.admin == "" {
		return
	}
	for pause(ctx, mixedEvery) {
		asked := time.Now()
		for in, ears := range r.judge.byInstance() {
			var m mixedReply
			err := retrieve(ctx, r.server.client, r.server.admin+"/v1/instances/"+url.PathEscape(string(in))+"/mixed",
				func(body io.Reader) error { return json.NewDecoder(body).Decode(&m) })
			if err == nil { // else they count as hearing nobody
				m.tell(ears, asked)
			}
		}
	}
}

// byInstance returns the ears of those who are there.
func (j *judge) byInstance() map[earshot.InstanceID][]*ear {
	all := map[earshot.InstanceID][]*ear{}
	for _, e := range j.all() {
		if in, world, _ := e.p.where(); world != nil {
			all[in] = append(all[in], e)
		}
	}
	return all
}

// tell tells the accounts of listeners whom they hear.
func (m *mixedReply) tell(ears []*ear, asked time.Time) {
	byID := make(map[earshot.ParticipantID]*ear, len(ears))
	for _, e := range ears {
		byID[e.p.participant()] = e
	}
	at := make([]*ear, len(m.People)) // nil for who is not ours
	for i, id := range m.People {
		at[i] = byID[id]
	}
	numbers := func(places []int) (list []uint32) {
		for _, i := range places {
			if i >= 0 && i < len(at) && at[i] != nil {
				list = append(list, at[i].p.number)
			}
		}
		return list
	}
	beds := make(map[earshot.TrackID][]uint32, len(m.Beds))
	for _, b := range m.Beds {
		beds[b.Track] = numbers(b.Voices)
	}
	for _, e := range ears {
		e.hears(asked, func(s *protocol.Slot) []uint32 { return beds[s.Track] }, protocol.SourceBed)
	}
	for _, x := range m.Mixes {
		if x.Listener >= 0 && x.Listener < len(at) && at[x.Listener] != nil {
			voices := numbers(x.Voices)
			at[x.Listener].hears(asked, func(*protocol.Slot) []uint32 { return voices }, protocol.SourceMix)
		}
	}
}

// hears notes whom the listener hears in those slots that have a source.
func (e *ear) hears(asked time.Time, who func(*protocol.Slot) []uint32, source protocol.Source) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.lines.Voice {
		if s := &e.lines.Voice[i]; s.Source == source {
			e.ledger.Hears(s.Slot, asked, asked.Add(mixedFor), who(s))
		}
	}
}
