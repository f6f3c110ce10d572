package persona

// PrefixBlock is how many bytes of a prompt make one block of its hash chain:
// about 64 tokens of English, four of the 16-token blocks of vLLM.
const PrefixBlock = 256

// FNV-1a, 64 bits: the Fowler-Noll-Vo hash as in hash/fnv.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// PrefixHashes returns the chain of block hashes that tells a router how much
// of a prompt a backend has seen: two chains agree on as many leading blocks as
// the prompts agree on. The prompt is taken as the bytes of
//
//	role 0x1F content 0x1E
//
// for each message in order, cut into blocks of PrefixBlock bytes, a last
// incomplete one left out. A hash is FNV-1a 64 over seed, then all bytes to the
// end of its block. seed keeps apart what must not share a cache: a hash of
// model and world, say. It is no protection against made collisions: those only
// make a router guess wrong. dst is appended to.
func PrefixHashes(dst []uint64, seed uint64, messages []Message) []uint64 {
	c := chain{hash: fnvOffset, out: dst}
	for shift := 0; shift < 64; shift += 8 {
		c.mix(byte(seed >> shift))
	}
	for _, m := range messages {
		c.add(string(m.Role), 0x1f)
		c.add(m.Content, 0x1e)
	}
	return c.out
}

type chain struct {
	hash uint64
	n    int // bytes in the block so far
	out  []uint64
}

func (c *chain) mix(b byte) { c.hash = (c.hash ^ uint64(b)) * fnvPrime }

func (c *chain) add(text string, end byte) {
	for i := 0; i < len(text); i++ {
		c.byte(text[i])
	}
	c.byte(end)
}

func (c *chain) byte(b byte) {
	c.mix(b)
	if c.n++; c.n == PrefixBlock {
		c.out, c.n = append(c.out, c.hash), 0
	}
}
