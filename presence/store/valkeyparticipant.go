package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"earshot"
	"earshot/presence/cluster"
)

var participantKeys = []string{"w", "f"}

// placed runs a script whose answer is where a participant is.
func (v *Valkey) placed(ctx context.Context, op cluster.Op, id earshot.ParticipantID, name string, args ...string) (cluster.Reply, error) {
	a, err := v.run(ctx, op, name, participantKeys, args)
	if err != nil {
		return cluster.Reply{}, err
	}
	return a.reply(a.place(id))
}

func (a *answer) place(id earshot.ParticipantID) cluster.Reply {
	at := a.whereabouts(id, 1)
	return cluster.Reply{Status: a.status(), Epoch: at.Epoch, At: at, Version: a.number(7)}
}

// whereabouts reads six values from i.
func (a *answer) whereabouts(id earshot.ParticipantID, i int) cluster.Whereabouts {
	reading, ok := parseHLC(a.text(i + 4))
	a.bad = a.bad || !ok
	return cluster.Whereabouts{
		Participant: id, Epoch: cluster.Epoch(a.number(i)), Instance: earshot.InstanceID(a.text(i + 1)), Node: earshot.NodeID(a.text(i + 2)),
		Key: cluster.Key{Participant: earshot.ParticipantID(a.text(i + 3)), HLC: reading, Node: earshot.NodeID(a.text(i + 5))},
	}
}

// orders reads a list of what the orders' fields hold: in front of each order
// are two readings, of which the first may be later than that in it.
func (a *answer) orders(i int) (orders cluster.Orders) {
	for _, field := range a.list(i) {
		_, encoded, _ := strings.Cut(field, "\n")
		var o cluster.Order
		if len(encoded) < 32 || json.Unmarshal([]byte(encoded[32:]), &o) != nil {
			a.bad = true
			return nil
		}
		lifts, ok := parseHLC(encoded[:16])
		a.bad = a.bad || !ok
		o.Lifts = lifts
		orders = append(orders, o)
	}
	slices.SortFunc(orders, func(a, b cluster.Order) int { return cmp.Compare(a.Name(), b.Name()) })
	return orders
}

func (v *Valkey) commit(ctx context.Context, op cluster.Commit) (cluster.Reply, error) {
	any := "0"
	if op.Any {
		any = "1"
	}
	a, err := v.run(ctx, op, "commit", participantKeys, []string{decimal(op.Expect), any, decimal(op.Seed), milliseconds(op.TTL),
		string(op.To.Instance), string(op.To.Node), string(op.To.Key.Participant), op.To.Key.HLC.String(), string(op.To.Key.Node)})
	if err != nil {
		return cluster.Reply{}, err
	}
	r := a.place(op.To.Participant)
	if r.Status == cluster.OK {
		r.Before, r.Orders = a.whereabouts(op.To.Participant, 8), a.orders(14)
	}
	return a.reply(r)
}

func (v *Valkey) setOrder(ctx context.Context, op cluster.SetOrder) (cluster.Reply, error) {
	o := op.Order
	encoded, err := encode(&o)
	if err != nil {
		return cluster.Reply{}, err
	}
	return v.placed(ctx, op, o.Of, "setorder", o.Name(), o.HLC.String()+string(o.Node), o.Lifts.String(), o.Until.String(), encoded, decimal(cluster.MaxOrders))
}

func (v *Valkey) find(ctx context.Context, op cluster.Find) (cluster.Reply, error) {
	a, err := v.run(ctx, op, "find", participantKeys, nil)
	if err != nil {
		return cluster.Reply{}, err
	}
	r := a.place(op.Participant)
	r.Orders = a.orders(8)
	return a.reply(r)
}

// Befriend implements Friendships.
func (v *Valkey) Befriend(ctx context.Context, participant earshot.ParticipantID, friends []earshot.ParticipantID, on bool, at cluster.Stamp) error {
	if err := checkFriends(participant, friends); err != nil {
		return err
	}
	ctx, cancel := v.patience(ctx)
	defer cancel()
	sign := "-"
	if on {
		sign = "+"
	}
	args := append([]string{stampText(at), sign, decimal(MaxFriends)}, texts(friends)...)
	values, err := v.scripts["befriend"].lua.Exec(ctx, v.client, []string{v.friends(participant)}, args).ToArray()
	if err != nil {
		return v.problem(ctx, err)
	}
	a := answer{values: values}
	if a.status() == cluster.Full {
		return tooManyFriends(participant)
	}
	return nil
}

// Friends implements Friendships.
func (v *Valkey) Friends(ctx context.Context, participant earshot.ParticipantID) ([]earshot.ParticipantID, error) {
	ctx, cancel := v.patience(ctx)
	defer cancel()
	all, err := v.client.Do(ctx, v.client.B().Hgetall().Key(v.friends(participant)).Build()).AsStrMap()
	if err != nil {
		return nil, v.problem(ctx, err)
	}
	var friends []earshot.ParticipantID
	for id, said := range all {
		if strings.HasPrefix(said, "+") {
			friends = append(friends, earshot.ParticipantID(id))
		}
	}
	slices.Sort(friends)
	return friends, nil
}

func (v *Valkey) friends(participant earshot.ParticipantID) string {
	return v.key(cluster.Find{Participant: participant}.Tag(), "g")
}
