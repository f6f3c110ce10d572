package gateway

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"earshot"
	"earshot/gateway/desk"
	"earshot/gateway/protocol"
	"earshot/npc"
	"earshot/presence"
	"earshot/sfu"
	"earshot/spatialaudio"
	"earshot/spatialaudio/zone"
)

// mixer carries the values of one listener from presence and spatialaudio to
// sfu and back to the listener. It keeps buffers between calls and is used by
// one instance's tick only.
type mixer struct {
	zones     *zone.Set // of this tick
	amplified []*session
	voiced    []bool // at this tick, by index of presence: who has a microphone

	curve *spatialaudio.Curve // of this tick
	near  []presence.Neighbour
	heard []hearing
	voice []sfu.VoiceCandidate
	video []*sfu.Publication
	state []sfu.SlotState // of voice
	shown []sfu.SlotState // of video

	crowd *desk.View        // the beds of the listener
	ears  earshot.Transform // of the listener
	mixed []desk.Voice

	talking []earshot.ParticipantID // of heard

	around []npc.Person
	tapped []*sfu.Publication
}

// hearing is a neighbour with what the listener's client will make of them.
type hearing struct {
	session *session
	why     protocol.Why // without LevelDB and Packets
	level   float64      // dBov
	talking bool
	head    earshot.Transform // in the world

	voiceless  bool    // has no microphone: why is left to gauge
	personalDB float64 // for gauge
}

// review chooses what s gets in its slots, and tells it what changed. With
// thorough it looks at video and statistics too, and so at those who have no
// microphone.
func (m *mixer) review(in *Instance, live *roster, s *session, thorough bool, now time.Time) {
	among := m.voiced
	if thorough {
		among = nil
	}
	m.listen(in, live, s, among)
	m.needGhosts(in, s, now)
	m.crowd = in.crowd.of(s)
	m.tellSpeaking(s)
	if s.media == nil {
		return
	}
	m.voice = m.voice[:0]
	for i := range m.heard {
		h := &m.heard[i]
		if mic := h.session.voice.microphone; mic != nil && h.why.GainDB > silent && !m.crowd.Covers(h.session.person) {
			m.voice = append(m.voice, sfu.VoiceCandidate{Publication: mic, ScoreDB: float32(h.why.ScoreDB), Talking: h.talking})
		}
	}
	if live.doors > 0 {
		m.sounds(now)
	}
	if l := s.ears.mix.Load(); l != nil {
		m.mix(s, l, now)
	} else if s.beds.Load() {
		m.offerBeds(s)
	}
	changed, all := s.media.SetVoice(now, m.voice), false
	if thorough {
		changed, all = m.show(in, s) || changed, s.watching.Load()
		m.watchGhosts(live, s, now)
		if s.door != nil {
			m.shown = s.media.VideoState(m.shown)
			s.door.nearby(m.heard, m.video, m.shown)
		}
	}
	if changed || all || len(m.amplified) > 0 || m.planned(s) {
		m.tellSlots(s, all)
		in.tookSlots(live, s, m.state)
		in.tookSlots(live, s, m.shown)
	}
}

const silent = -120 // dB, what spatialaudio.Decibels gives for a gain of 0

// gather finds out whose voice there may be to hear and how loud each is. It
// begins a tick: listeners, who are many more, only look at what it found. It
// returns how many microphones there are.
func (m *mixer) gather(live *roster, now time.Time) (voices int) {
	m.voiced = append(m.voiced[:0], make([]bool, len(live.byIndex))...)
	for i, s := range live.byIndex {
		if s != nil {
			// Somebody on another node has a microphone here when it is wanted.
			m.voiced[i] = s.level(now).microphone != nil || s.ghost != nil || s.sound() != nil
			if m.voiced[i] {
				voices++
			}
		}
	}
	return voices
}

// listen fills m.heard with the neighbours of s, where among is not nil those
// whose index it has, and how loud each is there.
func (m *mixer) listen(in *Instance, live *roster, s *session, among []bool) {
	voice := &in.cfg.Load().Voice
	m.curve = voice
	ears, near := in.space.Neighbours(s.participant, among, m.near[:0])
	m.near, m.heard, m.ears = near, m.heard[:0], ears
	for i := range near {
		n := &near[i]
		other := live.at(n.Index, n.ID)
		if other == nil || handed(other, s) {
			continue
		}
		if m.zones == nil && s.resident == nil && other.voice.microphone == nil {
			m.heard = append(m.heard, voiceless(other, n))
			continue
		}
		m.hear(s, other, n, voice.Gain(ears.Position, n.Head))
	}
	if len(m.amplified) > 0 {
		m.hearAmplified(in, live, s, among)
	}
}

