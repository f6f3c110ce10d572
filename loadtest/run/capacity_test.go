package run

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot/loadtest/report"
	"earshot/loadtest/scenario"
)

func TestCapacityLadder(t *testing.T) {
	for _, c := range []struct {
		cfg  CapacityConfig
		want []int
	}{
		{CapacityConfig{From: 10, To: 100, Factor: 2, Window: time.Second}, []int{10, 20, 40, 80, 100}},
		{CapacityConfig{From: 10, To: 45, Step: 10, Window: time.Second}, []int{10, 20, 30, 40, 45}},
		{CapacityConfig{From: 1, To: 4, Factor: 1.1, Window: time.Second}, []int{1, 2, 3, 4}},
		{CapacityConfig{Factor: 2, Window: time.Second}, []int{5, 10, 20, 40}}, // a quarter of 20, eight times that
	} {
		if err := c.cfg.fill(20); err != nil {
			t.Fatal(err)
		}
		var got []int
		for n := c.cfg.From; ; n = c.cfg.next(n) {
			got = append(got, n)
			if n >= c.cfg.To {
				break
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v climbs %v, want %v", c.cfg, got, c.want)
		}
	}
	for _, bad := range []CapacityConfig{
		{From: 5, To: 2, Factor: 2, Window: time.Second}, {From: 5, To: 9, Factor: 1, Window: time.Second},
		{From: 5, To: 9, Step: -1, Window: time.Second}, {From: 5, To: 9, Step: 1},
	} {
		if err := bad.fill(20); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

// Whoever comes first is a fair sample of all groups.
func TestInterleavedKeepsTheMix(t *testing.T) {
	var people []*person
	for _, g := range []*scenario.Group{{Name: "a", Count: 60}, {Name: "b", Count: 30}, {Name: "c", Count: 10}} {
		for range g.Count {
			people = append(people, &person{group: g})
		}
	}
	list := interleaved(people)
	for _, n := range []int{10, 50, 100} {
		count := map[string]int{}
		for _, p := range list[:n] {
			count[p.group.Name]++
		}
		for name, share := range map[string]float64{"a": .6, "b": .3, "c": .1} {
			if d := float64(count[name]) - share*float64(n); d > 1 || d < -1 {
				t.Errorf("of the first %d, %d are of %s, want about %.0f", n, count[name], name, share*float64(n))
			}
		}
	}
	if len(list) != len(people) {
		t.Errorf("%d of %d", len(list), len(people))
	}
}

// TestCapacityFindsTheKnee raises the load on a node until a rule breaks that
// must break: what everybody sends cannot stay below what three send.
func TestCapacityFindsTheKnee(t *testing.T) {
	s := shipped(t, "smoke", "slots=2")
	rules, err := report.ParseRules("test", []string{"join.failed == 0", "server.packets_in_per_s <= 700"})
	if err != nil {
		t.Fatal(err)
	}
	s.SLO = nil
	inTries(t, func() (faults []string) { // bots on a busy machine send less
		res, err := Capacity(t.Context(), Config{Scenario: s, URL: startNode(t), Admin: "off", SLO: rules}, CapacityConfig{
			From: 3, To: 24, Factor: 2, Settle: 200 * time.Millisecond, Window: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		c := res.Capacity
		if c == nil || c.Knee < 3 || c.Knee > 9 || len(c.Steps) < 3 || !strings.Contains(c.Why, "packets_in") {
			faults = append(faults, fmt.Sprintf("capacity %+v; want a knee of 3 to 9, for the packets", c))
		}
		if len(res.Errors) > 0 {
			faults = append(faults, fmt.Sprintf("errors: %v", res.Errors))
		}
		return faults
	})
}
