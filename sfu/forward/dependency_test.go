package forward

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// bitWriter writes what bitReader reads.
type bitWriter struct {
	b  []byte
	at int
}

func (w *bitWriter) put(n int, v uint32) {
	for w.at+n > 8*len(w.b) {
		w.b = append(w.b, 0)
	}
	putBits(w.b, w.at, n, v)
	w.at += n
}

func (w *bitWriter) putNonSymmetric(n, v int) {
	bits := 0
	for x := n; x != 0; x >>= 1 {
		bits++
	}
	if m := 1<<bits - n; v < m {
		w.put(bits-1, uint32(v))
	} else {
		w.put(bits, uint32(v+m))
	}
}

// scheme is a scalability structure as one writes it on paper: of each template
// its layers, its relation to each decode target (- D S R), what it refers to.
type scheme struct {
	offset    uint8
	templates []schemeTemplate
	chains    []int // that protect each decode target
	heights   []int
}

type schemeTemplate struct {
	spatial, temporal int
	dti               string
	diffs             []int
	chains            []int
}

// oneByThree is one size at three frame rates, as browsers send it.
func oneByThree() *scheme {
	return &scheme{
		templates: []schemeTemplate{
			{0, 0, "SSS", nil, []int{0}}, {0, 0, "SSS", []int{4}, []int{4}}, {0, 1, "-DS", []int{2}, []int{2}},
			{0, 2, "--D", []int{1}, []int{1}}, {0, 2, "--D", []int{1}, []int{3}},
		},
		chains: []int{0, 0, 0},
	}
}

// threeByThree is three sizes at three frame rates, of which larger sizes refer
// to smaller ones in key pictures only, or always.
func threeByThree(onKeyOnly bool) *scheme {
	s := &scheme{chains: []int{0, 0, 0, 1, 1, 1, 2, 2, 2}, heights: []int{180, 360, 720}}
	for sid := range 3 {
		for tid := range 3 {
			for _, key := range []bool{true, false} {
				if key && tid > 0 {
					continue
				}
				t := schemeTemplate{spatial: sid, temporal: tid, chains: []int{1, 2, 3}}
				for d := range 9 {
					t.dti += relation(sid, tid, d/3, d%3, key, onKeyOnly)
				}
				switch {
				case !key:
					t.diffs = []int{12 >> tid}
				case sid > 0:
					t.diffs = []int{1}
				}
				s.templates = append(s.templates, t)
			}
		}
	}
	return s
}

func relation(sid, tid, s, t int, key, onKeyOnly bool) string {
	switch {
	case s < sid || t < tid:
		return "-"
	case s == sid && tid > 0 && t == tid:
		return "D"
	case s == sid || key:
		return "S"
	case onKeyOnly:
		return "-"
	}
	return "R"
}

func (s *scheme) write(w *bitWriter) {
	w.put(6, uint32(s.offset))
	w.put(5, uint32(len(s.chains)-1))
	for i, t := range s.templates {
		next := uint32(3)
		if i+1 < len(s.templates) {
			switch n := s.templates[i+1]; {
			case n.spatial > t.spatial:
				next = 2
			case n.temporal > t.temporal:
				next = 1
			default:
				next = 0
			}
		}
		w.put(2, next)
	}
	for _, t := range s.templates {
		for _, d := range t.dti {
			w.put(2, uint32(strings.IndexRune("-DSR", d)))
		}
	}
	for _, t := range s.templates {
		for _, d := range t.diffs {
			w.put(1, 1)
			w.put(4, uint32(d-1))
		}
		w.put(1, 0)
	}
	chains := len(s.templates[0].chains)
	w.putNonSymmetric(len(s.chains)+1, chains)
	if chains > 0 {
		for _, c := range s.chains {
			w.putNonSymmetric(chains, c)
		}
	}
	for _, t := range s.templates {
		for _, c := range t.chains {
			w.put(4, uint32(c))
		}
	}
	if len(s.heights) == 0 {
		w.put(1, 0)
		return
	}
	w.put(1, 1)
	for _, h := range s.heights {
		w.put(16, uint32(h*16/9-1))
		w.put(16, uint32(h-1))
	}
}

