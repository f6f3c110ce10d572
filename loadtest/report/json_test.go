package report

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"earshot"
)

func TestWriteRead(t *testing.T) {
	r := withSteps(judged(sample(20, 30), goodRules()...))
	path := filepath.Join(t.TempDir(), "result.json")
	if err := r.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var again, first bytes.Buffer
	if err := got.Write(&again); err != nil {
		t.Fatal(err)
	}
	if err := r.Write(&first); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), again.Bytes()) {
		t.Error("what was read is not written as it was")
	}
	if !reflect.DeepEqual(got.Metrics, r.Metrics) || !reflect.DeepEqual(got.Capacity, r.Capacity) || !reflect.DeepEqual(got.Server, r.Server) || !got.Started.Equal(r.Started) {
		t.Error("metrics, capacity, server or start changed on the way")
	}
	if v := got.Timeline.Series[SeriesLatency]; len(v) != 30 || !math.IsNaN(v[0]) || math.IsNaN(v[10]) {
		t.Errorf("the series came back as %v", v)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".result*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// No number that was not measured stops a result from being written.
func TestWriteWhatIsNoNumber(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	r := &Result{Seconds: nan, Metrics: Metrics{"a": nan, "b": inf, "c": 1}, Generator: Generator{CPUShare: inf}, Server: &Server{RSSBytes: nan},
		Timeline:      Timeline{StepSeconds: inf, Series: map[string]Series{"x": {1, nan, inf}}},
		Distributions: map[string]Distribution{"voice.latency_ms": {Count: 1, P50: nan, Buckets: []Bucket{{inf, 1}}}},
		Offenders:     []Offender{{Value: nan}}, Verdicts: []Verdict{{Value: nan}},
		Listeners: []Listener{{Metrics: Metrics{"a": nan}, Timeline: map[string]Series{"x": {nan}}}},
		Capacity:  &Capacity{Steps: []Step{{Metrics: Metrics{"a": inf}}}}}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Metrics{"c": 1}); !reflect.DeepEqual(got.Metrics, want) {
		t.Errorf("metrics %v, want %v", got.Metrics, want)
	}
	if !math.IsNaN(r.Seconds) || !math.IsInf(r.Generator.CPUShare, 1) || !math.IsNaN(r.Server.RSSBytes) {
		t.Error("Write changed the result that it was given")
	}
	if s := got.Timeline.Series["x"]; len(s) != 3 || s[0] != 1 || !math.IsNaN(s[1]) || !math.IsNaN(s[2]) {
		t.Errorf("series %v, want 1 and two without a number", s)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		code       earshot.Code
		want       string
	}{
		{"nothing", "", earshot.CodeInvalidArgument, "not JSON"},
		{"a page", "<html>", earshot.CodeInvalidArgument, "not JSON"},
		{"cut off", `{"format":"earshot-loadtest-result","version":1,"metr`, earshot.CodeInvalidArgument, "cut off"},
		{"foreign", `{"name":"earshot","version":1}`, earshot.CodeInvalidArgument, "not a result of earshot loadtest"},
		{"a list", `[1,2]`, earshot.CodeInvalidArgument, "not JSON as earshot"},
		{"newer", `{"format":"earshot-loadtest-result","version":2,"metrics":[]}`, earshot.CodeUnimplemented, "newer earshot"},
		{"no version", `{"format":"earshot-loadtest-result"}`, earshot.CodeInvalidArgument, "damaged"},
		{"changed", `{"format":"earshot-loadtest-result","version":1,"metrics":{"a":"b"}}`, earshot.CodeInvalidArgument, "was changed"},
		{"too many", `{"format":"earshot-loadtest-result","version":1,"notes":[` + strings.Repeat(`"",`, 300) + `""]}`, earshot.CodeResourceExhausted, "301 notes"},
	} {
		_, err := Read(strings.NewReader(tc.text))
		if earshot.CodeOf(err) != tc.code || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s with %q", tc.name, err, tc.code, tc.want)
		}
	}
	path := filepath.Join(t.TempDir(), "x.json")
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), path+" is JSON, but") {
		t.Errorf("ReadFile: %v, want the file's name in it", err)
	}
	if _, err := ReadRuns(t.TempDir()); earshot.CodeOf(err) != earshot.CodeNotFound {
		t.Errorf("ReadRuns of an empty folder: %v", err)
	}
}

// Whatever is read can be shown.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := withSteps(judged(&Result{Metrics: Metrics{"voice.latency_ms.p99": 70}, Participants: 2, Listeners: listenersOf(rand.New(rand.NewPCG(1, 1)), 2, 3)}, "voice.latency_ms.p99 <= 60")).Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"format":"earshot-loadtest-result","version":1,"distributions":{"voice.latency_ms":{"unit":"ms","count":3,"min":-5,"max":1e308,"p50":1e-300,"buckets":[{"le":9,"n":-4},{"le":1,"n":7}]}}}`))
	f.Add([]byte(`{"format":"earshot-loadtest-result","version":1,"seconds":-1,"participants":-7,"timeline":{"step_seconds":1e-300,"series":{"participants":[1e308,-1e308,null,0],"server_cpu_share":[1,2,3,4,5],"packets_out_per_s":[5,1,1e300,7,9]}},"capacity":{"steps":[{"participants":-3},{"participants":9}],"knee":-1},"verdicts":[{"rule":"x"},{"rule":"voice.mos.p50 >= 9"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		var page bytes.Buffer
		if err := WriteHTML(&page, r); err != nil {
			t.Fatalf("WriteHTML: %v", err)
		}
		r.Summary(true)
		Compare([]*Result{r}, []*Result{r}).Text()
		if err := r.Write(&page); err != nil {
			t.Fatalf("Write of what was read: %v", err)
		}
	})
}
