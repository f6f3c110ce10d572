package store

import (
	"context"

	"github.com/valkey-io/valkey-go"

	"earshot"
	"earshot/presence/cluster"
)

// Follow implements Bus.
func (v *Valkey) Follow(ctx context.Context, instance earshot.InstanceID, began func(), delta func(cluster.Delta)) error {
	return v.subscribe(ctx, v.key(cluster.ReadInstance{Instance: instance}.Tag(), "d"), began, func(message string) {
		if d, ok := readDelta(instance, []byte(message)); ok { // another version's is a gap, after which it is read
			delta(d)
		}
	})
}

// Send implements Bus.
func (v *Valkey) Send(ctx context.Context, to earshot.NodeID, message []byte) error {
	if err := checkMessage(to, message); err != nil {
		return err
	}
	ctx, cancel := v.patience(ctx)
	defer cancel()
	return v.publish(ctx, v.mailbox(to), valkey.BinaryString(message))
}

// Receive implements Bus.
func (v *Valkey) Receive(ctx context.Context, node earshot.NodeID, began func(), message func([]byte)) error {
	return v.subscribe(ctx, v.mailbox(node), began, func(text string) {
		if len(text) <= MaxMessage {
			message([]byte(text))
		}
	})
}

func (v *Valkey) mailbox(node earshot.NodeID) string {
	return v.key(cluster.Withdraw{Node: node}.Tag(), "m")
}

// Listen implements Bus.
func (v *Valkey) Listen(ctx context.Context, began func(), changed func()) error {
	return v.subscribe(ctx, v.key(listsTag, "c"), began, func(string) { changed() })
}

// subscribe listens to one channel. The client subscribes again after a broken
// connection, about a second later and without a word, but for the hook.
func (v *Valkey) subscribe(ctx context.Context, channel string, began func(), message func(string)) error {
	ctx = valkey.WithOnSubscriptionHook(ctx, func(s valkey.PubSubSubscription) {
		if s.Kind == "subscribe" || s.Kind == "ssubscribe" {
			began()
		}
	})
	b := v.client.B()
	var command valkey.Completed
	if v.sharded {
		command = b.Ssubscribe().Channel(channel).Build()
	} else {
		command = b.Subscribe().Channel(channel).Build()
	}
	err := v.client.Receive(ctx, command, func(m valkey.PubSubMessage) {
		if m.Channel == channel {
			message(m.Message)
		}
	})
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	if err == nil {
		return earshot.Errorf(earshot.CodeUnavailable, "store: the subscription ended")
	}
	return v.problem(ctx, err)
}