// voiceless returns a neighbour who has no microphone. How loud they would be is
// most of what a tick costs, and left to gauge where somebody asks.
func voiceless(other *session, n *presence.Neighbour) hearing {
	return hearing{
		session: other, head: n.Head, level: silentDBov, voiceless: true, personalDB: n.PersonalDB,
		why: protocol.Why{Distance: float64(n.Distance)},
	}
}

// gauge works out how loud one without a microphone would be.
func (m *mixer) gauge(h *hearing) {
	gain := m.curve.Gain(m.ears.Position, h.head)
	h.why.GainDB = max(spatialaudio.Decibels(gain)+h.personalDB, silent)
	h.why.ScoreDB = spatialaudio.Audibility(h.level, gain, h.personalDB)
	if gain == 0 {
		h.why.GainDB = silent
	}
}

// hear adds to m.heard a neighbour whose voice comes at gain, but for zones.
func (m *mixer) hear(s, other *session, n *presence.Neighbour, gain float64) {
	voice := &other.voice
	h := hearing{session: other, head: n.Head, level: voice.dBov, talking: voice.talking}
	h.why.Distance, h.why.LevelledDB = float64(n.Distance), voice.levelled
	if m.zones != nil {
		gain = m.throughZones(s, &h, gain)
	}
	h.why.GainDB = max(spatialaudio.Decibels(gain)+n.PersonalDB, silent)
	h.why.ScoreDB = spatialaudio.Audibility(h.level+h.why.LevelledDB, gain, n.PersonalDB)
	if gain == 0 {
		h.why.GainDB = silent
	}
	m.heard = append(m.heard, h)
}

// throughZones returns the gain that zones leave of a voice. One that may not
// arrive is as silent as if nobody spoke.
func (m *mixer) throughZones(s *session, h *hearing, gain float64) float64 {
	if gain == 0 && !m.zones.Amplified(h.session.spot.In) {
		if !m.zones.Reaches(h.session.spot.In, s.spot.In) {
			h.level, h.talking = silentDBov, false
		}
		return 0
	}
	path := m.zones.Hear(&h.session.spot, &s.spot)
	gain, amplified := path.Gain(gain)
	switch {
	case !path.Allowed():
		h.level, h.talking = silentDBov, false
	case amplified:
		h.why.Megaphone = m.zones.Zones()[path.Megaphone].ID
	default:
		h.why.WallDB = path.WallDB
	}
	return gain
}

// hearAmplified adds those whom a megaphone brings to s from beyond its
// neighbours.
func (m *mixer) hearAmplified(in *Instance, live *roster, s *session, among []bool) {
	for _, other := range m.amplified {
		if other == s || among != nil && other.voice.microphone == nil || m.isNear(other.participant) || live.byID[other.participant] != other || handed(other, s) ||
			!m.zones.Reaches(other.spot.In, s.spot.In) {
			continue
		}
		n, ok := in.space.Reach(s.participant, other.participant)
		if !ok {
			continue
		}
		m.near = append(m.near, n)
		m.hear(s, other, &n, 0)
	}
}

// sense tells an NPC who is near, and how loud they are where it stands, and
// gives it the voices that are audible there.
func (m *mixer) sense(in *Instance, live *roster, s *session, now time.Time) {
	m.listen(in, live, s, nil)
	m.needGhosts(in, s, now)
	m.around, m.tapped = m.around[:0], m.tapped[:0]
	slices.SortFunc(m.heard, func(a, b hearing) int { return cmp.Compare(b.why.ScoreDB, a.why.ScoreDB) })
	for i := range m.heard {
		h := &m.heard[i]
		claims := h.session.claims
		if h.session.encrypted { // it cannot hear them: let it not wait for what they say
			h.level, h.talking = silentDBov, false
		}
		m.around = append(m.around, npc.Person{
			ID: h.session.participant, Name: h.session.called(), Kind: claims.Kind, Head: h.head, Distance: h.why.Distance,
			Heard: max(h.level+h.why.GainDB, silentDBov), Talking: h.talking,
		})
		mic := h.session.voice.microphone
		if mic != nil && h.session.resident == nil && h.session.stream == nil && !mic.Encrypted() && h.why.GainDB > silent && len(m.tapped) < maxTapped {
			m.tapped = append(m.tapped, mic)
		}
	}
	s.resident.actor.See(now, m.around)
	if s.resident.ears != nil {
		s.resident.ears.SetVoice(m.tapped)
	}
}

// tellSpeaking says who near s began or stopped talking.
func (m *mixer) tellSpeaking(s *session) {
	m.talking = m.talking[:0]
	for i := range m.heard {
		if h := &m.heard[i]; h.talking {
			m.talking = append(m.talking, h.session.participant)
		}
	}
	m.talking = s.in.beyond.talking(m.near, s, m.zones, m.talking)
	if slices.Equal(m.talking, s.speaking) {
		return
	}
	start, stop := lacking(m.talking, s.speaking), lacking(s.speaking, m.talking)
	s.speaking = append(s.speaking[:0], m.talking...)
	if len(start)+len(stop) > 0 { // else they are only in another order
		s.send(&protocol.Speaking{Start: start, Stop: stop})
	}
}

