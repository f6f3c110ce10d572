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
	e.buffer = append(append(e.buffer[:0], p.Payload...), p.Dependency.Raw...)
	e.packet, e.used = *p, true
	e.packet.divide(e.buffer, len(p.Payload))
	e.packet.extensions = nil
}

// divide takes the payload and, behind it, the dependency descriptor from b.
func (p *Packet) divide(b []byte, payload int) {
	p.Payload, p.Dependency.Raw = b[:payload:payload], b[payload:]
}

// Has reports whether p was kept already: it comes once more.
func (c *Cache) Has(p *Packet) bool {
	if c.entries == nil {
		return false
	}
	e := &c.entries[int(p.Seq)%c.limit]
	return e.used && e.packet.Seq == p.Seq && e.packet.SSRC == p.SSRC && e.packet.Timestamp == p.Timestamp
}

// Get copies the packet with the given SSRC and sequence number into p, its
// payload and dependency descriptor appended to buffer[:0], and reports whether
// it is there.
func (c *Cache) Get(ssrc uint32, seq uint16, buffer []byte, p *Packet) bool {
	if c.entries == nil {
		return false
	}
	e := &c.entries[int(seq)%c.limit]
	if !e.used || e.packet.Seq != seq || e.packet.SSRC != ssrc {
		return false
	}
	*p = e.packet
	p.divide(append(buffer[:0], e.buffer...), len(e.packet.Payload))
	return true
}
