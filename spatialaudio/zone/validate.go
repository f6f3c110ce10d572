package zone

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"earshot"
)

var (
	kinds   = [...]string{KindRoom, KindStage, KindTable, KindMegaphone, KindQuiet}
	reverbs = [...]string{ReverbDry, ReverbBooth, ReverbRoom, ReverbHall, ReverbCathedral, ReverbOutdoors}
	rules   = [...]string{SpeakEverybody, SpeakNobody, SpeakPerformers, SpeakListed}
)

// Validate reports the first thing that is wrong with a list, with
// CodeInvalidArgument and the name of the member, such as zones[2].shape.yaw.
func (l List) Validate() error {
	if len(l) > MaxZones {
		return invalid("zones: %d, at most %d", len(l), MaxZones)
	}
	seen := make(map[string]bool, len(l))
	for i := range l {
		z := &l[i]
		at := fmt.Sprintf("zones[%d]", i)
		if !isName(z.ID) {
			return invalid("%s.id: %.64q is not a name of 1 to 32 of a-z, 0-9 and -", at, z.ID)
		}
		if seen[z.ID] {
			return invalid("%s.id: %s is there twice", at, z.ID)
		}
		seen[z.ID] = true
		if err := z.validate(at); err != nil {
			return err
		}
	}
	for i := range l {
		if m := l[i].Megaphone; m != nil && m.To != "" && !seen[m.To] {
			return invalid("zones[%d].megaphone.to: there is no zone %.64q; leave it out for the whole world", i, m.To)
		}
	}
	return nil
}

func (z *Zone) validate(at string) error {
	switch {
	case utf8.RuneCountInString(z.Title) > MaxTitleRunes:
		return invalid("%s.title: more than %d characters", at, MaxTitleRunes)
	case !slices.Contains(kinds[:], z.Kind):
		return invalid("%s.kind: %.64q is none of %s", at, z.Kind, strings.Join(kinds[:], ", "))
	case !within(z.Gain, MinGain, MaxGain):
		return outside(at+".gain", z.Gain, MinGain, MaxGain, "dB")
	case !within(z.Isolation, 0, MaxIsolation):
		return outside(at+".isolation", z.Isolation, 0, MaxIsolation, "dB; sealed lets nothing through")
	case !within(z.Occlusion, 0, MaxOcclusion):
		return outside(at+".occlusion", z.Occlusion, 0, MaxOcclusion, "dB")
	case !within(z.Fade, 0, MaxFade):
		return outside(at+".fade", z.Fade, 0, MaxFade, "metres")
	case z.Reverb != "" && !slices.Contains(reverbs[:], z.Reverb):
		return invalid("%s.reverb: %.64q is none of %s", at, z.Reverb, strings.Join(reverbs[:], ", "))
	}
	if err := z.Shape.validate(at + ".shape"); err != nil {
		return err
	}
	solid := z.Shape.solid()
	if deepest := solid.inner(); z.Fade > deepest {
		return invalid("%s.fade: %g m is more than the %.2f m that its middle is from its border", at, z.Fade, deepest)
	}
	if err := z.Speak.validate(at + ".speak"); err != nil {
		return err
	}
	if m := z.Megaphone; m != nil {
		switch {
		case !within(m.Gain, MinGain, 0):
			return outside(at+".megaphone.gain", m.Gain, MinGain, 0, "dB")
		case m.To == z.ID:
			return invalid("%s.megaphone.to: is the zone itself; use gain to be louder in it", at)
		}
	}
	return nil
}

func (s *Speak) validate(at string) error {
	if s == nil {
		return nil
	}
	listed := s.Who == SpeakListed
	switch {
	case !slices.Contains(rules[:], s.Who):
		return invalid("%s.who: %.64q is none of %s", at, s.Who, strings.Join(rules[:], ", "))
	case !listed && len(s.Grants)+len(s.Participants) > 0:
		return invalid("%s: grants and participants count only where who is listed", at)
	case listed && len(s.Grants)+len(s.Participants) == 0:
		return invalid("%s: lists nobody; use who: nobody, or name grants or participants", at)
	case len(s.Grants) > MaxGrants:
		return invalid("%s.grants: %d, at most %d", at, len(s.Grants), MaxGrants)
	case len(s.Participants) > MaxParticipants:
		return invalid("%s.participants: %d, at most %d", at, len(s.Participants), MaxParticipants)
	}
	for i, g := range s.Grants {
		if g == "" || len(g) > 64 {
			return invalid("%s.grants[%d]: %.64q is no grant: use 1 to 64 bytes, such as moderate", at, i, g)
		}
	}
	for i, id := range s.Participants {
		if !id.Valid() {
			return invalid("%s.participants[%d]: %.64q is no participant's id (pa_…)", at, i, string(id))
		}
	}
	return nil
}