// descriptor is what a packet says.
type descriptor struct {
	first, last bool
	template    int
	frame       uint16
	attach      *scheme
	mask        uint32 // with masked
	masked      bool
	dti         string // its own, where not ""
	diffs       []int  // its own, where not nil
}

func (d descriptor) write(s *scheme) []byte {
	var w bitWriter
	flag := func(on bool) uint32 {
		if on {
			return 1
		}
		return 0
	}
	w.put(1, flag(d.first))
	w.put(1, flag(d.last))
	w.put(6, uint32(d.template+int(s.offset))&63)
	w.put(16, uint32(d.frame))
	if d.attach == nil && !d.masked && d.dti == "" && d.diffs == nil {
		return w.b
	}
	w.put(1, flag(d.attach != nil))
	w.put(1, flag(d.masked))
	w.put(1, flag(d.dti != ""))
	w.put(1, flag(d.diffs != nil))
	w.put(1, 0)
	if d.attach != nil {
		d.attach.write(&w)
	}
	if d.masked {
		w.put(len(s.chains), d.mask)
	}
	for _, i := range d.dti {
		w.put(2, uint32(strings.IndexRune("-DSR", i)))
	}
	if d.diffs != nil {
		for _, diff := range d.diffs {
			w.put(2, 2)
			w.put(8, uint32(diff-1))
		}
		w.put(2, 0)
	}
	return w.b
}

// film plays a scheme of several sizes, one packet a frame.
type film struct {
	scheme *scheme
	layout Layout
	codec  Codec
	n      int // of the picture since the last key picture
	frame  uint16
	seq    uint16
	ts     uint32
}

func (f *film) picture(keyPicture bool) []*Packet {
	if keyPicture {
		f.n = 0
	}
	tid := [...]int{0, 2, 1, 2}[f.n%4]
	sizes := f.scheme.templates[len(f.scheme.templates)-1].spatial + 1
	var out []*Packet
	for sid := range sizes {
		d := descriptor{first: true, last: true, frame: f.frame}
		for i, t := range f.scheme.templates {
			if t.spatial == sid && t.temporal == tid {
				d.template = i
				if tid > 0 || keyPicture == (len(t.diffs) == 0 || t.diffs[0] == 1) {
					break
				}
			}
		}
		if keyPicture && sid == 0 {
			d.attach = f.scheme
		}
		p := &Packet{SSRC: 1, Seq: f.seq, Timestamp: f.ts, Marker: sid == sizes-1, Payload: []byte{0, 1}}
		f.layout.Locate(f.codec, p, d.write(f.scheme))
		f.frame, f.seq = f.frame+1, f.seq+1
		out = append(out, p)
	}
	f.n, f.ts = f.n+1, f.ts+3000
	return out
}

// TestDependencyLayers is TestVP9Layers with AV1 and the dependency descriptor:
// the choice is the same.
func TestDependencyLayers(t *testing.T) {
	for name, want := range map[string]string{
		"SVC":   "012t0| 012t2| 01t2| 01t0| 0t2| 012t0| ",
		"K-SVC": "012t0| 2t2| 2t0| 01t0| 1t2| 1t0| 012t0| ",
	} {
		t.Run(name, func(t *testing.T) {
			f := &film{scheme: threeByThree(name == "K-SVC"), codec: AV1, frame: 65530}
			var c LayerChoice
			c.Reset(MakeTarget(2, 2))
			var got []string
			play := func(pictures int, keyPicture bool) {
				for i := range pictures {
					sizes, tid, end := "", uint8(0), ""
					for _, p := range f.picture(keyPicture && i == 0) {
						if ok, _ := c.Take(p); ok {
							sizes += fmt.Sprint(p.Place.Layer)
							tid = p.Place.Temporal
							if p.Marker || p.Place.Ends.Has(c.Current()) {
								end += "|"
							}
						}
					}
					if sizes != "" {
						got = append(got, fmt.Sprintf("%st%d%s ", sizes, tid, end))
					}
				}
			}
			play(5, true)
			c.Aim(MakeTarget(1, 2))
			play(7, false)
			if name == "K-SVC" {
				play(4, true)
			}
			c.Aim(MakeTarget(0, 2))
			play(4, name == "K-SVC")
			c.Aim(MakeTarget(2, 2))
			play(4, false)
			play(1, true)
			t.Log(got)
			for _, line := range strings.SplitAfter(want, "| ") {
				if line != "" && !strings.Contains(strings.Join(got, ""), line) {
					t.Errorf("no picture is %q", line)
				}
			}
			for i, line := range got {
				if strings.Count(line, "|") != 1 {
					t.Errorf("picture %d, %q, has not one end", i, line)
				}
			}
		})
	}
}

