package protocol

import "slices"

// Update makes s, which is what all receive lines have, what it is after m.
func (s *Slots) Update(m *Slots) {
	s.Voice, s.Video = update(s.Voice, m.Voice), update(s.Video, m.Video)
}

func update(all, changed []Slot) []Slot {
	for _, c := range changed {
		i, ok := slices.BinarySearchFunc(all, c.Slot, func(s Slot, n int) int { return s.Slot - n })
		if !ok {
			all = slices.Insert(all, i, c)
		}
		all[i] = c
	}
	return all
}
