package format

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// poseMagic begins a pose log.
const poseMagic = "ESPOSE1\n"

// PoseKind is what an entry of a pose log says.
type PoseKind uint8

// The kinds of entries.
const (
	PoseMoved PoseKind = iota // Snapshot is a vr3 snapshot (presence/pose)
	PoseLevel                 // Level is how loud the participant's voice is
	poseKinds
)

// PoseEntry is one entry of a pose log.
type PoseEntry struct {
	MS       int64 // since the beginning of the recording, never going back
	Who      int   // place in Manifest.Participants
	Kind     PoseKind
	Snapshot []byte // at most 255 bytes
	Level    uint8  // -dBov, 0 to 127
	Talking  bool
}

const (
	maxPoseGap = 1000 * 3600 * 1000 // ms between two entries
	maxPoseWho = maxParticipants
)

// PoseWriter writes a pose log: after 8 bytes of magic, each entry is the
// milliseconds since the one before it and then the participant, times 2, plus
// the kind, both as unsigned varints; then a length and a snapshot, or a level
// with 128 added while the participant talks. The caller buffers: Append only
// makes bytes.
type PoseWriter struct {
	last int64
}

// AppendHeader begins a log.
func (p *PoseWriter) AppendHeader(dst []byte) []byte { return append(dst, poseMagic...) }

// Append appends an entry. One before the last is taken for one at the same time.
func (p *PoseWriter) Append(dst []byte, e *PoseEntry) []byte {
	ms := max(e.MS, p.last)
	dst = binary.AppendUvarint(dst, uint64(ms-p.last))
	dst = binary.AppendUvarint(dst, uint64(e.Who)*uint64(poseKinds)+uint64(e.Kind))
	p.last = ms
	if e.Kind == PoseMoved {
		return append(append(dst, byte(len(e.Snapshot))), e.Snapshot...)
	}
	level := e.Level & 127
	if e.Talking {
		level |= 128
	}
	return append(dst, level)
}

// PoseReader reads a pose log, also one that breaks off.
type PoseReader struct {
	r   *bufio.Reader
	ms  int64
	buf [255]byte
}

var errNotPoses = errors.New("format: not a pose log")

// NewPoseReader reads the beginning of a log.
func NewPoseReader(r io.Reader) (*PoseReader, error) {
	p := &PoseReader{r: bufio.NewReader(r)}
	b := p.buf[:len(poseMagic)]
	if _, err := io.ReadFull(p.r, b); err != nil || string(b) != poseMagic {
		return nil, errNotPoses
	}
	return p, nil
}

// Next reads an entry into e, whose Snapshot is good until the following Next.
// At the end, or where the log breaks off, the error is io.EOF.
func (p *PoseReader) Next(e *PoseEntry) error {
	gap, err := binary.ReadUvarint(p.r)
	if err != nil {
		return ended(err)
	}
	who, err := binary.ReadUvarint(p.r)
	if err != nil {
		return endedWithin(err)
	}
	if gap > maxPoseGap || who/uint64(poseKinds) >= maxPoseWho {
		return errNotPoses
	}
	b, err := p.r.ReadByte()
	if err != nil {
		return endedWithin(err)
	}
	p.ms += int64(gap)
	*e = PoseEntry{MS: p.ms, Who: int(who / uint64(poseKinds)), Kind: PoseKind(who % uint64(poseKinds))}
	if e.Kind == PoseLevel {
		e.Level, e.Talking = b&127, b&128 != 0
		return nil
	}
	e.Snapshot = p.buf[:b]
	_, err = io.ReadFull(p.r, e.Snapshot)
	return endedWithin(err)
}

// endedWithin takes a log that breaks off within an entry for one that ends.
func endedWithin(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return ended(err)
}