// TestDependencyRewrite lets frames count on, and says what is left out, in
// every form a descriptor has; what a reader makes of it is otherwise the same.
func TestDependencyRewrite(t *testing.T) {
	s := threeByThree(true)
	var begun dependencyLayout
	if _, _, ok := begun.read(descriptor{first: true, attach: s, frame: 65530}.write(s)); !ok {
		t.Fatal("the structure is not accepted")
	}
	for name, d := range map[string]descriptor{
		"plain":                 {first: true, last: true, template: 3, frame: 12},
		"with the structure":    {first: true, attach: s, frame: 10},
		"and a mask":            {first: true, attach: s, masked: true, mask: 0x1ff, frame: 10},
		"a mask":                {masked: true, mask: 0x07f, template: 2, frame: 10},
		"own relations":         {dti: "SRD-SRD-S", template: 1, frame: 10},
		"own references":        {diffs: []int{3, 200}, template: 1, frame: 10},
		"structure, own things": {first: true, attach: s, dti: "SSSSSSSSS", diffs: []int{}, frame: 10},
	} {
		l, raw := begun, d.write(s)
		own := bytes.Clone(raw)
		parsed, place, ok := l.read(raw)
		if !ok {
			t.Errorf("%s: %x is not accepted", name, raw)
			continue
		}
		for target, mask := range map[Target]uint32{
			MakeTarget(2, 2): 0x1ff, MakeTarget(2, 0): 0x049, MakeTarget(1, 1): 0x01b, MakeTarget(0, 0): 0x001,
		} {
			if d.masked {
				mask &= d.mask
			}
			out := parsed.Rewrite(65530, target, make([]byte, 0, 264))
			again, where, ok := follow(&l, out).read(out)
			if !ok || !agree(where, place, target) {
				t.Errorf("%s: %x became %x: %+v, %v, want %+v", name, raw, out, where, ok, place)
				continue
			}
			got := uint32(0x1ff)
			if again.masked {
				r := bitReader{b: out, at: again.maskAt}
				got = r.read(9)
			}
			if n := binary.BigEndian.Uint16(out[1:]); got != mask || n != d.frame+65530 {
				t.Errorf("%s, target %d: frame %d, active %03x, want %d, %03x", name, target, n, got, d.frame+65530, mask)
			}
		}
		if !bytes.Equal(own, raw) {
			t.Errorf("%s: what came was changed", name)
		}
	}
}

func TestDependencyRefusals(t *testing.T) {
	s := oneByThree()
	whole := descriptor{first: true, attach: s, frame: 100}.write(s)
	var l dependencyLayout
	for n := range len(whole) {
		if _, _, ok := l.read(whole[:n]); ok && n < len(whole)-1 {
			t.Errorf("the first %d bytes of %d are accepted", n, len(whole))
		}
	}
	if _, _, ok := (&dependencyLayout{}).read([]byte{0x80, 0, 1}); ok {
		t.Error("a descriptor without a structure is accepted")
	}
	if _, _, ok := l.read(whole); !ok {
		t.Fatal("the whole is not accepted")
	}
	if _, _, ok := l.read(descriptor{template: 20, frame: 101}.write(s)); ok {
		t.Error("a template that there is not is accepted")
	}
	if _, _, ok := l.read(descriptor{frame: 99}.write(s)); ok {
		t.Error("a frame from before the structure is accepted")
	}
	if _, _, ok := l.read(make([]byte, 256)); ok {
		t.Error("more than 255 bytes are accepted")
	}
}

