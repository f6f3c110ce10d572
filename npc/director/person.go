package director

import "earshot"

// Person is somebody near the character at one moment, heard or not.
type Person struct {
	ID   earshot.ParticipantID
	Name string
	Kind string            // "person" is answered; any other kind ("npc", "stand-in") only takes up room
	Head earshot.Transform // in the world; -z of it is where they look

	Distance float64 // metres to the character
	Heard    float64 // level where the character stands, in dBov: the talker's own plus the gain of the way; -127 for silent or inaudible
	Talking  bool    // the media server's voice activity
}

// KindPerson is the kind of those who are greeted and answered.
const KindPerson = "person"

// player reports whether p is somebody to talk with. Characters do not answer
// one another: two of them would never stop.
func (p *Person) player() bool { return p.Kind == KindPerson || p.Kind == "" }
