package store

import (
	"context"
	"encoding/json"

	"github.com/valkey-io/valkey-go"

	"earshot"
	"earshot/presence/cluster"
)

// listsTag is the hash tag of the lists: n of nodes, i of instances, c the
// channel that says that they changed. A list may name what is gone, for it is
// written apart from that; who reads looks each up, and takes out what is not
// there. It never misses one for long: what lives is listed first, and again
// with each write.
const listsTag = "lists"

func (v *Valkey) list(ctx context.Context, which, name string) error {
	return v.problem(ctx, v.client.Do(ctx, v.client.B().Sadd().Key(v.key(listsTag, which)).Member(name).Build()).Error())
}

func (v *Valkey) unlist(ctx context.Context, which string, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	return v.problem(ctx, v.client.Do(ctx, v.client.B().Srem().Key(v.key(listsTag, which)).Member(names...).Build()).Error())
}

func (v *Valkey) listed(ctx context.Context, which string) ([]string, error) {
	names, err := v.client.Do(ctx, v.client.B().Smembers().Key(v.key(listsTag, which)).Build()).AsStrSlice()
	return names, v.problem(ctx, err)
}

// tell says that the lists changed. Who misses it finds out at its next survey.
func (v *Valkey) tell(ctx context.Context) {
	v.publish(ctx, v.key(listsTag, "c"), "")
}

func (v *Valkey) publish(ctx context.Context, channel, message string) error {
	b := v.client.B()
	if v.sharded {
		return v.problem(ctx, v.client.Do(ctx, b.Spublish().Channel(channel).Message(message).Build()).Error())
	}
	return v.problem(ctx, v.client.Do(ctx, b.Publish().Channel(channel).Message(message).Build()).Error())
}

func (v *Valkey) announce(ctx context.Context, op cluster.Announce) (cluster.Reply, error) {
	record, err := encode(&op.Record)
	if err != nil {
		return cluster.Reply{}, err
	}
	added, err := v.client.Do(ctx, v.client.B().Sadd().Key(v.key(listsTag, "n")).Member(string(op.Record.Node)).Build()).AsInt64()
	if err != nil {
		return cluster.Reply{}, v.problem(ctx, err)
	}
	a, err := v.run(ctx, op, "announce", []string{""}, []string{op.Record.HLC.String(), record, milliseconds(op.TTL)})
	if err != nil {
		return cluster.Reply{}, err
	}
	if added == 1 {
		v.tell(ctx)
	}
	return a.reply(cluster.Reply{Status: a.status()})
}

func (v *Valkey) withdraw(ctx context.Context, op cluster.Withdraw) (cluster.Reply, error) {
	if err := v.client.Do(ctx, v.client.B().Del().Key(v.key(op.Tag(), "")).Build()).Error(); err != nil {
		return cluster.Reply{}, v.problem(ctx, err)
	}
	if err := v.unlist(ctx, "n", string(op.Node)); err != nil {
		return cluster.Reply{}, err
	}
	v.tell(ctx)
	return cluster.Reply{Status: cluster.OK}, nil
}

func (v *Valkey) surveyNodes(ctx context.Context, r *cluster.Reply) error {
	names, err := v.listed(ctx, "n")
	if err != nil || len(names) == 0 {
		return err
	}
	commands := make(valkey.Commands, len(names))
	for i, name := range names {
		key := v.key(cluster.Withdraw{Node: earshot.NodeID(name)}.Tag(), "")
		commands[i] = v.client.B().Hget().Key(key).Field("r").Build()
	}
	var gone []string
	for i, result := range v.client.DoMulti(ctx, commands...) {
		text, err := result.ToString()
		if valkey.IsValkeyNil(err) {
			gone = append(gone, names[i])
			continue
		}
		if err != nil {
			return v.problem(ctx, err)
		}
		var record cluster.NodeRecord
		if json.Unmarshal([]byte(text), &record) != nil {
			return foreign()
		}
		r.Nodes = append(r.Nodes, record)
	}
	return v.unlist(ctx, "n", gone...)
}
