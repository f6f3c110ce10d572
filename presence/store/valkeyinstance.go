package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"

	"earshot"
	"earshot/presence/cluster"
)

// owned runs a script whose answer is who owns the instance, and for how long.
func (v *Valkey) owned(ctx context.Context, op cluster.Op, name string, whats []string, args ...string) (cluster.Reply, error) {
	a, err := v.run(ctx, op, name, whats, args)
	if err != nil {
		return cluster.Reply{}, err
	}
	return a.reply(a.owner())
}

func (a *answer) owner() cluster.Reply {
	return cluster.Reply{
		Status: a.status(), Epoch: cluster.Epoch(a.number(1)), Node: earshot.NodeID(a.text(2)),
		Left: time.Duration(a.number(3)) * time.Millisecond, Fresh: a.number(4) == 1,
	}
}

// whole runs a script whose answer is all about an instance.
func (v *Valkey) whole(ctx context.Context, op cluster.Op, name string, whats []string, args ...string) (cluster.Reply, error) {
	a, err := v.run(ctx, op, name, whats, args)
	if err != nil {
		return cluster.Reply{}, err
	}
	r := a.owner()
	if r.Status != cluster.OK {
		return a.reply(r)
	}
	r.Seq = a.number(5)
	if snapshot := a.text(10); snapshot != "" {
		r.Snapshot = []byte(snapshot)
	}
	r.Record = a.record(6, 7, 8, 9, 12)
	fields := a.list(11)
	r.Members = make([]cluster.Presence, 0, len(fields))
	for _, field := range fields {
		p, ok := readPresence(field)
		a.bad = a.bad || !ok
		r.Members = append(r.Members, p)
	}
	slices.SortFunc(r.Members, func(a, b cluster.Presence) int { return cmp.Compare(a.Participant, b.Participant) })
	return a.reply(r)
}

// record reads a record: what an owner wrote, and what each claim changes.
func (a *answer) record(data, owner, epoch, rev, state int) (r cluster.InstanceRecord) {
	a.bad = a.bad || json.Unmarshal([]byte(a.text(data)), &r) != nil
	r.Owner, r.Epoch, r.Rev = earshot.NodeID(a.text(owner)), cluster.Epoch(a.number(epoch)), a.number(rev)
	r.State = cluster.State(a.number(state))
	return r
}

// limits are what scripts must know of a record.
func limits(r *cluster.InstanceRecord) []string {
	return []string{decimal(uint64(r.State)), decimal(max(r.Soft, 0)), decimal(max(r.Hard, 0))}
}

func (v *Valkey) claim(ctx context.Context, op cluster.Claim) (cluster.Reply, error) {
	record, err := encode(&op.Record)
	if err != nil {
		return cluster.Reply{}, err
	}
	if err := v.list(ctx, "i", string(op.Instance)); err != nil {
		return cluster.Reply{}, err
	}
	args := append([]string{decimal(op.Seed), string(op.Node), op.Nonce.String(), milliseconds(op.TTL), record}, limits(&op.Record)...)
	r, err := v.whole(ctx, op, "claim", []string{"o", "m", "r"}, args...)
	if err == nil && r.Status == cluster.OK {
		v.tell(ctx)
	}
	return r, err
}

func (v *Valkey) write(ctx context.Context, op cluster.Write) (cluster.Reply, error) {
	record, err := encode(&op.Record)
	if err != nil {
		return cluster.Reply{}, err
	}
	if op.Record.State != cluster.Closed {
		if err := v.list(ctx, "i", string(op.Record.Instance)); err != nil {
			return cluster.Reply{}, err
		}
	}
	args := append([]string{decimal(op.Record.Epoch), string(op.Record.Owner), decimal(op.Record.Rev), record}, limits(&op.Record)...)
	r, err := v.owned(ctx, op, "write", []string{"o", "m", "r"}, args...)
	if err != nil || r.Status != cluster.OK {
		return r, err
	}
	if op.Record.State == cluster.Closed {
		err = v.unlist(ctx, "i", string(op.Record.Instance))
	}
	if r.Fresh {
		v.tell(ctx)
	}
	r.Fresh = false // here it said that the lists change
	return r, err
}

