package gateway

import (
	"fmt"
	"net"
	"testing"

	"earshot"
	"earshot/gateway/protocol"
)

const spanSecret = "the secret of a cluster of two, for tests alone"

// nodes starts two nodes that share the plaza, linked.
func nodes(t *testing.T, change func(*Config)) (a, b *node) {
	t.Helper()
	return nodesOn(t, [2]net.PacketConn{udp(t), udp(t)}, change)
}

func nodesOn(t *testing.T, sockets [2]net.PacketConn, change func(*Config)) (a, b *node) {
	t.Helper()
	ids := [2]earshot.NodeID{"nd_a", "nd_b"}
	key := GenerateDevelopmentKey()
	key.ID = "test"
	var list [2]*node
	for i := range list {
		list[i] = startNodeWith(t, func(cfg *Config) {
			cfg.Keys = []Key{key}
			cfg.Cluster.Node, cfg.Cluster.Secrets, cfg.Cluster.Spans = ids[i], []Secret{spanSecret}, []string{"plaza"}
			cfg.Cluster.Peers = []PeerConfig{{ids[1-i], sockets[1-i].LocalAddr().String()}}
			if change != nil {
				change(cfg)
			}
		}, nil, func(d *Deps) { d.Relay = sockets[i] })
		list[i].key = key
	}
	a, b = list[0], list[1]
	eventually(t, "a link", func() bool { return len(a.cluster.mesh.Links()) == 1 && len(b.cluster.mesh.Links()) == 1 })
	return a, b
}

func udp(t testing.TB) net.PacketConn {
	t.Helper()
	s, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// participantOfBot is who a bot of node.talker is.
func participantOfBot(number uint32) earshot.ParticipantID {
	return earshot.ParticipantFor("test", fmt.Sprintf("bot %d", number))
}

// spanned is the first instance of the world on a node.
func (n *node) spanned() *Instance {
	n.t.Helper()
	in, err := n.run("in_plaza", "plaza")
	if err != nil {
		n.t.Fatal(err)
	}
	return in
}

// knows reports whether a node has somebody, as a ghost or not.
func (n *node) knows(id earshot.ParticipantID) bool { return n.spanned().live.Load().byID[id] != nil }

// Two people on two nodes meet, talk, and one blocks the other: from then on
// neither gets a line of the other, on either node.
func TestSpanChatAndBlocks(t *testing.T) {
	t.Parallel()
	a, b := nodes(t, nil)
	ada, bob := a.guest("ada", nil), b.guest("bob", nil)
	if j := joinedOf(ada, bob.id()); j.Name != "bob" {
		t.Errorf("ada was told of %+v, want bob", j)
	}
	eventually(t, "ada on the other node", func() bool { return b.knows(ada.id()) }) // bob may have been told before he was welcomed
	bob.say(&protocol.SendChat{Text: "hello over there"})
	if c := expect[*protocol.Chat](ada); c.From != bob.id() || c.Text != "hello over there" {
		t.Errorf("chat %+v, want bob's", c)
	}
	expect[*protocol.Chat](bob)
	ada.say(&protocol.Block{Participant: bob.id(), Blocked: true})
	expect[*protocol.Blocked](ada)
	eventually(t, "the block on the other node", func() bool { return b.spanned().space.Blocked(ada.id(), bob.id()) })
	bob.say(&protocol.SendChat{Text: "are you there?"})
	expect[*protocol.Chat](bob)
	ada.say(&protocol.SendChat{Text: "anybody?"})
	if c := expect[*protocol.Chat](ada); c.Text != "anybody?" {
		t.Errorf("ada got %q of one she blocked", c.Text)
	}
	ada.conn.Close()
	eventually(t, "ada's leaving", func() bool { return !b.knows(ada.id()) })
}

// joinedOf passes over messages until somebody has joined.
func joinedOf(g *guest, id earshot.ParticipantID) protocol.Participant {
	g.t.Helper()
	for {
		for _, p := range expect[*protocol.Joined](g).Participants {
			if p.ID == id {
				return p
			}
		}
	}
}

// An NPC lives on one node and is met on both.
func TestSpanHasOneOfEachNPC(t *testing.T) {
	t.Parallel()
	a, b := nodes(t, nil)
	a.guest("ada", nil)
	b.guest("bob", nil)
	count := func(n *node) (npcs int) {
		for _, s := range n.spanned().live.Load().all {
			if s.claims.Kind == KindNPC {
				npcs++
			}
		}
		return npcs
	}
	eventually(t, "both nodes to have the same NPCs", func() bool { return count(a) == count(b) })
	for _, s := range b.spanned().live.Load().all {
		if s.resident != nil {
			t.Errorf("%s lives on the second node too", s.called())
		}
	}
}

// The link breaks: who is on the other node leaves, and comes back with it.
func TestSpanLinkComesBack(t *testing.T) {
	t.Parallel()
	a, b := nodes(t, nil)
	ada, bob := a.guest("ada", nil), b.guest("bob", nil)
	joinedOf(ada, bob.id())
	a.cluster.mesh.Links()[0].Close()
	for left := expect[*protocol.Left](ada); left.Participant != bob.id(); left = expect[*protocol.Left](ada) {
	}
	joinedOf(ada, bob.id())
	eventually(t, "ada on the other node", func() bool { return b.knows(ada.id()) })
}

// Somebody who is on one node joins on another: the first session ends.
func TestSpanHasNobodyTwice(t *testing.T) {
	t.Parallel()
	a, b := nodes(t, nil)
	first := a.guest("ada", nil)
	eventually(t, "ada on the other node", func() bool { return b.knows(first.id()) })
	second := b.guest("ada", nil)
	if bye := expect[*protocol.Bye](first); bye.Code != earshot.CodeAborted {
		t.Errorf("bye %+v, want %s", bye, earshot.CodeAborted)
	}
	eventually(t, "ada from the second node", func() bool {
		s := a.spanned().live.Load().byID[second.id()]
		return s != nil && s.ghost != nil
	})
	if s := b.spanned().live.Load().byID[second.id()]; s == nil || s.ghost != nil {
		t.Error("her second session ended too")
	}
}

// A moderator on one node mutes and removes somebody on another.
func TestSpanModerator(t *testing.T) {
	t.Parallel()
	a, b := nodes(t, nil)
	mod := a.guest("mod", func(c *Claims) { c.Grants = append(c.Grants, protocol.GrantModerate) })
	bob := b.guest("bob", nil)
	eventually(t, "bob on the other node", func() bool { return a.knows(bob.id()) })
	mod.say(&protocol.Moderate{Action: protocol.ActionMute, Participant: bob.id()})
	if m := expect[*protocol.Muted](bob); !m.Muted || m.By != "moderator" {
		t.Errorf("muted %+v, want by the moderator", m)
	}
	mod.say(&protocol.Moderate{Action: protocol.ActionKick, Participant: bob.id(), Reason: "noise"})
	if bye := expect[*protocol.Bye](bob); bye.Code != earshot.CodePermissionDenied {
		t.Errorf("bye %+v", bye)
	}
	token := b.token(func(c *Claims) { c.Subject, c.Name = "bob", "bob" })
	if status, body, _ := b.do("POST", "/v1/join", token, typeSDP, []byte(offer(t))); status != 403 {
		t.Errorf("POST /v1/join after a kick on the other node = %d %s, want 403", status, body)
	}
}
