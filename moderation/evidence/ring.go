package evidence

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"
)

// Packet is a received Opus packet.
type Packet struct {
	Seq       uint16
	Timestamp uint32    // of 48,000 a second
	At        time.Time // when it came
	Opus      []byte
}

// epoch is a key of the process and when it began to be used.
type epoch struct {
	aead cipher.AEAD
	born time.Time
}

func newEpoch(now time.Time) (*epoch, error) {
	var key [32]byte
	rand.Read(key[:])
	aead, err := newAEAD(key[:])
	clear(key[:])
	return &epoch{aead, now}, err
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// tagBytes is what GCM adds to a packet.
const tagBytes = 16

// ring holds the last packets of a speaker. data is used from the oldest packet
// on, around its end; each packet is in one piece.
type ring struct {
	id     uint32 // of no other ring in this process: part of the nonces
	window time.Duration
	most   int // bytes of data

	mu      sync.Mutex
	data    []byte
	tail    int // where the next one goes
	packets []held
	first   int
	count   int
	n       uint64 // packets so far: part of the nonces
	latest  time.Time
	nonce   [12]byte // of the packet at hand; here because it would escape
}

// held is where a packet is, and what is known of it, in heldBytes.
type held struct {
	key  *epoch
	at   int64 // microseconds since 1970
	n    uint64
	ts   uint32
	off  int32
	seq  uint16
	size uint16 // encrypted
}

const heldBytes = 40

func newRing(id uint32, window time.Duration, most int) *ring {
	return &ring{id: id, window: window, most: most, data: make([]byte, min(16<<10, most)), packets: make([]held, min(128, window/minFrame))}
}

// put encrypts a packet into the ring. The oldest go: those older than the
// window, then as many as it takes once the ring has its full size.
func (r *ring) put(key *epoch, at time.Time, seq uint16, ts uint32, opus []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest = at
	for r.count > 0 && at.UnixMicro()-r.packets[r.first].at > r.window.Microseconds() {
		r.drop()
	}
	if r.count == len(r.packets) {
		if r.count == r.mostPackets() {
			r.drop()
		} else {
			r.morePackets()
		}
	}
	off := r.place(len(opus) + tagBytes)
	r.n++
	r.seal(key, off, opus)
	r.packets[(r.first+r.count)%len(r.packets)] = held{key, at.UnixMicro(), r.n, ts, int32(off), seq, uint16(len(opus) + tagBytes)}
	r.count++
	r.tail = off + len(opus) + tagBytes
}

func (r *ring) seal(key *epoch, off int, opus []byte) {
	r.setNonce(r.n)
	key.aead.Seal(r.data[off:off], r.nonce[:], opus, nil)
}

func (r *ring) setNonce(n uint64) {
	binary.BigEndian.PutUint32(r.nonce[:], r.id)
	binary.BigEndian.PutUint64(r.nonce[4:], n)
}

// place returns where size bytes are free, which it makes them by growing or
// by dropping the oldest.
func (r *ring) place(size int) int {
	for {
		if r.count == 0 {
			return 0
		}
		oldest := int(r.packets[r.first].off)
		switch {
		case r.tail > oldest && len(r.data)-r.tail >= size:
			return r.tail
		case r.tail > oldest && size <= oldest:
			return 0
		case r.tail <= oldest && size <= oldest-r.tail: // 0 where it is full
			return r.tail
		case len(r.data) < r.most:
			r.moreBytes()
		default:
			r.drop()
		}
	}
}

func (r *ring) drop() {
	r.packets[r.first] = held{}
	r.first, r.count = (r.first+1)%len(r.packets), r.count-1
}

func (r *ring) mostPackets() int { return int(r.window / minFrame) }

func (r *ring) morePackets() {
	packets := make([]held, min(2*len(r.packets), r.mostPackets()))
	for i := range r.count {
		packets[i] = r.packets[(r.first+i)%len(r.packets)]
	}
	r.packets, r.first = packets, 0
}

func (r *ring) moreBytes() {
	data := make([]byte, min(2*len(r.data), r.most))
	tail := 0
	for i := range r.count {
		p := &r.packets[(r.first+i)%len(r.packets)]
		n := copy(data[tail:], r.encrypted(p))
		p.off, tail = int32(tail), tail+n
	}
	r.data, r.tail = data, tail
}

func (r *ring) encrypted(p *held) []byte { return r.data[p.off : int(p.off)+int(p.size)] }

// snapshot decrypts the packets that came from one time to another.
func (r *ring) snapshot(from, to time.Time) (out []Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.count {
		p := &r.packets[(r.first+i)%len(r.packets)]
		at := time.UnixMicro(p.at).UTC()
		if at.Before(from) || at.After(to) {
			continue
		}
		r.setNonce(p.n)
		opus, err := p.key.aead.Open(nil, r.nonce[:], r.encrypted(p), nil)
		if err != nil {
			continue // memory that changed by itself: the others are still good
		}
		out = append(out, Packet{p.seq, p.ts, at, opus})
	}
	return out
}

// idle says whether all that is in it is older than the window.
func (r *ring) idle(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Sub(r.latest) > r.window
}
