package report

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"earshot"
)

// Limits of a result, so that neither a long run nor a foreign file fills a
// disk or a browser. Write cuts texts and lists to them; Read refuses more.
const (
	MaxBytes     = 64 << 20 // of a file
	maxTexts     = 200      // errors, notes, offenders
	maxTextBytes = 2000
	maxListeners = 10_000
	maxSeries    = 200
	maxPoints    = 100_000 // of one series
	maxBuckets   = 10_000
	maxSteps     = 1000
	maxMetrics   = 5000
)

// Write writes r as JSON, with Format and Version set. What is no number
// becomes null in a series, is left out of metrics and is 0 elsewhere.
func (r *Result) Write(w io.Writer) error {
	out := *r
	out.Format, out.Version = Format, Version
	out.Errors, out.Notes = bounded(r.Errors), bounded(r.Notes)
	out.Offenders = r.Offenders[:min(len(r.Offenders), maxTexts)]
	if err := out.fits(); err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(finite(reflect.ValueOf(out)).Interface())
}

// WriteFile writes r to a file, which appears whole or not at all.
func (r *Result) WriteFile(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".result-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err = errors.Join(r.Write(f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// ReadFile reads a file of WriteFile. Errors name the file.
func ReadFile(path string) (*Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := Read(f)
	if err != nil {
		var e *earshot.Error
		if errors.As(err, &e) {
			return nil, earshot.Errorf(e.Code, "%s %s", path, e.Message)
		}
		return nil, err
	}
	return r, nil
}

// Read reads what Write wrote. The error says whether the file is something
// else (invalid_argument), of a newer Earshot (unimplemented) or too large
// (resource_exhausted).
func Read(src io.Reader) (*Result, error) {
	data, err := io.ReadAll(io.LimitReader(src, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxBytes {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "is larger than %d MiB, more than a result can be: pass the result.json that earshot loadtest wrote", MaxBytes>>20)
	}
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "is not JSON as earshot loadtest writes it (%v): pass the result.json of a run; if it is one, it was cut off", err)
	}
	if head.Format != Format {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, `is JSON, but not a result of earshot loadtest (no "format": %q): pass the result.json of a run`, Format)
	}
	if head.Version > Version {
		return nil, earshot.Errorf(earshot.CodeUnimplemented, "was written by a newer earshot (version %d of the file, this one reads up to %d): update this earshot, or run the test again with it", head.Version, Version)
	}
	if head.Version < 1 {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "has version %d; the first is 1: the file is damaged, run the test again", head.Version)
	}
	r := new(Result)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "is a result, but a field is not what it should be (%v): the file was changed, run the test again", err)
	}
	if err := r.fits(); err != nil {
		return nil, err
	}
	return r, nil
}

// fits says whether r keeps the limits on lists.
func (r *Result) fits() error {
	check := func(what string, n, most int) error {
		if n > most {
			return earshot.Errorf(earshot.CodeResourceExhausted, "has %d %s, more than the %d that a result may have", n, what, most)
		}
		return nil
	}
	errs := []error{
		check("listeners", len(r.Listeners), maxListeners), check("metrics", len(r.Metrics), maxMetrics),
		check("distributions", len(r.Distributions), maxMetrics), check("series", len(r.Timeline.Series), maxSeries),
		check("errors", len(r.Errors), maxTexts), check("notes", len(r.Notes), maxTexts),
		check("offenders", len(r.Offenders), maxTexts), check("verdicts", len(r.Verdicts), maxRules),
	}
	for _, s := range r.Timeline.Series {
		errs = append(errs, check("points in a series", len(s), maxPoints))
	}
	for _, d := range r.Distributions {
		errs = append(errs, check("buckets in a distribution", len(d.Buckets), maxBuckets))
	}
	for _, l := range r.Listeners {
		errs = append(errs, check("series of a listener", len(l.Timeline), maxSeries))
		for _, s := range l.Timeline {
			errs = append(errs, check("points in a listener's series", len(s), maxPoints))
		}
	}
	if r.Capacity != nil {
		errs = append(errs, check("steps", len(r.Capacity.Steps), maxSteps))
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func bounded(texts []string) []string {
	if len(texts) == 0 {
		return nil
	}
	out := make([]string, 0, min(len(texts), maxTexts))
	for _, t := range texts[:min(len(texts), maxTexts)] {
		out = append(out, clip(t, maxTextBytes))
	}
	return out
}

// MarshalJSON leaves out what is no number.
func (m Metrics) MarshalJSON() ([]byte, error) {
	numbers := make(map[string]float64, len(m))
	for name, v := range m {
		if isNumber(v) {
			numbers[name] = v
		}
	}
	return json.Marshal(numbers)
}

// UnmarshalJSON leaves out null.
func (m *Metrics) UnmarshalJSON(data []byte) error {
	var values map[string]*float64
	if err := json.Unmarshal(data, &values); err != nil {
		return err
	}
	*m = make(Metrics, len(values))
	for name, v := range values {
		if v != nil {
			(*m)[name] = *v
		}
	}
	return nil
}

// MarshalJSON writes null for what is no number.
func (s Series) MarshalJSON() ([]byte, error) {
	values := make([]*float64, len(s))
	for i := range s {
		if isNumber(s[i]) {
			v := short(s[i])
			values[i] = &v
		}
	}
	return json.Marshal(values)
}

// UnmarshalJSON reads null as NaN.
func (s *Series) UnmarshalJSON(data []byte) error {
	var values []*float64
	if err := json.Unmarshal(data, &values); err != nil {
		return err
	}
	*s = make(Series, len(values))
	for i, v := range values {
		(*s)[i] = math.NaN()
		if v != nil {
			(*s)[i] = *v
		}
	}
	return nil
}

// short rounds to six digits, which is more than is measured: a series is most
// of a file.
func short(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(v))))
	if rounded := math.Round(v*scale) / scale; isNumber(rounded) {
		return rounded
	}
	return v
}

func isNumber(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// finite returns a copy of v in which plain numbers that JSON cannot hold are
// 0. Metrics and series, which have null, stay as they are.
func finite(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	if _, whole := v.Interface().(json.Marshaler); whole {
		return out
	}
	switch v.Kind() {
	case reflect.Float64:
		if !isNumber(v.Float()) {
			out.SetFloat(0)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return out
		}
		for i := range v.NumField() {
			out.Field(i).Set(finite(v.Field(i)))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(finite(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(finite(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
			for _, k := range v.MapKeys() {
				out.SetMapIndex(k, finite(v.MapIndex(k)))
			}
		}
	}
	return out
}
