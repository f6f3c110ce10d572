package wire

import "encoding/binary"

const (
	poseBytes = 7 // before the payload
	// MaxPose is the longest payload of a pose.
	MaxPose = 255
)

// Pose is where somebody is, as a record: KindPose with the payload that
// clients get, or KindRoot with as much of it as says where they stand.
type Pose struct {
	Channel uint16 // of the instance, on the sending node
	Index   uint16 // of the person in that instance, on the sending node
	Seq     uint16 // of this person's poses
	Age     uint8  // ms between capture and the datagram's time; 255 means 255 or more
	Payload []byte
}

// Size returns the bytes of the record.
func (p *Pose) Size() int { return RecordBytes + poseBytes + len(p.Payload) }

// Append appends the record to dst. The index comes first, as Strike wants it.
func (p *Pose) Append(dst []byte, kind Kind) []byte {
	start := len(dst)
	dst = openRecord(dst, kind)
	dst = binary.BigEndian.AppendUint16(dst, p.Index)
	dst = binary.BigEndian.AppendUint16(dst, p.Channel)
	dst = binary.BigEndian.AppendUint16(dst, p.Seq)
	return closeRecord(append(append(dst, p.Age), p.Payload...), start)
}

// Parse reads the body of a pose record, without copying.
func (p *Pose) Parse(b []byte) error {
	if len(b) <= poseBytes || len(b) > poseBytes+MaxPose {
		return errRecord
	}
	*p = Pose{
		Index: binary.BigEndian.Uint16(b), Channel: binary.BigEndian.Uint16(b[2:]), Seq: binary.BigEndian.Uint16(b[4:]),
		Age: b[6], Payload: b[poseBytes:],
	}
	return nil
}