func (s *Shape) validate(at string) error {
	switch {
	case !within(s.Floor, -MaxExtent, MaxExtent):
		return outside(at+".floor", s.Floor, -MaxExtent, MaxExtent, "metres")
	case !within(s.Height, MinSize, MaxSize):
		return outside(at+".height", s.Height, MinSize, MaxSize, "metres")
	case !within(s.Center[0], -MaxExtent, MaxExtent) || !within(s.Center[1], -MaxExtent, MaxExtent):
		return invalid("%s.center: %v is not within %d m of the origin", at, s.Center, MaxExtent)
	case !within(s.Yaw, -360, 360):
		return outside(at+".yaw", s.Yaw, -360, 360, "degrees")
	}
	switch s.Form {
	case FormBox:
		if !within(s.Size[0], MinSize, MaxSize) || !within(s.Size[1], MinSize, MaxSize) {
			return invalid("%s.size: %v; use two numbers of %g to %d metres", at, s.Size, MinSize, MaxSize)
		}
		return s.only(at, s.Radius == 0 && s.Corners == nil, "center, size and yaw")
	case FormCylinder:
		if !within(s.Radius, MinSize/2, MaxSize/2) {
			return outside(at+".radius", s.Radius, MinSize/2, MaxSize/2, "metres")
		}
		return s.only(at, s.Size == [2]float64{} && s.Yaw == 0 && s.Corners == nil, "center and radius")
	case FormPolygon:
		if err := s.only(at, s.Size == [2]float64{} && s.Yaw == 0 && s.Radius == 0 && s.Center == [2]float64{}, "corners"); err != nil {
			return err
		}
		return s.validateCorners(at + ".corners")
	}
	return invalid("%s.form: %.64q is none of %s, %s, %s", at, s.Form, FormBox, FormCylinder, FormPolygon)
}

func (s *Shape) only(at string, ok bool, members string) error {
	if ok {
		return nil
	}
	return invalid("%s: a %s has %s, besides floor and height", at, s.Form, members)
}

// validateCorners wants a convex polygon of some size. Turning by the same hand
// at every corner is not enough: a star does that too, but turns more than once.
func (s *Shape) validateCorners(at string) error {
	n := len(s.Corners)
	if n < 3 || n > MaxCorners {
		return invalid("%s: %d, use 3 to %d", at, n, MaxCorners)
	}
	for i, c := range s.Corners {
		if !within(c[0], -MaxExtent, MaxExtent) || !within(c[1], -MaxExtent, MaxExtent) {
			return invalid("%s[%d]: %v is not within %d m of the origin", at, i, c, MaxExtent)
		}
		if before := s.Corners[(i+n-1)%n]; math.Hypot(c[0]-before[0], c[1]-before[1]) < MinSize/2 {
			return invalid("%s[%d]: is less than %g m from the one before", at, i, MinSize/2)
		}
	}
	var turned float64
	left, right := false, false
	for i, b := range s.Corners {
		a, c := s.Corners[(i+n-1)%n], s.Corners[(i+1)%n]
		ux, uz, vx, vz := b[0]-a[0], b[1]-a[1], c[0]-b[0], c[1]-b[1]
		turn := math.Atan2(ux*vz-uz*vx, ux*vx+uz*vz)
		turned += turn
		left, right = left || turn < 0, right || turn > 0
		if left && right || math.Abs(turn) > 3.1 {
			return invalid("%s[%d]: the polygon is not convex there; make two zones of it", at, i)
		}
	}
	if math.Abs(math.Abs(turned)-2*math.Pi) > 0.01 {
		return invalid("%s: the border crosses itself; name the corners in their order", at)
	}
	if solid := s.solid(); solid.inner() < MinSize/4 {
		return invalid("%s: the polygon is narrower than %g m", at, MinSize/2)
	}
	return nil
}

// isName is what ids of worlds and NPCs are too.
func isName(s string) bool {
	if len(s) < 1 || len(s) > 32 || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

// within is written so that NaN fails.
func within(v, low, high float64) bool { return v >= low && v <= high }

func outside(member string, v, low, high float64, unit string) error {
	return invalid("%s: %g; use %g to %g %s", member, v, low, high, unit)
}

func invalid(format string, args ...any) *earshot.Error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}
