package gateway

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// reservation is what the token of one says. It needs no signature: who is not
// among those it was made for finds no place under its key, nor does anybody
// once it has run out.
type reservation struct {
	Instance earshot.InstanceID    `json:"i"`
	By       earshot.ParticipantID `json:"b"`
	Reading  cluster.HLC           `json:"r,string"`
	Node     earshot.NodeID        `json:"n"`
	Until    int64                 `json:"u"` // Unix seconds
}

const reservationPrefix = "rs_"

func (r *reservation) key() cluster.Key {
	return cluster.Key{Participant: r.By, HLC: r.Reading, Node: r.Node}
}

// token is r as clients carry it.
func (r *reservation) token() string {
	data, err := json.Marshal(r)
	if err != nil {
		return "" // it has only what JSON knows
	}
	return reservationPrefix + base64.RawURLEncoding.EncodeToString(data)
}

// readReservation reads a token of at most maxAskBytes.
func readReservation(token string) (r reservation, err error) {
	bad := invalid("the reservation is none of this server's: POST /v1/worlds/WORLD/reservations makes one")
	text, ok := strings.CutPrefix(token, reservationPrefix)
	if !ok || len(token) > maxAskBytes {
		return r, bad
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(data, &r) != nil {
		return r, bad
	}
	if worldOf(r.Instance) == "" || !r.By.Valid() || !strings.HasPrefix(string(r.Node), "nd_") || len(r.Node) > earshot.MaxIDBytes {
		return r, bad
	}
	return r, nil
}

// keptPlace is a place that was reserved.
type keptPlace struct {
	instance earshot.InstanceID
	key      cluster.Key
}

// redeemable returns the place that the bearer of claims has by the reservation
// they came with; nil where there is none any more: they are placed as anybody.
func (m *manager) redeemable(claims *Claims, asked *asking, id earshot.InstanceID, world string) (*keptPlace, error) {
	if asked.reservation == "" {
		return nil, nil
	}
	r, err := readReservation(asked.reservation)
	switch {
	case err != nil:
		return nil, err
	case worldOf(r.Instance) != world:
		return nil, denied("the reservation is for instance %s, which is not of world %s", r.Instance, world)
	case id != "" && id != r.Instance:
		return nil, denied("the reservation is for instance %s, not for %s: leave ?%s= out", r.Instance, id, queryInstance)
	case time.Now().Unix() >= r.Until || !m.g.runs(r.Instance) && !m.g.fleet.lists(r.Instance):
		return nil, nil
	}
	if m.spread(world) {
		return &keptPlace{r.Instance, r.key()}, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.seats.has(r.key(), claims.Participant(), time.Now()) {
		return nil, nil
	}
	return &keptPlace{r.Instance, r.key()}, nil
}
