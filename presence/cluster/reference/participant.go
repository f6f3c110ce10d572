package reference

import (
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// participant is all under one participant's tag.
type participant struct {
	at      cluster.Whereabouts
	until   time.Duration
	orders  cluster.Orders
	version uint64
}

func (s *Store) participant(id earshot.ParticipantID, now time.Duration) *participant {
	p := s.participants[id]
	if p == nil {
		p = &participant{}
		s.participants[id] = p
	}
	if p.until <= now {
		p.at = cluster.Whereabouts{Participant: id}
	}
	return p
}

func (p *participant) reply(status cluster.Status) cluster.Reply {
	return cluster.Reply{Status: status, Epoch: p.at.Epoch, At: p.at, Version: p.version}
}

func (s *Store) commit(op cluster.Commit, now time.Duration) cluster.Reply {
	p := s.participant(op.To.Participant, now)
	again := p.at.Key == op.To.Key && p.at.Epoch > 0
	if !again && !op.Any && p.at.Epoch != op.Expect {
		return p.reply(cluster.Conflict)
	}
	before := p.at
	if !again {
		epoch := max(p.at.Epoch+1, op.Seed)
		p.at = op.To
		p.at.Epoch = epoch
	}
	p.until = now + op.TTL
	r := p.reply(cluster.OK)
	r.Before, r.Orders = before, p.orders
	return r
}

func (s *Store) touch(op cluster.Touch, now time.Duration) cluster.Reply {
	p := s.participant(op.At.Participant, now)
	left := p.at.Epoch > 0 && p.at.Instance == ""
	if op.At.Stamp().Before(p.at.Stamp()) || left && op.At.Stamp() == p.at.Stamp() {
		return p.reply(cluster.Fenced)
	}
	p.at, p.until = op.At, now+op.TTL
	return p.reply(cluster.OK)
}

func (s *Store) leave(op cluster.Leave, now time.Duration) cluster.Reply {
	p := s.participant(op.At.Participant, now)
	if !op.At.Stamp().Before(p.at.Stamp()) {
		p.at = op.At
		p.at.Instance = "" // the node stays, so that a late Touch is no later word
		p.until = now + op.TTL
	}
	return p.reply(cluster.OK)
}

func (s *Store) setOrder(op cluster.SetOrder, now time.Duration) cluster.Reply {
	p := s.participant(op.Order.Of, now)
	changed, full := p.orders.Merge(op.Order)
	if full {
		return p.reply(cluster.Full)
	}
	if changed {
		p.version++
	}
	return p.reply(cluster.OK)
}

func (s *Store) find(op cluster.Find, now time.Duration) cluster.Reply {
	p := s.participant(op.Participant, now)
	r := p.reply(cluster.OK)
	r.Orders = p.orders
	return r
}
