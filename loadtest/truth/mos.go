package truth

import "math"

// The E-model, ITU-T G.107 (06/2015), with its default values for everything
// but delay and loss.
const (
	basicR = 93.2 // R of the defaults: Ro - Is (G.107, 7.7)
	// Neither G.113 nor its appendices list Opus. These are G.711 with packet
	// loss concealment (G.113, appendix I): no impairment by itself.
	// Opus conceals better, so the model errs on the strict side.
	codecImpairment = 0    // Ie
	lossRobustness  = 25.1 // Bpl
)

// CodecDelayMs is what Opus adds to the way of a voice: a frame of 20 ms and 6.5
// ms of look-ahead (RFC 6716, section 2).
const CodecDelayMs = 26.5

// MOS estimates the mean opinion score of a conversation, 1 to 4.5 (4.41 for a
// perfect connection), by the E-model: lossShare is the share of frames that
// were concealed, 0 to 1; burstR the mean length of runs of losses over what
// it would be were they independent, at least 1; delayMs the time from mouth to
// ear. Echo is taken as cancelled.
func MOS(lossShare, burstR, delayMs float64) float64 {
	return mosOf(basicR - delayImpairment(delayMs) - lossImpairment(lossShare, burstR))
}

// mosOf converts R (G.107, annex B).
func mosOf(r float64) float64 {
	switch {
	case !(r > 0):
		return 1
	case r >= 100:
		return 4.5
	}
	// The cubic dips below 1 for R under 6.5.
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}

// delayImpairment is Idd (G.107, 7.4, without echo).
func delayImpairment(ms float64) float64 {
	if !(ms > 100) {
		return 0
	}
	x := math.Log2(ms / 100)
	return 25 * (math.Pow(1+math.Pow(x, 6), 1.0/6) - 3*math.Pow(1+math.Pow(x/3, 6), 1.0/6) + 2)
}

// lossImpairment is Ie-eff (G.107, 7.5).
func lossImpairment(share, burstR float64) float64 {
	percent := 100 * min(1, max(0, share))
	return codecImpairment + (95-codecImpairment)*percent/(percent/max(1, burstR)+lossRobustness)
}

// burstRatio is BurstR of so many losses of so many frames in so many runs.
func burstRatio(lost, frames, runs int64) float64 {
	if runs == 0 || frames == 0 || lost >= frames {
		return 1
	}
	mean := float64(lost) / float64(runs)
	return max(1, mean*(1-float64(lost)/float64(frames)))
}
