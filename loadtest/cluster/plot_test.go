package cluster

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// The plot has a curve for each silence of people over a kill and a drain, is XML,
// and escapes what results say; there is none of anything else.
func TestSilences(t *testing.T) {
	seconds := []time.Duration{3 * time.Second, 4 * time.Second, 0}
	p95 := &Limit{"p95", 300}
	r := &Result{People: 90, Store: "<redis & co>", Scenarios: []*Scenario{
		{Name: "kill", Figures: []Figure{newFigure("until they noticed", seconds, nil), newFigure("until somebody heard them again", seconds, &Limit{"p95", 5000})}},
		{Name: "drain", Figures: []Figure{
			newFigure("until the node had ended", seconds[:1], &Limit{"max", 30_000}), newFigure("longest silence its people heard", seconds, p95), newFigure("of its people", seconds, p95),
		}},
		{Name: "near", Figures: []Figure{newFigure("until told", seconds, p95)}},
	}}
	svg := r.Silences()
	if curves, limits := bytes.Count(svg, []byte("<path")), bytes.Count(svg, []byte(`class="limit"`)); curves != 3 || limits != 2 {
		t.Errorf("%d curves and %d limits, want 3 and 2", curves, limits)
	}
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
	}
	if empty := (&Result{Scenarios: r.Scenarios[2:]}).Silences(); empty != nil {
		t.Errorf("a plot of nothing: %s", empty)
	}
	if got := steps([]float64{0.1, 100}); !strings.Contains(got, "H56.0V271.0") || !strings.HasSuffix(got, "V132.0H836") {
		t.Errorf("steps: %s", got)
	}
}