func (v *Valkey) release(ctx context.Context, op cluster.Release) (cluster.Reply, error) {
	forget := "0"
	if op.Forget {
		forget = "1"
	}
	r, err := v.owned(ctx, op, "release", []string{"o", "m", "r"}, decimal(op.Epoch), string(op.Node), string(op.Heir), milliseconds(op.HeirTTL), forget)
	if r.Fresh { // who has claimed it meanwhile lists it again with the next word
		err = v.unlist(ctx, "i", string(op.Instance))
		v.tell(ctx)
	}
	r.Fresh = false // here it said that the lists change
	return r, err
}

func (v *Valkey) put(ctx context.Context, op cluster.Put) (cluster.Reply, error) {
	delta := cluster.Delta{Instance: op.Instance, Node: op.Node, Epoch: op.Epoch, Seq: op.Seq, Full: op.Full, Set: op.Set, Gone: op.Gone}
	full, publish := "0", "PUBLISH"
	if op.Full {
		full = "1"
	}
	if v.sharded {
		publish = "SPUBLISH"
	}
	args := make([]string, 0, 8+3*len(op.Set)+len(op.Gone))
	args = append(args, decimal(op.Epoch), string(op.Node), decimal(op.Seq), full, publish, v.key(op.Tag(), "d"),
		valkey.BinaryString(appendDelta(nil, &delta)), decimal(len(op.Set)))
	for i := range op.Set {
		p := &op.Set[i]
		args = append(args, string(p.Participant), stampText(p.Stamp()), valkey.BinaryString(appendPresence(nil, p)))
	}
	args = append(args, texts(op.Gone)...)
	a, err := v.run(ctx, op, "put", []string{"o", "m"}, args)
	if err != nil {
		return cluster.Reply{}, err
	}
	if a.status() == cluster.OK {
		return a.reply(cluster.Reply{Status: cluster.OK, Seq: a.number(1)})
	}
	return a.reply(a.owner())
}

func (v *Valkey) reserve(ctx context.Context, op cluster.Reserve) (cluster.Reply, error) {
	invited := "0"
	if op.Invited {
		invited = "1"
	}
	args := append([]string{reservationText(op.Key), milliseconds(op.TTL), invited}, texts(op.Participants)...)
	return v.owned(ctx, op, "reserve", []string{"o", "m", "r"}, args...)
}

// surveyBatch is how many instances one script looks at.
const surveyBatch = 500

func (v *Valkey) survey(ctx context.Context) (cluster.Reply, error) {
	r := cluster.Reply{Status: cluster.OK}
	err := v.surveyNodes(ctx, &r)
	if err == nil {
		err = v.surveyInstances(ctx, &r)
	}
	if err != nil {
		return cluster.Reply{}, err
	}
	slices.SortFunc(r.Nodes, func(a, b cluster.NodeRecord) int { return cmp.Compare(a.Node, b.Node) })
	slices.SortFunc(r.Instances, func(a, b cluster.InstanceRecord) int { return strings.Compare(string(a.Instance), string(b.Instance)) })
	return r, nil
}

func (v *Valkey) surveyInstances(ctx context.Context, r *cluster.Reply) error {
	names, err := v.listed(ctx, "i")
	if err != nil {
		return err
	}
	batch := 1
	if v.together {
		batch = surveyBatch
	}
	var execs []valkey.LuaExec
	for part := range slices.Chunk(names, batch) {
		keys := make([]string, len(part))
		for i, name := range part {
			keys[i] = v.key(cluster.ReadInstance{Instance: earshot.InstanceID(name)}.Tag(), "o")
		}
		execs = append(execs, valkey.LuaExec{Keys: keys})
	}
	if len(execs) == 0 {
		return nil
	}
	var gone []string
	for i, result := range v.scripts["list"].lua.ExecMulti(ctx, v.client, execs...) {
		rows, err := result.ToArray()
		if err != nil {
			return v.problem(ctx, err)
		}
		for j := range rows {
			values, err := rows[j].ToArray()
			if err != nil {
				return v.problem(ctx, err)
			}
			if len(values) == 0 {
				gone = append(gone, names[i*batch+j])
				continue
			}
			a := answer{values: values}
			record := a.record(1, 2, 3, 4, 5)
			if a.bad {
				return foreign()
			}
			switch {
			case record.State == cluster.Closed:
				gone = append(gone, names[i*batch+j])
				continue
			case a.number(0) == 0:
				record.State = cluster.Orphaned
			}
			r.Instances = append(r.Instances, record)
		}
	}
	return v.unlist(ctx, "i", gone...)
}
