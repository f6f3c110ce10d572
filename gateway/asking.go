package gateway

import (
	"strconv"
	"strings"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/placement"
)

// What a join's query may say of where to go.
const (
	// queryInstance names the instance.
	queryInstance = "instance"
	// queryReservation is a reservation that the participant has a place in.
	queryReservation = "reservation"
	// queryInvitation is an invitation to it, from who made it.
	queryInvitation = "invitation"
	// queryRTT is how far regions are, as the client measured: eu:23,us:140, in
	// milliseconds.
	queryRTT = "rtt"
	// queryOpen has an instance that has to be opened opened here: another node
	// chose this one for it.
	queryOpen = "open"
	// queryWait has who finds no room wait for some.
	queryWait = "wait"
	// querySent says that the instance is the one where another node sent the
	// client, who asked for none.
	querySent = "sent"
)

const (
	maxRTTs     = 16
	maxRTT      = 10 * time.Second
	maxAskBytes = 2 << 10

	maxInvitation = 64 // bytes
)

// asking is what a join says of where it wants to go. The zero value is for
// who does not mind.
type asking struct {
	instance    earshot.InstanceID
	reservation string
	invitation  string
	rtt         []placement.RTT
	openHere    bool
	wait, sent  bool
}

// waits reports whether who was refused for that reason waits until there is
// room.
func (a *asking) waits(err error) bool {
	return err != nil && a.wait && earshot.CodeOf(err) == earshot.CodeResourceExhausted
}

// askingOf reads the query of a request. What is no id of an instance is left
// for Gateway.named to complain of.
func askingOf(query func(key string, byDefault ...string) string) (asking, error) {
	a := asking{
		instance:    earshot.InstanceID(strings.Clone(query(queryInstance))),
		reservation: strings.Clone(query(queryReservation)),
		invitation:  strings.Clone(query(queryInvitation)),
		openHere:    query(queryOpen) == "1",
		wait:        query(queryWait) == "1",
		sent:        query(querySent) == "1",
	}
	var err error
	if a.rtt, err = rttsOf(strings.Clone(query(queryRTT))); err != nil {
		return asking{}, err
	}
	if len(a.invitation) > maxInvitation {
		return asking{}, invalid("?%s has %d bytes: it is none of this server's", queryInvitation, len(a.invitation))
	}
	if len(a.reservation) > maxAskBytes {
		return asking{}, invalid("?%s has %d bytes: it is none of this server's", queryReservation, len(a.reservation))
	}
	return a, nil
}

// rttsOf reads a list of regions and round trips.
func rttsOf(text string) ([]placement.RTT, error) {
	if text == "" {
		return nil, nil
	}
	bad := invalid("?%s=%q is not a list like eu:23,us:140: at most %d regions, each with its round trip in milliseconds", queryRTT, clip(text), maxRTTs)
	if len(text) > maxAskBytes {
		return nil, bad
	}
	var list []placement.RTT
	for part := range strings.SplitSeq(text, ",") {
		region, ms, ok := strings.Cut(part, ":")
		n, err := strconv.Atoi(ms)
		if !ok || err != nil || n < 0 || n > int(maxRTT/time.Millisecond) || region == "" || len(list) == maxRTTs {
			return nil, bad
		}
		list = append(list, placement.RTT{Region: region, RTT: time.Duration(n) * time.Millisecond})
	}
	return list, nil
}

// pass is where somebody goes, and by what right.
type pass struct {
	in *Instance
	// invited may enter an instance that is nearly full: they asked for it by
	// name, have a friend or their party there, or there is no other.
	invited bool
	// reservation is the place kept for them, in the store of all nodes.
	reservation cluster.Key
}
