package gateway

import (
	"net/http"

	"earshot"
)

// adminMixed is who is in the sounds that the server mixes for an instance, at one
// moment. Participants are given by their place in People.
type adminMixed struct {
	People []earshot.ParticipantID `json:"people"`
	Beds   []adminBed              `json:"beds"`
	Mixes  []adminMix              `json:"mixes"`
}

// adminBed is a bed and whom it mixes. Which listener has it in a voice slot the
// message slots says, by its track.
type adminBed struct {
	Track  earshot.TrackID `json:"track"`
	Voices []int           `json:"voices"`
}

// adminMix is a listener with a mix and who is in it, those in its beds too.
type adminMix struct {
	Listener int   `json:"listener"`
	Voices   []int `json:"voices"`
}

// adminMixes lists who is in each bed and in each mix. No packet tells, so load
// tests ask here whether people hear whom they should.
func (g *Gateway) adminMixes(w http.ResponseWriter, r *http.Request) {
	in := g.adminInstance(w, r)
	if in == nil {
		return
	}
	all := in.live.Load().all
	place := make(map[earshot.ParticipantID]int, len(all))
	reply := adminMixed{People: make([]earshot.ParticipantID, 0, len(all)), Beds: []adminBed{}, Mixes: []adminMix{}}
	for i, s := range all {
		place[s.participant] = i
		reply.People = append(reply.People, s.participant)
	}
	places := func(who []earshot.ParticipantID) []int {
		list := make([]int, 0, len(who))
		for _, id := range who {
			if i, here := place[id]; here {
				list = append(list, i)
			}
		}
		return list
	}
	if c := in.crowd.Crowd; c != nil {
		for _, b := range c.Beds() {
			reply.Beds = append(reply.Beds, adminBed{b.Track, places(b.Voices)})
		}
	}
	var heard []earshot.ParticipantID
	for i, s := range all {
		if l := s.ears.mix.Load(); l != nil {
			heard = l.Hears(heard[:0])
			reply.Mixes = append(reply.Mixes, adminMix{i, places(heard)})
		}
	}
	adminReply(w, reply)
}
