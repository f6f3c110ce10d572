package livekit

import (
	"encoding/json"
	"math"

	"earshot"
	"earshot/gateway/livekit/wire"

	"google.golang.org/protobuf/encoding/protowire"
)

// place is a pose in the small JSON that authors without the codec send.
type place struct {
	P []float32 `json:"p"` // metres: where one stands, the point between the feet
	Q []float32 `json:"q"` // x, y, z, w: how the head is turned in the world; none: level, towards -z
	H float32   `json:"h"` // metres: the head above p; 0 is earshot.EyeHeight
}

// maxPlace bounds a pose in JSON, in bytes.
const maxPlace = 512

// ParsePlace reads {"p":[x,y,z],"q":[x,y,z,w]}: a pose as packets and attributes
// of the topic earshot.pose may have it. The body turns with the head.
func ParsePlace(text []byte) (earshot.Pose, bool) {
	var p place
	if len(text) > maxPlace || json.Unmarshal(text, &p) != nil || len(p.P) != 3 || len(p.Q) != 0 && len(p.Q) != 4 {
		return earshot.Pose{}, false
	}
	root := earshot.Vec3{X: p.P[0], Y: p.P[1], Z: p.P[2]}
	if p.H == 0 {
		p.H = earshot.EyeHeight
	}
	look := earshot.Identity
	if len(p.Q) == 4 {
		look = earshot.Quat{X: p.Q[0], Y: p.Q[1], Z: p.Q[2], W: p.Q[3]}
	}
	length := math.Sqrt(float64(look.X*look.X + look.Y*look.Y + look.Z*look.Z + look.W*look.W))
	if !root.Finite() || !(length > 1e-3 && length < 1e3) || !(p.H > 0 && p.H < 10) {
		return earshot.Pose{}, false
	}
	n := float32(1 / length)
	look = earshot.Quat{X: look.X * n, Y: look.Y * n, Z: look.Z * n, W: look.W * n}
	ahead := look.Rotate(earshot.Vec3{Z: -1})
	yaw := float32(math.Atan2(float64(-ahead.X), float64(-ahead.Z)))
	pose := earshot.Standing(root, yaw)
	pose.Head.Position.Y = p.H
	pose.Head.Rotation = earshot.YawQuat(-yaw).Mul(look)
	return pose, true
}

// AppendPosePacket appends a data packet with a datagram of poses to dst: the
// server's own, of nobody, under the topic earshot.pose. It allocates nothing
// beyond growing dst.
func AppendPosePacket(dst, datagram []byte) []byte {
	user := protowire.SizeTag(2) + protowire.SizeBytes(len(datagram)) + protowire.SizeTag(4) + protowire.SizeBytes(len(TopicPose))
	dst = append(dst, 1<<3, 1) // kind: lossy
	dst = protowire.AppendVarint(protowire.AppendTag(dst, protowire.Number(wire.MemberUser), protowire.BytesType), uint64(user))
	dst = protowire.AppendBytes(protowire.AppendTag(dst, 2, protowire.BytesType), datagram)
	return protowire.AppendString(protowire.AppendTag(dst, 4, protowire.BytesType), TopicPose)
}