// lacking returns those of all who are not among others.
func lacking(all, others []earshot.ParticipantID) []earshot.ParticipantID {
	var rest []earshot.ParticipantID
	for _, id := range all {
		if !slices.Contains(others, id) {
			rest = append(rest, id)
		}
	}
	return rest
}

func (m *mixer) isNear(id earshot.ParticipantID) bool {
	for i := range m.near {
		if m.near[i].ID == id {
			return true
		}
	}
	return false
}

// show chooses the videos of s: screens before cameras, nearest first.
func (m *mixer) show(in *Instance, s *session) bool {
	type offer struct {
		p        *sfu.Publication
		screen   bool
		distance float64
	}
	var offers []offer
	in.mu.Lock()
	for i := range m.heard {
		h := &m.heard[i]
		if h.session.screen {
			offers = append(offers, offer{h.session.publication(sfu.SourceScreen), true, h.why.Distance})
		}
		if h.session.camera {
			offers = append(offers, offer{h.session.publication(sfu.SourceCamera), false, h.why.Distance})
		}
	}
	in.mu.Unlock()
	sort.SliceStable(offers, func(i, j int) bool {
		if offers[i].screen != offers[j].screen {
			return offers[i].screen
		}
		return offers[i].distance < offers[j].distance
	})
	m.video = m.video[:0]
	for _, o := range offers {
		m.video = append(m.video, o.p)
	}
	return s.media.SetVideo(m.video)
}

// told is what a listener was told of a slot.
type told struct {
	track     earshot.TrackID
	megaphone string // that brings the voice
	leaving   bool
	bed       protocol.Bed
}

// megaphoneOf returns the zone whose megaphone brings somebody's voice, "" for
// none. A client that hears of it in time knows what to do without their pose.
func (m *mixer) megaphoneOf(who earshot.ParticipantID) string {
	if len(m.amplified) > 0 {
		for i := range m.heard {
			if m.heard[i].session.participant == who {
				return m.heard[i].why.Megaphone
			}
		}
	}
	return ""
}

// tellSlots says what is in the slots of s, and why: in those that changed, or
// in all.
func (m *mixer) tellSlots(s *session, all bool) {
	m.state, m.shown = s.media.Voice(m.state), s.media.VideoState(m.shown)
	voices, lines := len(m.state), len(m.state)+len(m.shown)
	if s.told == nil || len(s.told) != lines { // clients of LiveKit offer more of them as they go
		all, s.told = true, make([]told, lines)
	}
	msg := &protocol.Slots{
		Voice: m.describe(m.state, s.told[:voices], all, false),
		Video: m.describe(m.shown, s.told[voices:], all, true),
	}
	if all || len(msg.Voice)+len(msg.Video) > 0 {
		s.send(msg)
	}
}

// describe lists the slots whose content is not what was told, or all, and notes
// what they will have been told.
func (m *mixer) describe(state []sfu.SlotState, known []told, all, video bool) []protocol.Slot {
	var list []protocol.Slot
	for i, st := range state {
		var now told
		if st.Publication != nil {
			now.track = st.Publication.ID()
			if !video {
				now.megaphone = m.megaphoneOf(st.Publication.Participant())
				now.leaving = m.leaves(st.Publication)
				now.bed = m.bedTold(st.Publication, &known[i])
			}
		}
		if !all && now == known[i] {
			continue
		}
		known[i] = now
		slot := protocol.Slot{Slot: st.Slot, MID: st.MID}
		if st.Publication != nil {
			slot.Participant, slot.Track = st.Publication.Participant(), now.track
			slot.Source = protocol.Source(st.Publication.Source())
			slot.Why = m.why(st, video)
			slot.Leaving = now.leaving
			if slot.Source == protocol.SourceBed {
				slot.Bed = &now.bed
			}
		}
		list = append(list, slot)
	}
	return list
}

// why says what speaks for the participant in a slot.
func (m *mixer) why(st sfu.SlotState, video bool) *protocol.Why {
	if bed := m.bedOf(st.Publication); bed != nil {
		return m.whyBed(bed, st.Packets)
	}
	for i := range m.heard {
		h := &m.heard[i]
		if h.session.participant != st.Publication.Participant() {
			continue
		}
		if h.voiceless {
			m.gauge(h)
		}
		why := h.why
		why.Packets = st.Packets
		if video {
			why.LevelledDB = 0
		} else {
			level := h.level
			if st.Publication.Source() == sfu.SourceScreenAudio {
				quiet, _ := st.Publication.Level(time.Now())
				level = float64(quiet)
				why.ScoreDB += level - h.level
			}
			why.LevelDB = &level
		}
		return &why
	}
	return &protocol.Why{Packets: st.Packets}
}
