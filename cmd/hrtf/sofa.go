package main

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"

	"earshot"
)

// set is a measured set of impulse responses.
type set struct {
	name, licence string
	rate          float64
	samples       int
	directions    []direction
}

// direction is one measurement: where (radians; axes as in package hrtf) and
// the impulse responses of the left and the right ear.
type direction struct {
	azimuth, elevation float64
	ears               [2][]float64
}

// maxFile is how long the JSON of a set may be.
const maxFile = 1 << 30

// sofa is as much of the JSON as is needed.
type sofa struct {
	Attributes struct {
		DatabaseName, ListenerShortName, License, SOFAConventions string
	}
	Variables struct {
		SourcePosition struct {
			Attributes struct{ Type, Units string }
			Values     []float64
		}
		IR    struct{ Dimensions, Values []float64 } `json:"Data.IR"`
		Rate  struct{ Values []float64 }             `json:"Data.SamplingRate"`
		Delay struct{ Values []float64 }             `json:"Data.Delay"`
	}
}

// readSet reads and checks what mysofa2json wrote.
func readSet(path string) (*set, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxFile {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "%s has more than %d bytes", path, maxFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeNotFound, "read a set: %v", err)
	}
	var in sofa
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "%s is not the JSON that mysofa2json -c writes: %v", path, err)
	}
	return in.set(filepath.Base(path))
}

func (in *sofa) set(file string) (*set, error) {
	bad := func(format string, args ...any) error {
		return earshot.Errorf(earshot.CodeInvalidArgument, file+": "+format, args...)
	}
	v := &in.Variables
	if in.Attributes.SOFAConventions != "SimpleFreeFieldHRIR" {
		return nil, bad("convention %q, want SimpleFreeFieldHRIR", in.Attributes.SOFAConventions)
	}
	if len(v.IR.Dimensions) != 3 || v.IR.Dimensions[1] != 2 || len(v.Rate.Values) != 1 {
		return nil, bad("Data.IR of %v and %d rates, want [M 2 N] and one", v.IR.Dimensions, len(v.Rate.Values))
	}
	s := &set{
		name:    in.Attributes.DatabaseName + " " + in.Attributes.ListenerShortName,
		licence: in.Attributes.License, rate: v.Rate.Values[0], samples: int(v.IR.Dimensions[2]),
	}
	m := int(v.IR.Dimensions[0])
	delays := v.Delay.Values
	switch {
	case m < 1 || s.samples < 64 || s.samples > 1<<14 || len(v.IR.Values) != m*2*s.samples:
		return nil, bad("%d values of %d directions with %d samples", len(v.IR.Values), m, s.samples)
	case !(s.rate >= 32000 && s.rate <= 192000):
		return nil, bad("a sampling rate of %g Hz", s.rate)
	case len(v.SourcePosition.Values) != 3*m:
		return nil, bad("%d values of SourcePosition, want %d", len(v.SourcePosition.Values), 3*m)
	case len(delays) != 2 && len(delays) != 2*m:
		return nil, bad("%d values of Data.Delay, want 2 or %d", len(delays), 2*m)
	}
	for i := range m {
		at := position(v.SourcePosition.Values[3*i:], v.SourcePosition.Attributes.Type == "cartesian")
		for ear := range at.ears {
			ir := v.IR.Values[(2*i+ear)*s.samples:][:s.samples]
			// A delay of its own only matters as the difference between the ears:
			// whole samples are enough, sets that have it are sampled finely.
			at.ears[ear] = append(make([]float64, int(math.Round(delays[(2*i+ear)%len(delays)]))), ir...)
		}
		s.directions = append(s.directions, at)
	}
	return s, nil
}

func position(v []float64, cartesian bool) direction {
	if cartesian {
		return direction{azimuth: math.Atan2(v[1], v[0]), elevation: math.Atan2(v[2], math.Hypot(v[0], v[1]))}
	}
	return direction{azimuth: v[0] * math.Pi / 180, elevation: v[1] * math.Pi / 180}
}

// reference returns a choice of measurements as they are: every 10 degrees
// around the ears, every 30 above and below. The format: uint16 samples, uint16
// directions, uint32 rate; for each direction int16 azimuth and elevation in
// 1/100 degree, then the left and the right response as int16 of 1/32768.
func (s *set) reference() []byte {
	var body []byte
	n := 0
	for i := range s.directions {
		d := &s.directions[i]
		az, el := math.Remainder(d.azimuth*180/math.Pi, 360), d.elevation*180/math.Pi
		step := 30.0
		if math.Abs(el) < 1 {
			step = 10
		}
		if math.Abs(math.Remainder(el, 30)) > 0.1 || math.Abs(math.Remainder(az, step)) > 0.1 {
			continue
		}
		n++
		for _, v := range []float64{az * 100, el * 100} {
			body = binary.LittleEndian.AppendUint16(body, uint16(int(math.Round(v))))
		}
		for ear := range d.ears {
			for _, v := range d.ears[ear][:s.samples] {
				body = binary.LittleEndian.AppendUint16(body, uint16(int16(math.Round(v*32768))))
			}
		}
	}
	head := binary.LittleEndian.AppendUint16(nil, uint16(s.samples))
	head = binary.LittleEndian.AppendUint16(head, uint16(n))
	head = binary.LittleEndian.AppendUint32(head, uint32(s.rate))
	return append(head, body...)
}
