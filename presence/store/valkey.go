package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"

	"earshot"
	"earshot/presence/cluster"
)

// Valkey is a store on Valkey or Redis servers.
//
// What a server that fails over had not copied yet is lost, unless
// Config.Replicas wants copies first: owners notice by cluster.Reply.Fresh or
// by gaps, and write their whole truth again.
type Valkey struct {
	client   valkey.Client
	cfg      Config
	scripts  scripts
	sharded  bool // the server has sharded channels
	together bool // keys of several hash tags may be in one command
}

var _ Store = (*Valkey)(nil)

// OpenValkey connects to cfg.Addresses. Errors are *earshot.Error and name no
// secret: invalid_argument, or unavailable where no server answers.
func OpenValkey(ctx context.Context, cfg Config) (*Valkey, error) {
	opt, err := cfg.options()
	if err != nil {
		return nil, err
	}
	client, err := valkey.NewClient(opt)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeUnavailable, "store: no Valkey or Redis server answers at %s: %v", strings.Join(cfg.Addresses, ", "), err)
	}
	v := &Valkey{client: client, cfg: cfg, scripts: loadScripts(), together: !cfg.Cluster}
	ctx, cancel := v.patience(ctx)
	defer cancel()
	// Nobody listens: it only asks whether there are sharded channels.
	switch err := client.Do(ctx, client.B().Spublish().Channel(v.key(listsTag, "c")).Message("").Build()).Error(); {
	case err == nil:
		v.sharded = true
	case !strings.Contains(strings.ToLower(err.Error()), "unknown command"):
		client.Close()
		return nil, v.problem(ctx, err)
	}
	return v, nil
}

// Close implements Store.
func (v *Valkey) Close() error {
	v.client.Close()
	return nil
}

func (v *Valkey) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, v.cfg.Patience)
}

// key is that of what under a hash tag.
func (v *Valkey) key(tag, what string) string { return v.cfg.Prefix + "{" + tag + "}" + what }

// Do implements Store.
func (v *Valkey) Do(ctx context.Context, op cluster.Op) (cluster.Reply, error) {
	if err := Check(op); err != nil {
		return cluster.Reply{}, err
	}
	ctx, cancel := v.patience(ctx)
	defer cancel()
	switch op := op.(type) {
	case cluster.Claim:
		return v.claim(ctx, op)
	case cluster.Renew:
		return v.owned(ctx, op, "renew", []string{"o", "m", "r"}, decimal(op.Epoch), string(op.Node), milliseconds(op.TTL))
	case cluster.Write:
		return v.write(ctx, op)
	case cluster.Put:
		return v.put(ctx, op)
	case cluster.Save:
		return v.owned(ctx, op, "save", []string{"o"}, decimal(op.Epoch), string(op.Node), decimal(op.Rev), valkey.BinaryString(op.Snapshot))
	case cluster.ReadInstance:
		return v.whole(ctx, op, "read", []string{"o", "m"})
	case cluster.Release:
		return v.release(ctx, op)
	case cluster.Reserve:
		return v.reserve(ctx, op)
	case cluster.Cancel:
		return v.owned(ctx, op, "cancel", []string{"r"}, append([]string{reservationText(op.Key)}, texts(op.Participants)...)...)
	case cluster.Take:
		return v.owned(ctx, op, "take", []string{"o", "m", "r"}, decimal(op.Epoch), string(op.Node), reservationText(op.Reservation),
			string(op.Member.Participant), stampText(op.Member.Stamp()), valkey.BinaryString(appendPresence(nil, &op.Member)))
	case cluster.Commit:
		return v.commit(ctx, op)
	case cluster.Touch:
		w := op.At
		return v.placed(ctx, op, w.Participant, "touch", decimal(w.Epoch), string(w.Instance), string(w.Node),
			string(w.Key.Participant), w.Key.HLC.String(), string(w.Key.Node), milliseconds(op.TTL))
	case cluster.Leave:
		w := op.At
		return v.placed(ctx, op, w.Participant, "leave", decimal(w.Epoch), string(w.Node),
			string(w.Key.Participant), w.Key.HLC.String(), string(w.Key.Node), milliseconds(op.TTL))
	case cluster.SetOrder:
		return v.setOrder(ctx, op)
	case cluster.Find:
		return v.find(ctx, op)
	case cluster.Announce:
		return v.announce(ctx, op)
	case cluster.Withdraw:
		return v.withdraw(ctx, op)
	case cluster.Survey:
		return v.survey(ctx)
	}
	return cluster.Reply{}, earshot.Errorf(earshot.CodeUnimplemented, "store: there is no operation %T", op)
}

