package protocol

// SourceBed is what is in a voice slot with a bed of a crowd.
const SourceBed Source = "bed"

// Bed is where a bed of a crowd sounds from: many far voices mixed to one, for a
// client that said in Ready that it places them. Nobody is told who is in it.
type Bed struct {
	Position [3]float32 `json:"position"` // of its centre, metres
	Radius   float32    `json:"radius"`   // around it, metres
	Voices   int        `json:"voices"`   // in it
}
