package pose

import "earshot"

// RootBytes is the length of a root: where somebody stands and which way they
// face, the first 74 bits of a vr3 snapshot.
const RootBytes = 10

const rootMask = 0xc0 // of the last byte: what belongs to the root

// AppendRoot appends the root of a valid snapshot to dst.
func AppendRoot(dst, snapshot []byte) []byte {
	dst = append(dst, snapshot[:RootBytes]...)
	dst[len(dst)-1] &= rootMask
	return dst
}

// DecodeRoot returns somebody who stands upright at a root. The error is an
// *earshot.Error with code invalid_argument for bytes that are none.
func DecodeRoot(b []byte) (earshot.Pose, error) {
	if len(b) != RootBytes || b[RootBytes-1]&^rootMask != 0 {
		return earshot.Pose{}, errRoot
	}
	r := bitReader{src: b}
	var at earshot.Vec3
	at.X = float32(clampRoot(unsigned(r.take(24), rootStep, 24)))
	at.Z = float32(clampRoot(unsigned(r.take(24), rootStep, 24)))
	at.Y = float32(unsigned(r.take(16), heightStep, 16))
	return earshot.Standing(at, yawOf(r.take(10))), nil
}

var errRoot = earshot.Errorf(earshot.CodeInvalidArgument, "pose root is not %d bytes that end in zeros", RootBytes)

// ValidSnapshot reports whether b is a vr3 snapshot.
func ValidSnapshot(b []byte) bool { return validSnapshot(b) }
