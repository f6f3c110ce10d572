package earshot

import "math"

// Coordinates are right-handed with y up and -z forward, in metres, as in
// WebXR, WebAudio and glTF. Yaw 0 faces -z and grows counter-clockwise seen
// from above (towards -x), in radians.

// Vec3 is a position or direction in metres.
type Vec3 struct{ X, Y, Z float32 }

// Quat is a rotation as a unit quaternion. The zero Quat is treated as the
// identity by the methods here.
type Quat struct{ X, Y, Z, W float32 }

// Identity is the rotation that changes nothing.
var Identity = Quat{W: 1}

// Transform is a position with a rotation.
type Transform struct {
	Position Vec3
	Rotation Quat
}

// Pose is where a participant stands and how they hold head and hands.
//
// Root is the point between the feet and Yaw the heading of the body, both in
// the world. Head and the hands are relative to that frame: translate by Root,
// turn by Yaw. A hand that is not tracked is not drawn and not sent.
type Pose struct {
	Root                      Vec3
	Yaw                       float32
	Head                      Transform
	LeftHand, RightHand       Transform
	LeftTracked, RightTracked bool
}

// EyeHeight is the height of the head above the root of a standing
// participant without a headset, in metres.
const EyeHeight = 1.6

// Standing returns the pose of a participant at root with a level head and no
// tracked hands.
func Standing(root Vec3, yaw float32) Pose {
	return Pose{
		Root: root, Yaw: yaw,
		Head:      Transform{Position: Vec3{Y: EyeHeight}, Rotation: Identity},
		LeftHand:  Transform{Rotation: Identity},
		RightHand: Transform{Rotation: Identity},
	}
}

// HeadWorld returns the head, which is also mouth and ears, in the world.
func (p *Pose) HeadWorld() Transform {
	turn := YawQuat(p.Yaw)
	return Transform{
		Position: p.Root.Add(turn.Rotate(p.Head.Position)),
		Rotation: turn.Mul(p.Head.Rotation),
	}
}

// Add returns v+w.
func (v Vec3) Add(w Vec3) Vec3 { return Vec3{v.X + w.X, v.Y + w.Y, v.Z + w.Z} }

// Sub returns v-w.
func (v Vec3) Sub(w Vec3) Vec3 { return Vec3{v.X - w.X, v.Y - w.Y, v.Z - w.Z} }

// Scale returns v times s.
func (v Vec3) Scale(s float32) Vec3 { return Vec3{v.X * s, v.Y * s, v.Z * s} }

// Dot returns the scalar product of v and w.
func (v Vec3) Dot(w Vec3) float32 { return v.X*w.X + v.Y*w.Y + v.Z*w.Z }

// Cross returns the vector product of v and w.
func (v Vec3) Cross(w Vec3) Vec3 {
	return Vec3{v.Y*w.Z - v.Z*w.Y, v.Z*w.X - v.X*w.Z, v.X*w.Y - v.Y*w.X}
}

// Len returns the length of v.
func (v Vec3) Len() float32 { return float32(math.Sqrt(float64(v.Dot(v)))) }

// Distance returns the distance between v and w.
func (v Vec3) Distance(w Vec3) float32 { return v.Sub(w).Len() }

// Finite reports whether no component is NaN or infinite.
func (v Vec3) Finite() bool { return finite(v.X) && finite(v.Y) && finite(v.Z) }

// YawQuat returns the rotation by yaw radians about +y.
func YawQuat(yaw float32) Quat {
	s, c := math.Sincos(float64(yaw) / 2)
	return Quat{Y: float32(s), W: float32(c)}
}

// Mul returns the rotation that applies r first, then q.
func (q Quat) Mul(r Quat) Quat {
	q, r = q.orIdentity(), r.orIdentity()
	return Quat{
		X: q.W*r.X + q.X*r.W + q.Y*r.Z - q.Z*r.Y,
		Y: q.W*r.Y - q.X*r.Z + q.Y*r.W + q.Z*r.X,
		Z: q.W*r.Z + q.X*r.Y - q.Y*r.X + q.Z*r.W,
		W: q.W*r.W - q.X*r.X - q.Y*r.Y - q.Z*r.Z,
	}
}

// Rotate returns v turned by q.
func (q Quat) Rotate(v Vec3) Vec3 {
	q = q.orIdentity()
	u := Vec3{q.X, q.Y, q.Z}
	t := u.Cross(v).Scale(2)
	return v.Add(t.Scale(q.W)).Add(u.Cross(t))
}

// Forward returns the direction q faces: the image of -z.
func (q Quat) Forward() Vec3 { return q.Rotate(Vec3{Z: -1}) }

// Normalised returns q scaled to unit length, or the identity where q has no
// usable length (zero, NaN or infinite).
func (q Quat) Normalised() Quat {
	n := math.Sqrt(float64(q.X)*float64(q.X) + float64(q.Y)*float64(q.Y) +
		float64(q.Z)*float64(q.Z) + float64(q.W)*float64(q.W))
	if !(n > 1e-6) || math.IsInf(n, 0) {
		return Identity
	}
	k := float32(1 / n)
	return Quat{q.X * k, q.Y * k, q.Z * k, q.W * k}
}

func (q Quat) orIdentity() Quat {
	if q == (Quat{}) {
		return Identity
	}
	return q
}

func finite(f float32) bool {
	return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0)
}
