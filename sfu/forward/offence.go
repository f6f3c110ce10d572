package forward

import "time"

// Offence is a kind of too much that a participant can send. Everything here
// was authenticated: it came under the session's keys, so that nobody else can
// bring a participant into trouble by forging their address.
type Offence uint8

// The offences, and what one of them is counted in.
const (
	OffencePackets   Offence = iota // RTP packets above the budget of a session or publication
	OffenceTiny                     // packets of video with hardly anything in them
	OffenceHeaders                  // RTP packets that are mostly header
	OffenceMalformed                // RTP and RTCP packets that cannot be read
	OffenceSources                  // SSRCs above what any client needs
	OffenceReports                  // RTCP packets
	OffenceRepairs                  // packets asked for again
	OffenceKeyFrames                // key frames asked for
	OffencePoses                    // messages on the pose channels
	OffenceData                     // messages above the bytes a second of all channels
	OffenceChannels                 // data channels that nobody agreed on
	OffenceAddresses                // addresses from which ICE was checked
	Offences                        // how many kinds there are
)

// String returns the offence's name in metrics and logs.
func (o Offence) String() string {
	return [Offences]string{
		"packets", "tiny_packets", "headers", "malformed", "ssrcs", "rtcp",
		"repairs", "key_frames", "poses", "data", "channels", "addresses",
	}[o]
}

// Words returns the offence in words for who committed it.
func (o Offence) Words() string {
	return [Offences]string{
		"too many media packets", "too many media packets with hardly anything in them",
		"media packets with oversized headers", "packets that cannot be read", "too many media sources (SSRCs)",
		"too much feedback (RTCP)", "too many requests to send packets again", "too many requests for key frames",
		"too many poses", "too much data", "data channels that the protocol does not have",
		"connection checks from too many addresses",
	}[o]
}

// When a second counts as one of excess (so much was refused in it), and when
// nothing more is waited for (so much was refused within one second; 0 is never).
var (
	strikeAt = [Offences]uint32{
		OffencePackets: 200, OffenceTiny: 200, OffenceHeaders: 20, OffenceMalformed: 10, OffenceSources: 4,
		OffenceReports: 500, OffenceRepairs: 1000, OffenceKeyFrames: 50, OffencePoses: 120, OffenceData: 10,
		OffenceChannels: 2, OffenceAddresses: 2,
	}
	atOnce = [Offences]uint32{
		// One malformed report may cost a few milliseconds, each SSRC and each
		// address memory for as long as the session lasts.
		OffenceMalformed: 50, OffenceSources: 32, OffenceAddresses: 16,
	}
)

// AtOnce returns how much refused within a second ends a session without
// waiting for more; 0 is never.
func (o Offence) AtOnce() uint32 { return atOnce[o] }

// StrikeLimit is how many more seconds of one excess than without it a session
// survives.
const StrikeLimit = 10

// Strikes decides when one who goes on sending too much has to go: when for
// one kind of excess there were StrikeLimit more seconds with it than without.
// A moment of it, a client that was held up and catches up, does no harm. The
// zero Strikes is ready for use.
type Strikes struct{ count [Offences]uint8 }

// Second takes how much was refused in the last second. It returns the first
// offence that is too much, and whether there is one.
func (s *Strikes) Second(refused *[Offences]uint32) (Offence, bool) {
	for o := range Offences {
		switch {
		case refused[o] >= strikeAt[o]:
			if s.count[o]++; s.count[o] >= StrikeLimit {
				return o, true
			}
		case refused[o] == 0 && s.count[o] > 0:
			s.count[o]--
		}
	}
	return 0, false
}

// What a session may do, beside the budgets of its publications.
const (
	SessionPackets = 12000     // RTP packets a second: a camera, a screen, a voice and repairs of them
	SessionReports = 1000      // RTCP packets a second, once for each slot that they speak of
	KeyFrameWishes = 20        // requests for key frames a second
	PoseMessages   = 240       // a second; gateway takes fewer
	DataBytes      = 512 << 10 // a second, of all channels; twice as many at once

	TinyPayload = 100 // bytes; packets of video below are tiny where they do not end a frame
	TinyPackets = 300 // a second of a publication

	MaxHeader       = 512 // bytes of an RTP header with CSRCs and extensions
	AddressesAtOnce = 32  // from which a client may check
	addressesAfter  = 0.05

	repairLeast = 64 << 10  // bytes a second that may be sent again in any case
	repairBurst = 256 << 10 // and at once
	repairSize  = 1200      // bytes that one repair counts as
)

// Quota is the budgets of one session, one for each offence. What has none is
// an offence from the first on.
type Quota struct {
	budgets [Offences]Budget
	again   float64 // bytes that were sent again since Sent
}

// NewQuota returns the full budgets that every session gets.
func NewQuota() Quota {
	return Quota{budgets: [Offences]Budget{
		OffencePackets:   NewBudget(SessionPackets),
		OffenceReports:   NewBudget(SessionReports),
		OffenceRepairs:   NewBurst(repairLeast, repairBurst),
		OffenceKeyFrames: NewBurst(KeyFrameWishes, 3*KeyFrameWishes),
		OffencePoses:     NewBudget(PoseMessages),
		OffenceData:      NewBurst(DataBytes, 2*DataBytes),
		OffenceAddresses: NewBurst(addressesAfter, AddressesAtOnce),
	}}
}

// Take reports whether n more of a kind are within the budget.
func (q *Quota) Take(o Offence, n float64, now time.Time) bool { return q.budgets[o].TakeN(n, now) }

// Repair reports whether one more packet may be sent again. There may be as
// many bytes of them as were sent anew lately, so that asking for repairs makes
// the server send at most twice of what it would without.
func (q *Quota) Repair(now time.Time) bool {
	if !q.Take(OffenceRepairs, repairSize, now) {
		return false
	}
	q.again += repairSize
	return true
}

// Sent says how many bytes of video were sent to the session since it was last
// called, repairs included, and how long that is ago.
func (q *Quota) Sent(bytes float64, ago time.Duration, now time.Time) {
	rate := max(repairLeast, (bytes-q.again)/ago.Seconds())
	q.again = 0
	q.budgets[OffenceRepairs].Refit(rate, max(repairBurst, rate), now)
}
