package wire

import (
	"unicode/utf8"

	"earshot"
)

// check holds a message to the limits of this package: one member at most, no
// list too long, ids that are ids. A message of a later version may have none
// of the members that are known here.
func (m *Message) check() error {
	set := 0
	for _, is := range []bool{
		m.Hello != nil, m.Open != nil, m.Close != nil, m.Joined != nil, m.Left != nil, m.State != nil, m.Want != nil, m.Look != nil,
		m.KeyFrame != nil, m.Clock != nil, m.Block != nil, m.Ack != nil, m.Tell != nil, m.Evict != nil, m.Moderate != nil,
		m.Coast != nil, m.Visitors != nil, m.Gone != nil, m.Shun != nil,
	} {
		if is {
			set++
		}
	}
	if set > 1 {
		return malformed("relay message says %d things at once", set)
	}
	switch {
	case m.Hello != nil:
		return text("hello.node", string(m.Hello.Node), earshot.MaxIDBytes)
	case m.Open != nil && !m.Open.Instance.Valid():
		return malformed("open: %.64q is no instance id", m.Open.Instance)
	case m.Joined != nil:
		return m.Joined.check()
	case m.Left != nil:
		return first(person("left", m.Left.Participant), text("left.reason", m.Left.Reason, 64))
	case m.State != nil:
		return person("state", m.State.Participant)
	case m.Want != nil:
		return m.Want.check()
	case m.Look != nil:
		return first(count("look.at", len(m.Look.At), MaxWants), count("look.off", len(m.Look.Off), MaxWants))
	case m.KeyFrame != nil:
		return count("key_frame.layer", m.KeyFrame.Layer, MaxLayers-1)
	case m.Clock != nil:
		return count("clock.layer", m.Clock.Layer, MaxLayers-1)
	case m.Block != nil:
		return first(person("block.by", m.Block.By), person("block.other", m.Block.Other))
	case m.Tell != nil:
		return m.Tell.check()
	case m.Evict != nil:
		return first(person("evict", m.Evict.Participant), text("evict.reason", m.Evict.Reason, 64), text("evict.message", m.Evict.Message, 1024))
	case m.Moderate != nil:
		return first(person("moderate", m.Moderate.Participant), text("moderate.action", m.Moderate.Action, 64))
	case m.Coast != nil && !m.Coast.Instance.Valid():
		return malformed("coast: %.64q is no instance id", m.Coast.Instance)
	case m.Visitors != nil:
		return m.Visitors.check()
	case m.Gone != nil:
		return m.Gone.check()
	case m.Shun != nil:
		return first(person("shun.by", m.Shun.By), person("shun.other", m.Shun.Other))
	}
	return nil
}

func (j *Joined) check() error {
	if err := count("joined.people", len(j.People), MaxPeople); err != nil {
		return err
	}
	for i := range j.People {
		if err := j.People[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (p *Person) check() error {
	err := first(
		person("joined", p.ID), text("name", p.Name, MaxName), text("kind", p.Kind, 64), text("of", string(p.Of), earshot.MaxIDBytes),
		count("grants", len(p.Grants), MaxGrants), count("tracks", len(p.Tracks), MaxTracks), count("blocks", len(p.Blocks), MaxBlocks),
		count("pose", len(p.Pose), MaxPose),
	)
	for _, g := range p.Grants {
		err = first(err, text("grants", g, 64))
	}
	for i := range p.Tracks {
		t := &p.Tracks[i]
		err = first(err, text("track", string(t.ID), earshot.MaxIDBytes), text("source", t.Source, 64), count("layers", t.Layers, MaxLayers))
		if t.Layers < 1 {
			err = first(err, malformed("layers: a track has one at least"))
		}
	}
	for _, b := range p.Blocks {
		err = first(err, person("blocks", b))
	}
	return err
}

func (w *Want) check() error {
	err := first(count("want.add", len(w.Add), MaxWants), count("want.drop", len(w.Drop), MaxWants))
	for i := range w.Add {
		err = first(err, text("track", string(w.Add[i].Track), earshot.MaxIDBytes), count("top", w.Add[i].Top, MaxLayers-1))
	}
	return err
}

func (t *Tell) check() error {
	err := first(person("tell.from", t.From), count("tell.to", len(t.To), MaxTold), count("tell.data", len(t.Data), MaxText), text("chat", t.Chat, MaxText))
	for _, id := range t.To {
		err = first(err, person("tell.to", id))
	}
	return err
}

func person(what string, id earshot.ParticipantID) error {
	if !id.Valid() {
		return malformed("%s: %.64q is no participant id", what, id)
	}
	return nil
}

func text(what, s string, most int) error {
	if len(s) > most || !utf8.ValidString(s) {
		return malformed("%s: %d bytes, at most %d of UTF-8 are taken", what, len(s), most)
	}
	return nil
}

func count(what string, n, most int) error {
	if n < 0 || n > most {
		return malformed("%s: %d, at most %d", what, n, most)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
