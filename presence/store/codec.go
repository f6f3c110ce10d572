package store

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"earshot"
	"earshot/presence/cluster"
)

// What is written often has a form of its own: a member of an instance is about
// 60 bytes. What is rare is JSON with Go's names. All of it is checked when it
// is read, for other versions of Earshot and other programs write there too.
//
//	presence: version u8, flags u8, epoch u64, clock u64, cell 2 x i16,
//	          position 3 x f32, node, participant, state
//	delta:    version u8, full u8, epoch u64, seq u64, node,
//	          n varint, n presences, m varint, m ids
//
// Numbers are big endian, strings have their length as a varint before them.
const codecVersion = 1

func appendString[S ~string | ~[]byte](b []byte, s S) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendPresence(b []byte, p *cluster.Presence) []byte {
	b = append(b, codecVersion, p.Flags)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Epoch))
	b = binary.BigEndian.AppendUint64(b, uint64(p.HLC))
	b = binary.BigEndian.AppendUint16(b, uint16(p.Cell[0]))
	b = binary.BigEndian.AppendUint16(b, uint16(p.Cell[1]))
	for _, v := range [3]float32{p.Position.X, p.Position.Y, p.Position.Z} {
		b = binary.BigEndian.AppendUint32(b, math.Float32bits(v))
	}
	b = appendString(b, p.Node)
	b = appendString(b, p.Participant)
	return appendString(b, p.State)
}

func appendDelta(b []byte, d *cluster.Delta) []byte {
	full := byte(0)
	if d.Full {
		full = 1
	}
	b = append(b, codecVersion, full)
	b = binary.BigEndian.AppendUint64(b, uint64(d.Epoch))
	b = binary.BigEndian.AppendUint64(b, d.Seq)
	b = appendString(b, d.Node)
	b = binary.AppendUvarint(b, uint64(len(d.Set)))
	for i := range d.Set {
		b = appendPresence(b, &d.Set[i])
	}
	b = binary.AppendUvarint(b, uint64(len(d.Gone)))
	for _, id := range d.Gone {
		b = appendString(b, id)
	}
	return b
}

// reader takes values from the front of b. After the first that is not there
// it is bad and returns zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u8() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// count reads a number of at most most.
func (r *reader) count(most int) int {
	n, size := binary.Uvarint(r.b)
	if r.bad || size <= 0 || n > uint64(most) {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}

func (r *reader) id() string { return string(r.take(r.count(earshot.MaxIDBytes))) }

func (r *reader) float() float32 {
	f := math.Float32frombits(r.u32())
	r.bad = r.bad || f != f || math.IsInf(float64(f), 0)
	return f
}

func (r *reader) presence() (p cluster.Presence) {
	r.bad = r.u8() != codecVersion || r.bad
	p.Flags = r.u8()
	p.Epoch, p.HLC = cluster.Epoch(r.u64()), cluster.HLC(r.u64())
	p.Cell = [2]int16{int16(r.u16()), int16(r.u16())}
	p.Position = earshot.Vec3{X: r.float(), Y: r.float(), Z: r.float()}
	p.Node, p.Participant = earshot.NodeID(r.id()), earshot.ParticipantID(r.id())
	if n := r.count(cluster.MaxStateBytes); n > 0 {
		p.State = append([]byte(nil), r.take(n)...)
	}
	return p
}

// readPresence reads what a member's field holds.
func readPresence(field string) (cluster.Presence, bool) {
	_, encoded, ok := strings.Cut(field, "\n")
	r := reader{b: []byte(encoded)}
	p := r.presence()
	return p, ok && !r.bad && len(r.b) == 0
}

func readDelta(instance earshot.InstanceID, b []byte) (cluster.Delta, bool) {
	r := reader{b: b}
	r.bad = r.u8() != codecVersion
	d := cluster.Delta{Instance: instance, Full: r.u8() == 1, Epoch: cluster.Epoch(r.u64()), Seq: r.u64(), Node: earshot.NodeID(r.id())}
	for range r.count(2 * cluster.MaxMembers) {
		if r.bad {
			break
		}
		d.Set = append(d.Set, r.presence())
	}
	for range r.count(2 * cluster.MaxMembers) {
		if r.bad {
			break
		}
		d.Gone = append(d.Gone, earshot.ParticipantID(r.id()))
	}
	return d, !r.bad && len(r.b) == 0
}

// stampText sorts like the stamp, compared byte by byte.
func stampText(s cluster.Stamp) string {
	return cluster.HLC(s.Epoch).String() + s.HLC.String() + string(s.Node)
}

func decimal[N ~uint64 | ~int | ~int64](n N) string {
	if n < 0 {
		return strconv.FormatInt(int64(n), 10)
	}
	return strconv.FormatUint(uint64(n), 10)
}

func parseHLC(text string) (cluster.HLC, bool) {
	n, err := strconv.ParseUint(text, 16, 64)
	return cluster.HLC(n), err == nil || text == ""
}

func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", earshot.Errorf(earshot.CodeInvalidArgument, "store: %v", err) // a load that is no number
	}
	return string(b), nil
}

// reservationText is the name of a reservation.
func reservationText(key cluster.Key) string {
	return string(key.Participant) + " " + key.HLC.String() + " " + string(key.Node)
}