// TestDependencyAllocatesNothing repeats the structure, as a sender does that
// makes a key frame.
func TestDependencyAllocatesNothing(t *testing.T) {
	s := threeByThree(true)
	var l Layout
	p := Packet{SSRC: 1, Payload: []byte{0, 1}}
	key, delta := descriptor{first: true, attach: s}.write(s), descriptor{first: true, template: 3}.write(s)
	buffer := make([]byte, 0, 264)
	l.Locate(AV1, &p, key)
	if n := testing.AllocsPerRun(500, func() {
		for _, b := range [][]byte{key, delta, delta} {
			l.Locate(AV1, &p, b)
			p.Dependency.Rewrite(3, MakeTarget(0, 1), buffer)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	if p.Place.Needed == 0 {
		t.Error("the packets belong nowhere")
	}
}

// agree reports whether two places are the same for those who are shown a target.
func agree(a, b Place, x Target) bool {
	return a.Needed.Has(x) == b.Needed.Has(x) && a.Begins.Has(x) == b.Begins.Has(x) && a.Up.Has(x) == b.Up.Has(x) &&
		a.Down.Has(x) == b.Down.Has(x) && a.Ends == b.Ends && a.First == b.First && a.Layer == b.Layer && a.Temporal == b.Temporal
}

// TestInactiveTargets has a sender go on with its smallest size only, as one
// does that has little room: those who aim higher get that.
func TestInactiveTargets(t *testing.T) {
	s := threeByThree(true)
	var l dependencyLayout
	read := func(d descriptor) Place {
		_, p, ok := l.read(d.write(s))
		if !ok {
			t.Fatalf("%+v is not accepted", d)
		}
		return p
	}
	p := read(descriptor{first: true, last: true, attach: s, masked: true, mask: 0x007})
	if p.Begins != everyTarget || p.Needed != everyTarget {
		t.Errorf("the key frame: %+v, want it to begin all", p)
	}
	if p := read(descriptor{first: true, last: true, template: 3, frame: 1}); p.Needed != ofLayer(0, 2)|ofLayer(1, 2)|ofLayer(2, 2) {
		t.Errorf("a frame of the highest rate is needed for %03x", p.Needed)
	}
	read(descriptor{first: true, attach: s, frame: 2})
	if p := read(descriptor{first: true, template: 3, frame: 3}); p.Needed != ofLayer(0, 2) {
		t.Errorf("with all of them, it is needed for %03x", p.Needed)
	}
}

// follow returns a reader that knows what l does and takes a descriptor whose
// frame has another number.
func follow(l *dependencyLayout, out []byte) *dependencyLayout {
	other := *l
	other.frame = binary.BigEndian.Uint16(out[1:])
	return &other
}

// FuzzDependency gives two descriptors one after the other: no bytes make the
// parser panic, and what is accepted is so after it is rewritten, and says the
// same.
func FuzzDependency(f *testing.F) {
	for _, s := range []*scheme{oneByThree(), threeByThree(true), threeByThree(false)} {
		f.Add(descriptor{first: true, attach: s}.write(s), descriptor{first: true, last: true, template: 2, frame: 4, dti: strings.Repeat("S", len(s.chains))}.write(s), uint8(4))
	}
	f.Fuzz(func(t *testing.T, a, b []byte, x uint8) {
		var l dependencyLayout
		target := Target(x % allTargets)
		for _, raw := range [][]byte{a, b} {
			d, p, ok := l.read(raw)
			if !ok {
				continue
			}
			out := d.Rewrite(uint16(x), target, make([]byte, 0, 264))
			if len(out) > maxDependency {
				t.Fatalf("%d bytes became %d", len(raw), len(out))
			}
			if _, again, ok := follow(&l, out).read(out); !ok || !agree(again, p, target) {
				t.Fatalf("%x became %x: %+v, %v, want %+v", raw, out, again, ok, p)
			}
		}
	})
}
