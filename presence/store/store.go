package store

import (
	"context"
	"strings"

	"earshot"
	"earshot/presence/cluster"
)

// Store is all that nodes share.
//
// Errors are *earshot.Error: unavailable, deadline_exceeded or canceled where no
// answer came, and then it is not known whether what was asked took place: ask
// the same again; invalid_argument and resource_exhausted as the methods say.
type Store interface {
	// Do does an operation and returns how it ended; cluster.Unknown, with an
	// error, where no answer came. invalid_argument is for what no store takes:
	// see Check.
	Do(ctx context.Context, op cluster.Op) (cluster.Reply, error)
	Bus
	Friendships
	Dockets
	// Close ends the connections, and with them every Follow, Receive and
	// Listen. Nothing may be called after.
	Close() error
}

// Bus brings news to other nodes. All of it may be lost, and nobody says so: a
// connection that broke loses what was sent meanwhile. Deltas have sequence
// numbers, messages are asked again, and lists are surveyed from time to time.
//
// Each of the three that listen calls began whenever it begins to hear, also
// again after a broken connection: what is read from the store after that is
// followed by what comes. It returns when ctx ends, or with the error that ended
// it, and may then be called again. The functions are called one at a time and
// must not wait.
type Bus interface {
	// Follow brings what cluster.Put changes in an instance.
	Follow(ctx context.Context, instance earshot.InstanceID, began func(), delta func(cluster.Delta)) error
	// Send sends a message of at most MaxMessage to a node; nobody may be there.
	Send(ctx context.Context, to earshot.NodeID, message []byte) error
	// Receive brings the messages to a node. They are the receiver's to keep.
	Receive(ctx context.Context, node earshot.NodeID, began func(), message func([]byte)) error
	// Listen tells that the lists changed: a node or an instance came or went,
	// or an instance's state is another.
	Listen(ctx context.Context, began func(), changed func()) error
}

// Friendships keeps who is whose friend. Each direction is of its own.
type Friendships interface {
	// Befriend says that a participant has others as friends, or no longer. Of
	// two words about the same friend the one with the later stamp stays. The
	// error is resource_exhausted beyond MaxFriends.
	Befriend(ctx context.Context, participant earshot.ParticipantID, friends []earshot.ParticipantID, on bool, at cluster.Stamp) error
	// Friends returns a participant's friends, sorted.
	Friends(ctx context.Context, participant earshot.ParticipantID) ([]earshot.ParticipantID, error)
}

// Bounds that every store holds.
const (
	MaxMessage = 64 << 10 // bytes
	MaxFriends = 1000     // of one participant
)

// Check returns the problem with an operation that no store takes: ids that are
// too long or have characters that none has, and values beyond the bounds of
// presence/cluster. The *earshot.Error is invalid_argument.
func Check(op cluster.Op) error {
	if _, id, ok := strings.Cut(op.Tag(), ":"); ok && named(id) != nil {
		return named(id)
	}
	switch op := op.(type) {
	case cluster.Claim:
		return named(op.Node)
	case cluster.Write:
		return named(op.Record.Owner)
	case cluster.Put:
		if len(op.Set)+len(op.Gone) > 2*cluster.MaxMembers {
			return tooLarge("members", len(op.Set)+len(op.Gone), 2*cluster.MaxMembers)
		}
		var err error
		for i := 0; err == nil && i < len(op.Set); i++ {
			err = checkPresence(&op.Set[i])
		}
		for i := 0; err == nil && i < len(op.Gone); i++ {
			err = named(op.Gone[i])
		}
		return err
	case cluster.Save:
		if len(op.Snapshot) > cluster.MaxSnapshotBytes {
			return tooLarge("a snapshot's bytes", len(op.Snapshot), cluster.MaxSnapshotBytes)
		}
	case cluster.Reserve:
		if len(op.Participants) == 0 || len(op.Participants) > cluster.MaxParty {
			return tooLarge("participants of a reservation", len(op.Participants), cluster.MaxParty)
		}
		err := firstProblem(named(op.Key.Participant), optional(op.Key.Node))
		for i := 0; err == nil && i < len(op.Participants); i++ {
			err = named(op.Participants[i])
		}
		return err
	case cluster.Take:
		return firstProblem(named(op.Reservation.Participant), optional(op.Reservation.Node), checkPresence(&op.Member))
	case cluster.Commit:
		return firstProblem(optional(op.To.Instance), optional(op.To.Key.Participant), optional(op.To.Key.Node))
	case cluster.SetOrder:
		o := op.Order
		return firstProblem(optional(o.Against), optional(o.ID), optional(o.Scope), optional(o.Node))
	}
	return nil
}

func checkPresence(p *cluster.Presence) error {
	if len(p.State) > cluster.MaxStateBytes {
		return tooLarge("a state's bytes", len(p.State), cluster.MaxStateBytes)
	}
	return firstProblem(named(p.Participant), optional(p.Node))
}

func firstProblem(problems ...error) error {
	for _, err := range problems {
		if err != nil {
			return err
		}
	}
	return nil
}

// named complains of what is no id: it would not be told apart in a key.
func named[S ~string](id S) error {
	if id == "" {
		return earshot.Errorf(earshot.CodeInvalidArgument, "store: an id is missing")
	}
	return optional(id)
}

func optional[S ~string](id S) error {
	ok := len(id) <= earshot.MaxIDBytes
	for i := 0; ok && i < len(id); i++ {
		ok = id[i] > ' ' && id[i] < 0x7f && id[i] != '{' && id[i] != '}'
	}
	if !ok {
		return earshot.Errorf(earshot.CodeInvalidArgument, "store: %.80q is no id: at most %d letters, digits and signs but braces", id, earshot.MaxIDBytes)
	}
	return nil
}

func tooLarge(what string, n, most int) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, "store: %d %s, want 1 to %d", n, what, most)
}

func tooManyFriends(participant earshot.ParticipantID) error {
	return earshot.Errorf(earshot.CodeResourceExhausted, "store: %s has %d friends already: end a friendship first", participant, MaxFriends)
}

func stopped(ctx context.Context) error {
	if ctx.Err() == context.DeadlineExceeded {
		return earshot.Errorf(earshot.CodeDeadlineExceeded, "store: the time for it was over")
	}
	return earshot.Errorf(earshot.CodeCanceled, "store: nobody waits for it any more")
}
