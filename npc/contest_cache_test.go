package npc

import "container/list"

// cacheBlock is how many tokens a machine's prefix cache counts in, as vLLM.
const cacheBlock = 16

// promptCache says how many blocks of a prompt a machine need not compute.
// Hashes cover the model. claim returns the blocks known and a slot to give
// back by release. It is guarded by the machine.
type promptCache interface {
	claim(chain []uint64) (known, slot int)
	release(slot int)
	clear()
}

// blockCache is a least-recently-used cache of blocks shared by all requests,
// as vLLM and SGLang have it.
type blockCache struct {
	room   int
	blocks map[uint64]*list.Element
	order  *list.List // newest in front
}

func newBlockCache(tokens int) *blockCache {
	c := &blockCache{room: max(tokens/cacheBlock, 1)}
	c.clear()
	return c
}

func (c *blockCache) clear() { c.blocks, c.order = map[uint64]*list.Element{}, list.New() }

func (c *blockCache) release(int) {}

// known is how many blocks of the chain are held, from its start.
func (c *blockCache) known(chain []uint64) (n int) {
	for n < len(chain) && c.blocks[chain[n]] != nil {
		n++
	}
	return n
}

func (c *blockCache) claim(chain []uint64) (known, slot int) {
	known = c.known(chain)
	for i := len(chain) - 1; i >= 0; i-- { // so that a beginning outlives its continuation
		if e := c.blocks[chain[i]]; e != nil {
			c.order.MoveToFront(e)
			continue
		}
		c.blocks[chain[i]] = c.order.PushFront(chain[i])
	}
	for c.order.Len() > c.room {
		delete(c.blocks, c.order.Remove(c.order.Back()).(uint64))
	}
	return known, 0
}

// slotCache remembers the last prompt of each slot, as Ollama and llama.cpp's
// server do: a request gets the free slot that shares the longest beginning
// with it, or the one that was not used longest.
type slotCache struct {
	slots []cacheSlot
	uses  int
}

type cacheSlot struct {
	chain []uint64
	busy  bool
	used  int
}

func newSlotCache(n int) *slotCache { return &slotCache{slots: make([]cacheSlot, n)} }

func (c *slotCache) clear() {
	for i := range c.slots {
		c.slots[i].chain = nil
	}
}

func (c *slotCache) release(slot int) { c.slots[slot].busy = false }

func (c *slotCache) claim(chain []uint64) (known, slot int) {
	slot = -1
	for i := range c.slots {
		s := &c.slots[i]
		if s.busy {
			continue
		}
		n := 0
		for n < min(len(chain), len(s.chain)) && chain[n] == s.chain[n] {
			n++
		}
		if slot < 0 || n > known || n == known && s.used < c.slots[slot].used {
			known, slot = n, i
		}
	}
	c.uses++
	c.slots[slot] = cacheSlot{chain: chain, busy: true, used: c.uses}
	return known, slot
}
