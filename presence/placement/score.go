package placement

import (
	"slices"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// The weights of the score. They are choices, held by the simulation, not
// measurements.
const (
	friendWeight  = 3.0 // for three friends or more
	friendsEnough = 3
	partyWeight   = 1.0 // for all of the party that is there already
	fillWeight    = 0.8
	rttWeight     = 1.0 // for 100 ms
	rttUnit       = 100 * time.Millisecond
	cpuWeight     = 1.5 // for a node at its end
	egressWeight  = 1.0
	loadKnee      = 0.7
	blockWeight   = 0.5 // for each
)

// fill is what a share of the places taken is worth: an instance should be
// lively, and not full.
func fill(share float64) float64 {
	switch {
	case share < 0.6:
		return share / 0.6
	case share < 0.85:
		return 1
	}
	return max(0, (1-share)/0.15)
}

// overload is how far a share is beyond the knee, 0 to 1.
func overload(share float64) float64 { return min(max(0, share-loadKnee)/(1-loadKnee), 1) }

// score is what in is worth to a request that may enter it.
func (in *instance) score(r *Request) float64 {
	s := friendWeight*float64(min(in.friends, friendsEnough))/friendsEnough +
		partyWeight*float64(in.party)/float64(len(r.Party)) +
		fillWeight*fill(float64(in.taken())/float64(max(in.Hard, 1))) -
		blockWeight*float64(in.blocked)
	if n := in.node; n != nil {
		s -= rttWeight*float64(r.rtt(n.Region))/float64(rttUnit) + cpuWeight*overload(n.Load.CPU) + egressWeight*overload(n.Load.Egress)
	}
	return s
}

// admits reports whether a request of n newcomers may enter in at all.
func (in *instance) admits(r *Request, n int) bool {
	asked := r.Instance == in.Instance && r.Instance != ""
	invited := in.friends > 0 || in.party > 0 || asked || slices.Contains(r.Invited, in.Instance)
	if in.node == nil || in.node.Draining || !in.State.Admits(invited) || !r.allows(in, asked) {
		return false
	}
	most := in.Soft
	if invited {
		most = in.Hard
	}
	return in.taken()+n <= most && in.node.Load.Headroom-in.node.promised >= n
}

// allows is who may enter an instance of a kind.
func (r *Request) allows(in *instance, asked bool) bool {
	if len(r.Regions) > 0 && !slices.Contains(r.Regions, in.Region) {
		return false
	}
	switch in.Kind {
	case cluster.KindPublic, cluster.KindEvent:
		return true
	case cluster.KindFriends:
		return in.friends > 0 || in.party > 0 || r.friendOf(in.Host) || slices.Contains(r.Invited, in.Instance)
	case cluster.KindPrivate:
		return in.party > 0 || slices.Contains(r.Party, in.Host) || slices.Contains(r.Invited, in.Instance)
	case cluster.KindGroup:
		return slices.Contains(r.Groups, in.Group)
	case cluster.KindDev:
		return asked
	}
	return false
}

func (r *Request) friendOf(host earshot.ParticipantID) bool {
	return host != "" && (slices.Contains(r.Party, host) || slices.Contains(r.Friends, host))
}

func (r *Request) rtt(region string) time.Duration {
	for i := range r.RTT {
		if r.RTT[i].Region == region {
			return r.RTT[i].RTT
		}
	}
	return 0
}
