package protocol

import "math"

// MaxPoseBitrate is what a client gets of poses at most that did not ask for
// less, in bit/s: 64 others at 30 Hz with both hands take 584,000.
const MaxPoseBitrate = 768_000

// SetPoses says how much of its downlink the client gives to poses from now on.
type SetPoses struct {
	// Bitrate in bit/s of pose datagrams, 0 for none. What there is goes to those
	// for whom it shows: the near first, each as often as the rest leaves.
	Bitrate int `json:"bitrate"`
}

func (*SetPoses) clientType() string { return "poses" }

func (f fields) poses() (ClientMessage, error) {
	rate, err := f.number("bitrate")
	if err != nil {
		return nil, err
	}
	if rate < 0 || rate > MaxPoseBitrate || rate != math.Trunc(rate) {
		return nil, invalid("bitrate is %.6g, it must be whole bit/s from 0 to %d", rate, MaxPoseBitrate)
	}
	return &SetPoses{Bitrate: int(rate)}, nil
}
