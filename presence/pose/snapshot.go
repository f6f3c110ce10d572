package pose

import "earshot"

// Lengths of a vr3 snapshot with no, one and two tracked hands.
const (
	snapshotBits = 64 + 10 + 2 + jointBits // root, yaw, flags, head
	jointBits    = 3*10 + 2 + 3*10

	// MaxSnapshot is the most bytes a vr3 snapshot has.
	MaxSnapshot = (snapshotBits + 2*jointBits + 7) / 8

	// flagByte is where the two tracked bits lie, below the last bits of yaw.
	flagByte, leftBit, rightBit = 9, 0x20, 0x10
)

// AppendSnapshot appends p as a vr3 snapshot (18, 25 or 33 bytes) to dst.
// Values out of range are clamped, what is no number becomes 0 (positions) or
// the identity (rotations): it never fails.
func AppendSnapshot(dst []byte, p *earshot.Pose) []byte {
	w := bitWriter{dst: dst}
	w.put(signed(clampRoot(float64(p.Root.X)), rootStep, 24), 24)
	w.put(signed(clampRoot(float64(p.Root.Z)), rootStep, 24), 24)
	w.put(signed(float64(p.Root.Y), heightStep, 16), 16)
	w.put(quantiseYaw(float64(p.Yaw)), 10)
	w.put(bit(p.LeftTracked), 1)
	w.put(bit(p.RightTracked), 1)
	w.transform(&p.Head)
	if p.LeftTracked {
		w.transform(&p.LeftHand)
	}
	if p.RightTracked {
		w.transform(&p.RightHand)
	}
	return w.finish()
}

// DecodeSnapshot returns the pose of a vr3 snapshot. Every bit pattern of the
// right length gives a finite pose with unit rotations; the only error is a
// length that does not fit the tracked flags, or padding that is not zero. A
// hand that is not tracked is at the root with the identity rotation.
func DecodeSnapshot(b []byte) (earshot.Pose, error) {
	if !validSnapshot(b) {
		return earshot.Pose{}, errSnapshot
	}
	r := bitReader{src: b}
	var p earshot.Pose
	p.Root.X = float32(clampRoot(unsigned(r.take(24), rootStep, 24)))
	p.Root.Z = float32(clampRoot(unsigned(r.take(24), rootStep, 24)))
	p.Root.Y = float32(unsigned(r.take(16), heightStep, 16))
	p.Yaw = yawOf(r.take(10))
	p.LeftTracked = r.take(1) == 1
	p.RightTracked = r.take(1) == 1
	p.Head = r.transform()
	p.LeftHand.Rotation, p.RightHand.Rotation = earshot.Identity, earshot.Identity
	if p.LeftTracked {
		p.LeftHand = r.transform()
	}
	if p.RightTracked {
		p.RightHand = r.transform()
	}
	return p, nil
}

func validSnapshot(b []byte) bool {
	if len(b) <= flagByte {
		return false
	}
	bits := snapshotBits
	if b[flagByte]&leftBit != 0 {
		bits += jointBits
	}
	if b[flagByte]&rightBit != 0 {
		bits += jointBits
	}
	return len(b) == (bits+7)/8 && b[len(b)-1]&(1<<(uint(-bits)&7)-1) == 0
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