// milliseconds is a duration for the server: at least 1 ms, for less is for ever
// there, or an error.
func milliseconds(d time.Duration) string { return decimal(max(d.Milliseconds(), 1)) }

func texts[S ~string](ids []S) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}

// run runs the script of an operation and returns what it said, after as many
// replicas have it as cfg wants where it must not be forgotten.
func (v *Valkey) run(ctx context.Context, op cluster.Op, name string, whats, args []string) (answer, error) {
	return v.script(ctx, op.Tag(), op.Durable(), name, whats, args)
}

// script is run for keys under a hash tag.
func (v *Valkey) script(ctx context.Context, tag string, durable bool, name string, whats, args []string) (answer, error) {
	keys := make([]string, len(whats))
	for i, what := range whats {
		keys[i] = v.key(tag, what)
	}
	s := v.scripts[name]
	var result valkey.ValkeyResult
	if durable && v.cfg.Replicas > 0 {
		// WAIT is about what came over its own connection.
		err := v.client.Dedicated(func(c valkey.DedicatedClient) error {
			result = c.Do(ctx, c.B().Eval().Script(s.text).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build())
			if result.Error() != nil {
				return nil // it is returned below
			}
			have, err := c.Do(ctx, c.B().Wait().Numreplicas(int64(v.cfg.Replicas)).Timeout(v.cfg.Patience.Milliseconds()).Build()).AsInt64()
			if err == nil && have < int64(v.cfg.Replicas) {
				err = earshot.Errorf(earshot.CodeUnavailable, "store: %d replicas have it, %d are wanted", have, v.cfg.Replicas)
			}
			return err
		})
		if err != nil {
			return answer{}, v.problem(ctx, err)
		}
	} else {
		result = s.lua.Exec(ctx, v.client, keys, args)
	}
	values, err := result.ToArray()
	if err != nil {
		return answer{}, v.problem(ctx, err)
	}
	return answer{values: values}, nil
}

func (v *Valkey) problem(ctx context.Context, err error) error {
	var known *earshot.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case ctx.Err() == context.Canceled:
		return stopped(ctx)
	}
	return earshot.Errorf(earshot.CodeUnavailable, "store: the Valkey server: %v", err)
}

// answer is what a script said: values one after the other, the first a status.
type answer struct {
	values []valkey.ValkeyMessage
	bad    bool
}

func (a *answer) text(i int) string {
	if i >= len(a.values) {
		return ""
	}
	m := &a.values[i]
	if m.IsNil() {
		return ""
	}
	if m.IsInt64() {
		n, err := m.AsInt64()
		a.bad = a.bad || err != nil
		return strconv.FormatInt(n, 10)
	}
	s, err := m.ToString()
	a.bad = a.bad || err != nil
	return s
}

func (a *answer) number(i int) uint64 {
	text := a.text(i)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	a.bad = a.bad || err != nil
	return n
}

func (a *answer) list(i int) []string {
	if i >= len(a.values) {
		return nil
	}
	list, err := a.values[i].AsStrSlice()
	a.bad = a.bad || err != nil
	return list
}

func (a *answer) status() cluster.Status { return cluster.Status(a.number(0)) }

// reply is the finished reply, or that it cannot be read.
func (a *answer) reply(r cluster.Reply) (cluster.Reply, error) {
	if a.bad || r.Status == cluster.Unknown || r.Status > cluster.Missing {
		return cluster.Reply{}, foreign()
	}
	return r, nil
}

func foreign() error {
	return earshot.Errorf(earshot.CodeInternal, "store: what the server has was not written by this version of Earshot: give each deployment a prefix of its own")
}
