package forward

// Cache holds copies of the last packets of one publication by sequence
// number, to repair loss with. It allocates as it fills for the first time and
// not after that, as long as packets do not grow.
type Cache struct {
	entries []entry
	limit   int
}

type entry struct {
	packet Packet
	used   bool
	buffer []byte
}

// NewCache returns a cache of the last size packets; a size below 1 keeps none.
func NewCache(size int) Cache { return Cache{limit: size} }

// Put keeps a copy of p in place of the packet that is size older.
func (c *Cache) Put(p *Packet) {
	if c.limit < 1 {
		return
	}
	if c.entries == nil {
		c.entries = make([]entry, c.limit)
	}
	e := &c.entries[int(p.Seq)%c.limit]
	e.buffer = append(e.buffer[:0], p.Payload...)
	e.packet, e.used = *p, true
	e.packet.Payload = e.buffer
	e.packet.extensions = nil
}

// Get copies the packet with the given SSRC and sequence number into p, its
// payload appended to buffer[:0], and reports whether it is there.
func (c *Cache) Get(ssrc uint32, seq uint16, buffer []byte, p *Packet) bool {
	if c.entries == nil {
		return false
	}
	e := &c.entries[int(seq)%c.limit]
	if !e.used || e.packet.Seq != seq || e.packet.SSRC != ssrc {
		return false
	}
	*p = e.packet
	p.Payload = append(buffer[:0], e.buffer...)
	return true
}
