package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"slices"
	"strings"

	"earshot"
	"earshot/presence/cluster"
)

// kindNames are those of instances that somebody makes; public ones open by
// themselves.
var kindNames = [...]string{
	cluster.KindPublic: "public", cluster.KindFriends: "friends", cluster.KindPrivate: "private",
	cluster.KindGroup: "group", cluster.KindEvent: "event", cluster.KindDev: "dev",
}

// kindOf returns the kind of a name.
func kindOf(name string) (cluster.Kind, bool) {
	at := slices.Index(kindNames[:], name)
	return cluster.Kind(max(at, 0)), at >= 0
}

// madeBytes is how much of chance is in the id of an instance that somebody
// made, and how long that is in base 32.
const (
	madeBytes  = 10
	madeLength = 16
)

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// madeID is the id of an instance that somebody makes just now: its kind shows,
// so that no node ever takes it for one that anybody may enter.
func madeID(world string, kind cluster.Kind) earshot.InstanceID {
	return firstOf(world) + earshot.InstanceID("_"+kindNames[kind]+"-"+chance(madeBytes))
}

// madeKind returns the kind of an instance that somebody made, by its id.
func madeKind(id earshot.InstanceID) (cluster.Kind, bool) {
	world := worldOf(id)
	if world == "" {
		return 0, false
	}
	name, rest, ok := strings.Cut(strings.TrimPrefix(string(id), string(firstOf(world))+"_"), "-")
	kind, known := kindOf(name)
	return kind, ok && known && kind != cluster.KindPublic && len(rest) == madeLength
}

func chance(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return lowerBase32.EncodeToString(b)
}

const invitationPrefix = "iv_"

// invitationKey is what a record has of an invitation: whoever reads the store
// cannot invite.
func invitationKey(invitation string) string {
	sum := sha256.Sum256([]byte(invitation))
	return hex.EncodeToString(sum[:16])
}

// rules are who may enter an instance that somebody made: its record, here or as
// the directory has it.
func (m *manager) rules(id earshot.InstanceID) (cluster.InstanceRecord, bool) {
	m.mu.Lock()
	r, ok := m.made[id]
	m.mu.Unlock()
	if ok || m.g.fleet == nil {
		return r, ok
	}
	for _, r := range m.g.fleet.Instances() {
		if r.Instance == id && r.State != cluster.Closed {
			return r, true
		}
	}
	return r, false
}

// adopt keeps the rules of an instance that this node owns.
func (m *manager) adopt(r cluster.InstanceRecord) {
	if _, ok := madeKind(r.Instance); !ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made[r.Instance] = r
}

// mayEnter says why the bearer of claims may not enter an instance; nil: they
// may. Every door asks it. One that nobody made is open to whoever knows it.
func (m *manager) mayEnter(ctx context.Context, claims *Claims, invitation string, id earshot.InstanceID) error {
	kind, ok := madeKind(id)
	if !ok || claims.Instance == id { // who signed the token said so
		return nil
	}
	r, ok := m.rules(id)
	if !ok {
		return earshot.Errorf(earshot.CodeNotFound, "instance %s does not run; it closes some minutes after the last has left: make another", id)
	}
	who := claims.Participant()
	if who == r.Host || slices.Contains(r.Invited, who) ||
		r.Key != "" && subtle.ConstantTimeCompare([]byte(r.Key), []byte(invitationKey(invitation))) == 1 {
		return nil
	}
	switch kind {
	case cluster.KindEvent, cluster.KindDev:
		return nil
	case cluster.KindFriends:
		friends, err := m.friendsOf(ctx, r.Host)
		switch {
		case err != nil:
			return earshot.Errorf(earshot.CodeUnavailable, "it cannot be seen at this moment whose friends may enter instance %s; try again in a second", id)
		case slices.Contains(friends, who):
			return nil
		}
		return denied("instance %s is for friends of who made it; ask for an invitation", id)
	case cluster.KindGroup:
		if r.Group != "" && slices.Contains(claims.Groups, r.Group) {
			return nil
		}
		return denied("instance %s is for a group that your token does not name", id)
	}
	return denied("instance %s is private; ask who made it for an invitation", id)
}

// mayKnow reports whether the bearer of claims may be told that an instance is
// there: where they may enter, and it is not of kind dev, which only its maker
// sees.
func (m *manager) mayKnow(ctx context.Context, claims *Claims, id earshot.InstanceID) bool {
	kind, made := madeKind(id)
	switch {
	case !made:
		return publicID(id, worldOf(id)) || claims.Instance == id
	case kind == cluster.KindDev:
		r, ok := m.rules(id)
		return ok && r.Host == claims.Participant()
	}
	return m.mayEnter(ctx, claims, "", id) == nil
}

// friendsOf are those whom somebody has as friends.
func (m *manager) friendsOf(ctx context.Context, who earshot.ParticipantID) ([]earshot.ParticipantID, error) {
	ctx, cancel := context.WithTimeout(ctx, knowWithin)
	defer cancel()
	return m.g.lookout.friends.Friends(ctx, who)
}

// closed says that an instance has ended, and with it its rules: without them
// nobody finds it again.
func (m *manager) closed(in *Instance) {
	kind, made := madeKind(in.id)
	m.mu.Lock()
	delete(m.made, in.id)
	m.mu.Unlock()
	if in.public() {
		m.g.reviewer.done(actionClose)
		m.g.log.Info("an instance that nobody needed has closed", "instance", in.id)
	}
	if made {
		m.g.log.Info("an instance has closed", "instance", in.id, "kind", kindNames[kind])
	}
}
