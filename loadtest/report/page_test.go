package report

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func render(t *testing.T, r *Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A long run of many still makes a page that opens at once.
func TestPageStaysSmall(t *testing.T) {
	page := render(t, judged(sample(300, 600), goodRules()...))
	if n := len(page); n > 3<<20 {
		t.Errorf("the page of 300 listeners over 600 s has %d bytes, want less than 3 MiB", n)
	} else {
		t.Logf("%d KB", n>>10)
	}
	if page := render(t, sample(2000, 30)); len(page) > 3<<20 || !strings.Contains(page, "up to 7 in one") {
		t.Errorf("2000 listeners: %d bytes, want rows merged", len(page))
	}
}

var raw = regexp.MustCompile(`(?s)(<(script|style)[^>]*>).*?(</(script|style)>)`)

// wellFormed parses a page as strictly as XML, but for void elements.
func wellFormed(page string) error {
	d := xml.NewDecoder(strings.NewReader(raw.ReplaceAllString(page, "$1$3")))
	d.Strict, d.Entity = true, xml.HTMLEntity
	d.AutoClose = []string{"meta", "img", "input"}
	d.Strict = false
	var open []string
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			if name := e.Name.Local; name != "meta" && name != "img" && name != "input" {
				open = append(open, name)
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != e.Name.Local {
				return fmt.Errorf("</%s> closes %v", e.Name.Local, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("not closed: %v", open)
	}
	return nil
}

func TestPageIsWellFormedAndAlone(t *testing.T) {
	limited := judged(sample(60, 60), badRules()...)
	limited.Generator.Limited = true
	for name, r := range map[string]*Result{"passed": judged(sample(60, 60), goodRules()...), "limited": limited, "capacity": withSteps(judged(sample(60, 60), goodRules()...)), "empty": {}} {
		page := render(t, r)
		if err := wellFormed(page); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, no := range []string{"ZgotmplZ", "NaN", "Inf", "src=\"http", "href=", "url(", "@import", "<no value>"} {
			if strings.Contains(raw.ReplaceAllString(page, "$1$3"), no) {
				t.Errorf("%s: the page contains %q", name, no)
			}
		}
		if !strings.Contains(page, "default-src &#39;none&#39;") && !strings.Contains(page, "default-src 'none'") {
			t.Errorf("%s: no policy against loading anything", name)
		}
	}
	if page := render(t, limited); !strings.Contains(page, "The load tester was the limit, not the server.") {
		t.Error("no banner though the generator was the limit")
	}
}

// hostile fills every text of a value with what somebody could call a bot.
func hostile(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			hostile(v.Elem(), text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				hostile(v.Field(i), text)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			hostile(v.Index(i), text)
		}
	case reflect.String:
		v.SetString(text)
	}
}

func TestPageEscapes(t *testing.T) {
	clean := judged(withSteps(sample(12, 20)), badRules()...)
	scripts := strings.Count(render(t, clean), "<script")
	for _, text := range []string{
		`<script>alert(1)</script>`, `</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</svg><iframe src=//evil.example>`,
		"\u202eevil\u202c\x00\x1b[31m", `]]><!--`, `</style><b>`, `{{.Title}}`, "`${alert(1)}`", `javascript:alert(1)`,
	} {
		r := judged(withSteps(sample(12, 20)), badRules()...)
		verdicts := r.Verdicts
		hostile(reflect.ValueOf(r), text)
		r.Verdicts = append(verdicts, Verdict{Rule: text}) // both: targets need rules that parse
		r.Settings, r.Metrics[text] = map[string]string{text: text}, 3
		r.Distributions[text] = r.Distributions["voice.latency_ms"]
		r.Timeline.Series[text] = Series{1, 2}
		page := render(t, r)
		if err := wellFormed(page); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if n := strings.Count(page, "<script"); n != scripts {
			t.Errorf("%q: %d script elements, want %d", text, n, scripts)
		}
		page = raw.ReplaceAllString(page, "$1$3")
		for _, no := range []string{"<iframe", "<img src=x", "onerror=alert(1)>", `onmouseover='`, "<b>evil", "\u202e", "\x1b", "<!--"} {
			if strings.Contains(page, no) {
				t.Errorf("%q: the page contains %q", text, no)
			}
		}
		if summary := r.Summary(false); strings.ContainsAny(summary, "\x1b\x00\u202e") {
			t.Errorf("%q: the terminal gets %q", text, summary)
		}
	}
}

func TestHeatMap(t *testing.T) {
	nan := math.NaN()
	r := &Result{Seconds: 4, Listeners: []Listener{
		{ID: "good", Group: "a", Timeline: map[string]Series{SeriesAudibleShare: {1, 1, 1, nan}}},
		{ID: "bad", Group: "a", Timeline: map[string]Series{SeriesAudibleShare: {0, 0, 0, 0}}},
		{ID: "other", Group: "b", Timeline: map[string]Series{SeriesAudibleShare: {1, .75}}},
		{ID: "silent", Group: "b"},
	}}
	m := newHeatMap(r)
	if m.Rows != 3 || m.Columns != 4 || m.IDs[0] != "bad" || m.IDs[1] != "good" || len(m.Groups) != 2 || m.Groups[0].Rows != 2 || len(m.Maps) != 1 {
		t.Fatalf("heat map %+v", m)
	}
	got, err := base64.StdEncoding.DecodeString(m.Maps[0].Data)
	want := []byte{254, 254, 254, 254, 0, 0, 0, 255, 0, 0, 127, 127} // sqrt(1-.75) of 254
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("indices %v, %v, want %v", got, err, want)
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(m.Maps[0].Image), "data:image/png;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil || img.Bounds().Dx() != 4 || img.Bounds().Dy() != 3 {
		t.Fatalf("picture: %v", err)
	}
	if _, _, _, a := img.At(0, 1).RGBA(); a != 0 {
		t.Error("what is good covers the page's colour")
	}
	for _, tc := range []struct{ ms, want float64 }{{5, 0}, {50, 0}, {150, .37}, {400, .69}, {1000, 1}} {
		if got := shades()[1].index(tc.ms); math.Abs(got-tc.want) > .01 {
			t.Errorf("%v ms is shaded %v, want %v", tc.ms, got, tc.want)
		}
	}
	if newHeatMap(&Result{}) != nil {
		t.Error("a heat map of nothing")
	}
}

func TestFit(t *testing.T) {
	a, b, r2, ok := fit([]float64{1000, 2000, 3000, 4000}, []float64{.05, .07, .09, .11})
	if !ok || math.Abs(a-.03) > 1e-9 || math.Abs(b-20e-6) > 1e-12 || math.Abs(r2-1) > 1e-9 {
		t.Errorf("fit = %v, %v, %v, %v", a, b, r2, ok)
	}
	if _, _, _, ok := fit([]float64{5, 5, 5}, []float64{1, 2, 3}); ok {
		t.Error("a line through points above one another")
	}
}

// No spike is lost when a series is drawn with fewer points.
func TestOutline(t *testing.T) {
	s := make(Series, 1000)
	s[437] = 9
	s[800] = math.NaN()
	found := false
	indices := outline(s, 100)
	for i, at := range indices {
		found = found || at == 437
		if i > 0 && at <= indices[i-1] {
			t.Fatalf("indices go back: %v after %v", at, indices[i-1])
		}
	}
	if !found || len(indices) > 101 {
		t.Errorf("%d points, spike kept: %v", len(indices), found)
	}
}
