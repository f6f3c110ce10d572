package netsim

import (
	"slices"
	"time"
)

const (
	ms     = time.Millisecond
	mbit   = 1_000_000
	kbit   = 1_000
	normal = 200 * ms // queue of an access network
)

// preset is a network with a name. Rates and round trips of 3g and 4g are
// those of WebPageTest's "3G Fast" (1.6 Mbit/s, 768 kbit/s, 150 ms) and "LTE"
// (12 Mbit/s both ways, 70 ms); a geostationary hop is 36,000 km up and down,
// twice. Jitter and loss are ours: what voice engineers plan for, not a
// measurement of anybody's network.
type preset struct {
	name, about string
	path        Path
}

func presets() []preset {
	return []preset{
		{"clean", "no network at all: what the machine itself does", Path{}},
		{"wifi", "a home: 5 ms each way, 2 ms jitter, 0.5 % lost in twos", Path{
			Up:   Profile{Delay: 5 * ms, Jitter: 2 * ms, Loss: Loss{0.005, 2}, Rate: 20 * mbit, Queue: normal},
			Down: Profile{Delay: 5 * ms, Jitter: 2 * ms, Loss: Loss{0.005, 2}, Rate: 50 * mbit, Queue: normal},
		}},
		{"4g", "a telephone: 35 ms each way, 8 ms jitter, 12 Mbit/s, 0.5 % lost in threes", Path{
			Up:   Profile{Delay: 35 * ms, Jitter: 8 * ms, Loss: Loss{0.005, 3}, Rate: 12 * mbit, Queue: normal},
			Down: Profile{Delay: 35 * ms, Jitter: 8 * ms, Loss: Loss{0.005, 3}, Rate: 12 * mbit, Queue: normal},
		}},
		{"3g", "an old telephone: 75 ms each way, 20 ms jitter, 768 kbit/s up, 1.6 Mbit/s down, 1 % lost in threes", Path{
			Up:   Profile{Delay: 75 * ms, Jitter: 20 * ms, Loss: Loss{0.01, 3}, Rate: 768 * kbit, Queue: 400 * ms},
			Down: Profile{Delay: 75 * ms, Jitter: 20 * ms, Loss: Loss{0.01, 3}, Rate: 1600 * kbit, Queue: 400 * ms},
		}},
		{"satellite", "a geostationary satellite: 300 ms each way, 10 ms jitter, 1 % lost in fives", Path{
			Up:   Profile{Delay: 300 * ms, Jitter: 10 * ms, Loss: Loss{0.01, 5}, Rate: 3 * mbit, Queue: 400 * ms},
			Down: Profile{Delay: 300 * ms, Jitter: 10 * ms, Loss: Loss{0.01, 5}, Rate: 25 * mbit, Queue: 400 * ms},
		}},
		{"bad", "a train: 90 ms each way, 40 ms jitter, 5 % lost in fours, some out of order or twice, 600 kbit/s up, 1 Mbit/s down", Path{
			Up: Profile{Delay: 90 * ms, Jitter: 40 * ms, Loss: Loss{0.05, 4}, Reorder: 0.005, Duplicate: 0.005,
				Rate: 600 * kbit, Queue: 500 * ms},
			Down: Profile{Delay: 90 * ms, Jitter: 40 * ms, Loss: Loss{0.05, 4}, Reorder: 0.005, Duplicate: 0.005,
				Rate: mbit, Queue: 500 * ms},
		}},
	}
}

// Named returns a preset.
func Named(name string) (Path, bool) {
	for _, p := range presets() {
		if p.name == name {
			return p.path, true
		}
	}
	return Path{}, false
}

// Names returns the presets, best network first.
func Names() []string {
	var list []string
	for _, p := range presets() {
		list = append(list, p.name)
	}
	return slices.Clip(list)
}

// About describes a preset in a line, or returns "".
func About(name string) string {
	for _, p := range presets() {
		if p.name == name {
			return p.about
		}
	}
	return ""
}
