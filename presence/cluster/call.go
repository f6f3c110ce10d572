package cluster

import "time"

// call is an Op that no answer has come to yet.
type call struct {
	id     CallID
	op     Op
	asked  time.Duration // when it was sent first
	again  time.Duration // when to send it once more
	until  time.Duration // when to give up; 0: never
	answer func(Reply)
}

// ask sends op until an answer comes, however long the store is away: what it
// would leave half done otherwise must end. answer may be nil.
func (n *Node) ask(op Op, answer func(Reply)) { n.call(op, 0, answer) }

// once sends op and forgets it after the time for an answer: another will
// follow in any case. answer is called with Unknown then.
func (n *Node) once(op Op, answer func(Reply)) { n.call(op, n.now.Mono+n.cfg.Answer, answer) }

func (n *Node) call(op Op, until time.Duration, answer func(Reply)) {
	n.lastCall++
	c := &call{id: n.lastCall, op: op, asked: n.now.Mono, again: n.now.Mono + n.cfg.Answer, until: until, answer: answer}
	n.calls.set(c.id, c)
	n.out.Calls = append(n.out.Calls, Call{c.id, op})
}

// Answer takes the store's answer to a call. Unknown means that it will not
// come. Answers to what is answered already are dropped.
func (n *Node) Answer(id CallID, r Reply, now Now) {
	n.set(now)
	c := n.calls.get(id)
	if c == nil || r.Status == Unknown {
		return // it is sent again when its time comes
	}
	n.calls.remove(id)
	for i := range r.Orders {
		n.clock.Observe(r.Orders[i].HLC, now.Wall)
	}
	n.clock.Observe(r.At.Key.HLC, now.Wall)
	if c.answer != nil {
		c.answer(r)
	}
}

func (n *Node) retry() {
	n.calls.each(func(c *call) {
		switch {
		case n.now.Mono < c.again:
		case c.until > 0 && n.now.Mono >= c.until:
			n.calls.remove(c.id)
			if c.answer != nil {
				c.answer(Reply{})
			}
		default:
			c.again = n.now.Mono + n.cfg.Answer
			n.out.Calls = append(n.out.Calls, Call{c.id, c.op})
		}
	})
}
