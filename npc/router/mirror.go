package router

// mirror guesses which prompt blocks a backend's prefix cache holds: those it
// was sent last. It is an LRU set of block hashes of fixed size: an intrusive
// list over a chained hash table, all of it allocated when the backend comes.
type mirror struct {
	blocks  []block
	buckets []int32 // heads of the chains; a power of two of them
	used    int32   // blocks in use
	newest  int32
	oldest  int32
}

type block struct {
	hash         uint64
	chain        int32 // next in the bucket
	newer, older int32
}

const none = -1

func newMirror(size int) mirror {
	buckets := 1
	for buckets < size {
		buckets *= 2
	}
	m := mirror{blocks: make([]block, size), buckets: make([]int32, buckets)}
	m.clear()
	return m
}

func (m *mirror) clear() {
	for i := range m.buckets {
		m.buckets[i] = none
	}
	m.used, m.newest, m.oldest = 0, none, none
}

// match returns how many blocks of the chain are held, from its start. touch
// makes each block newer than those after it, so what is held is always a
// beginning of the chain and a binary search finds its end.
func (m *mirror) match(model uint64, chain []uint64) int {
	low, high := 0, min(len(chain), len(m.blocks))
	if high == 0 || m.find(chain[0]^model) == none {
		return 0
	}
	for low < high {
		mid := (low + high) / 2
		if m.find(chain[mid]^model) != none {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// touch records that the backend is about to hold the chain.
func (m *mirror) touch(model uint64, chain []uint64) {
	for i := min(len(chain), len(m.blocks)) - 1; i >= 0; i-- {
		hash := chain[i] ^ model
		at := m.find(hash)
		if at == none {
			at = m.take(hash)
		} else {
			m.unlink(at)
		}
		m.link(at)
	}
}

func (m *mirror) bucket(hash uint64) *int32 {
	return &m.buckets[mix(hash)&uint64(len(m.buckets)-1)]
}

func (m *mirror) find(hash uint64) int32 {
	at := *m.bucket(hash)
	for at != none && m.blocks[at].hash != hash {
		at = m.blocks[at].chain
	}
	return at
}

// take returns an unlinked block for hash: a free one, or the oldest.
func (m *mirror) take(hash uint64) int32 {
	at := m.used
	if int(at) < len(m.blocks) {
		m.used++
	} else {
		at = m.oldest
		m.unlink(at)
		m.unchain(at)
	}
	head := m.bucket(hash)
	m.blocks[at].hash, m.blocks[at].chain = hash, *head
	*head = at
	return at
}

func (m *mirror) unchain(at int32) {
	p := m.bucket(m.blocks[at].hash)
	for *p != at {
		p = &m.blocks[*p].chain
	}
	*p = m.blocks[at].chain
}

func (m *mirror) unlink(at int32) {
	b := &m.blocks[at]
	if b.newer != none {
		m.blocks[b.newer].older = b.older
	} else {
		m.newest = b.older
	}
	if b.older != none {
		m.blocks[b.older].newer = b.newer
	} else {
		m.oldest = b.newer
	}
}

func (m *mirror) link(at int32) {
	b := &m.blocks[at]
	b.newer, b.older = none, m.newest
	if m.newest != none {
		m.blocks[m.newest].newer = at
	}
	m.newest = at
	if m.oldest == none {
		m.oldest = at
	}
}

// mix spreads the bits of x (SplitMix64's finisher).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// hashName is FNV-1a, to tell the blocks of models apart.
func hashName(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
