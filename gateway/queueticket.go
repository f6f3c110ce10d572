package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/queue"
)

// ticket is what somebody carries who waits: their place, and when it was last
// confirmed. It is signed, so that their place is where it was though the node
// that knew of it is gone.
type ticket struct {
	World  string                  `json:"w"`
	Target earshot.InstanceID      `json:"i,omitempty"`
	Party  []earshot.ParticipantID `json:"p"`
	At     cluster.HLC             `json:"a,string"`
	Node   earshot.NodeID          `json:"n,omitempty"`
	Seen   int64                   `json:"s"` // Unix seconds

	// proved: a node with our keys signed it. Else it is good for asking, not for
	// a place.
	proved bool
}

const (
	ticketPrefix   = "qu_"
	maxTicketBytes = 4 << 10
	ticketMAC      = 16 // bytes
	ticketPurpose  = "earshot queue 1\x00"
)

func (t *ticket) place() queue.Place {
	p := queue.Place{Party: t.Party, Target: t.Target}
	if t.proved {
		p.At, p.Node = t.At, t.Node
	}
	return p
}

// seen is when t was confirmed. Who has no place yet asks now.
func (t *ticket) seen(now time.Time) time.Time {
	if !t.proved {
		return now
	}
	return time.Unix(t.Seen, 0)
}

// ticketOf is the ticket for a place in the queue of a world, as of now.
func ticketOf(world string, p *queue.Place, now time.Time) ticket {
	return ticket{World: world, Target: p.Target, Party: p.Party, At: p.At, Node: p.Node, Seen: now.Unix()}
}

// ticket is t as clients carry it.
func (ks *Keys) ticket(t *ticket) string {
	data, err := json.Marshal(t)
	if err != nil {
		return "" // it has only what JSON knows
	}
	return ticketPrefix + base64.RawURLEncoding.EncodeToString(data) + "." + base64.RawURLEncoding.EncodeToString(ks.mac(data))
}

// mac authenticates tickets on all nodes that renew tokens by the same key.
func (ks *Keys) mac(data []byte) []byte {
	h := hmac.New(sha256.New, ks.renewal.verify.([]byte))
	h.Write([]byte(ticketPurpose))
	h.Write(data)
	return h.Sum(nil)[:ticketMAC]
}

// readTicket reads what ticket wrote. One that another key signed is read too,
// and not proved.
func (ks *Keys) readTicket(text string) (t ticket, err error) {
	bad := invalid("the ticket is none of this server's: POST /v1/join?wait=1 gives one where a world is full")
	rest, ok := strings.CutPrefix(text, ticketPrefix)
	body, mac, signed := strings.Cut(rest, ".")
	if !ok || !signed || len(text) > maxTicketBytes {
		return t, bad
	}
	data, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(data, &t) != nil {
		return ticket{}, bad
	}
	ok = worldName.MatchString(t.World) && (t.Target == "" || worldOf(t.Target) == t.World) &&
		len(t.Party) > 0 && len(t.Party) <= cluster.MaxParty && len(t.Node) <= earshot.MaxIDBytes
	for _, who := range t.Party {
		ok = ok && who.Valid()
	}
	if !ok {
		return ticket{}, bad
	}
	given, err := base64.RawURLEncoding.DecodeString(mac)
	t.proved = err == nil && hmac.Equal(given, ks.mac(data))
	return t, nil
}
