package director

import (
	"math"
	"testing"
	"time"

	"earshot"

	"pgregory.net/rapid"
)

const tick = time.Second / 30

func at(x, z float64) earshot.Vec3 { return earshot.Vec3{X: float32(x), Z: float32(z)} }

func somebody(id string, x, z float64) Person {
	p := Person{ID: earshot.ParticipantID(id), Kind: KindPerson, Distance: math.Hypot(x, z)}
	p.Head.Position = at(x, z).Add(earshot.Vec3{Y: earshot.EyeHeight})
	return p
}

// It walks its round at its speed, waits where it should, and begins again.
func TestWalksItsRound(t *testing.T) {
	m := NewMover(Place{Waypoints: []Waypoint{{at(0, -4), time.Second}, {at(4, -4), 0}}, Speed: 2})
	now, reached := epoch, map[int]time.Duration{}
	before := m.position
	for i := range 30 * 20 {
		now = now.Add(tick)
		pose, _ := m.Step(now, nil, false, nil)
		if v := float64(pose.Root.Distance(before)) / tick.Seconds(); v > 2.01 {
			t.Fatalf("walks %.2f m/s, want at most 2", v)
		}
		before = m.position
		for w, p := range m.place.Waypoints {
			if _, ok := reached[w]; !ok && m.position.Distance(p.Position) < 0.1 {
				reached[w] = time.Duration(i) * tick
			}
		}
	}
	if d := reached[0]; d < 1900*time.Millisecond || d > 2200*time.Millisecond {
		t.Errorf("at the first waypoint after %v, want 2s", d)
	}
	if d := reached[1] - reached[0]; d < 2900*time.Millisecond || d > 3300*time.Millisecond {
		t.Errorf("at the second %v later, want 1s of pause and 2s of way", d)
	}
}

// Somebody comes up from behind and to the left: the head turns first, then
// the body, neither faster than a person would.
func TestHeadTurnsBeforeBody(t *testing.T) {
	m := NewMover(Place{})
	ada := somebody("ada", -2, 1)
	now := epoch
	m.Step(now, nil, false, nil)
	headDone, bodyDone := 0, 0
	yaw, head := m.yaw, m.headYaw
	want := math.Atan2(2, -1)
	for i := 1; i < 90; i++ {
		now = now.Add(tick)
		m.Step(now, &ada, true, []Person{ada})
		if v := math.Abs(wrap(m.yaw-yaw)) / tick.Seconds(); v > bodyRate*1.01 {
			t.Fatalf("the body turns %.1f rad/s", v)
		}
		if v := math.Abs(m.headYaw-head) / tick.Seconds(); v > headRate*1.01 {
			t.Fatalf("the head turns %.1f rad/s", v)
		}
		if math.Abs(m.headYaw) > headWide+1e-6 {
			t.Fatalf("the head is turned by %.2f rad", m.headYaw)
		}
		if math.Abs(m.headYaw) > 0.8*headWide && headDone == 0 {
			headDone = i
		}
		if math.Abs(wrap(want-m.yaw)) < 0.1 && bodyDone == 0 {
			bodyDone = i
		}
		yaw, head = m.yaw, m.headYaw
	}
	if headDone == 0 || bodyDone == 0 || headDone >= bodyDone {
		t.Errorf("head turned after %d steps, body after %d: want the head first, both within 3 s", headDone, bodyDone)
	}
	if pose := m.pose(); pose.HeadWorld().Rotation.Forward().Dot(flat(ada.Head.Position).Scale(1/flat(ada.Head.Position).Len())) < 0.99 {
		t.Errorf("it does not look at her in the end")
	}
}

// Idle, it only turns its head to who passes before it.
func TestIdleLooksWithItsHead(t *testing.T) {
	m := NewMover(Place{})
	ada := somebody("ada", 2, -2)
	now := epoch
	for range 60 {
		now = now.Add(tick)
		m.Step(now, &ada, false, []Person{ada})
	}
	if math.Abs(m.yaw) > 0.01 || math.Abs(m.headYaw+math.Pi/4) > 0.05 {
		t.Errorf("body at %.2f, head at %.2f rad; want 0 and -0.79", m.yaw, m.headYaw)
	}
}

// What stands still is not sent again.
func TestStandingStillIsNoChange(t *testing.T) {
	m := NewMover(Place{})
	if _, changed := m.Step(epoch, nil, false, nil); !changed {
		t.Errorf("the first pose is not said")
	}
	if _, changed := m.Step(epoch.Add(time.Second), nil, false, nil); changed || m.Restless() {
		t.Errorf("a character that stands still changes")
	}
}

// It never walks into anybody: whoever is nearer than 0.8 m came nearer
// themselves. And it does not make up its mind differently the second time.
func TestKeepsAwayFromPeople(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		place := Place{Speed: rapid.Float64Range(0.3, 3).Draw(t, "speed")}
		for range rapid.IntRange(0, 3).Draw(t, "waypoints") {
			place.Waypoints = append(place.Waypoints, Waypoint{Position: at(rapid.Float64Range(-5, 5).Draw(t, "wx"), rapid.Float64Range(-5, 5).Draw(t, "wz"))})
		}
		a, b := NewMover(place), NewMover(place)
		var people []Person
		for i := range rapid.IntRange(1, 5).Draw(t, "people") {
			people = append(people, somebody(string(rune('a'+i)), rapid.Float64Range(-5, 5).Draw(t, "x"), rapid.Float64Range(-5, 5).Draw(t, "z")))
		}
		now := epoch
		for range 300 {
			now = now.Add(tick)
			for i := range people {
				people[i].Head.Position.X += float32(rapid.SampledFrom([]float64{0, 0, 0.03, -0.03}).Draw(t, "dx"))
			}
			before := a.position
			pose, _ := a.Step(now, &people[0], false, people)
			if again, _ := b.Step(now, &people[0], false, people); again != pose {
				t.Fatalf("two equal characters move differently")
			}
			for i := range people {
				was, is := flat(before.Sub(people[i].Head.Position)).Len(), flat(a.position.Sub(people[i].Head.Position)).Len()
				if is < keepAway-1e-3 && is < was-1e-4 {
					t.Fatalf("walks towards somebody at %.2f m, was %.2f m", is, was)
				}
			}
			if !pose.Root.Finite() {
				t.Fatalf("pose %+v", pose)
			}
		}
	})
}

// Pushed away, it comes home again.
func TestComesHome(t *testing.T) {
	m := NewMover(Place{})
	ada := somebody("ada", 0, -0.3)
	now := epoch
	for range 60 {
		now = now.Add(tick)
		m.Step(now, nil, false, []Person{ada})
	}
	if d := flat(m.position.Sub(ada.Head.Position)).Len(); d < keepAway-0.01 {
		t.Errorf("still %.2f m from who came too near", d)
	}
	for range 90 {
		now = now.Add(tick)
		m.Step(now, nil, false, nil)
	}
	if d := m.position.Len(); d > 0.06 {
		t.Errorf("%.2f m from home, want to be back", d)
	}
}
