package truth

// Figures is an account of what listeners heard. Figures of many add up.
type Figures struct {
	Seconds float64 // listener-seconds judged
	Due     float64 // talker-seconds that belonged into a slot
	Audible float64 // of those, in which they were in one

	Packets    int64 // voiced, without duplicates
	Wrong      int64 // of talkers who should not have been sent
	Forbidden  int64 // of talkers who must not be
	Duplicates int64

	Expected, Received int64 // frames of talkers who stayed in a slot
	Frames, Concealed  int64 // of talkspurts that were played
	SlotChanges        int64 // a slot went to another talker

	MixPackets int64   // of mixes and beds
	MixMs      float64 // in which they came

	Onset   Histogram // ms from belonging into a slot to the first packet
	Latency Histogram // ms from sending to arrival
	Jitter  Histogram // ms, RFC 3550
	Gap     Histogram // ms in a row that are missing within talkspurts
	MOS     Histogram // per listener and ten seconds

	MouthToEar Histogram // ms, of voices with codec and playout buffer
	Hold       Histogram // ms for which a playout buffer has to hold a mix or bed beyond its mean delay
	AtOnce     Histogram // talkers heard at a moment, by themselves and in mixes
}

// Merge adds those of o.
func (f *Figures) Merge(o *Figures) {
	f.Seconds += o.Seconds
	f.Due += o.Due
	f.Audible += o.Audible
	f.Packets += o.Packets
	f.Wrong += o.Wrong
	f.Forbidden += o.Forbidden
	f.Duplicates += o.Duplicates
	f.Expected += o.Expected
	f.Received += o.Received
	f.Frames += o.Frames
	f.Concealed += o.Concealed
	f.SlotChanges += o.SlotChanges
	f.MixPackets += o.MixPackets
	f.MixMs += o.MixMs
	for _, h := range []struct{ to, from *Histogram }{
		{&f.Onset, &o.Onset}, {&f.Latency, &o.Latency}, {&f.Jitter, &o.Jitter}, {&f.Gap, &o.Gap}, {&f.MOS, &o.MOS},
		{&f.MouthToEar, &o.MouthToEar}, {&f.Hold, &o.Hold}, {&f.AtOnce, &o.AtOnce},
	} {
		h.to.Merge(h.from)
	}
}

func (f *Figures) reset() {
	kept := *f // histograms keep their memory
	*f = Figures{
		Onset: kept.Onset, Latency: kept.Latency, Jitter: kept.Jitter, Gap: kept.Gap, MOS: kept.MOS,
		MouthToEar: kept.MouthToEar, Hold: kept.Hold, AtOnce: kept.AtOnce,
	}
	for _, h := range []*Histogram{&f.Onset, &f.Latency, &f.Jitter, &f.Gap, &f.MOS, &f.MouthToEar, &f.Hold, &f.AtOnce} {
		h.Reset()
	}
}

// AudibleShare returns Audible over Due, or false where nobody was due.
func (f *Figures) AudibleShare() (float64, bool) { return ratio(f.Audible, f.Due) }

// Metrics adds the figures to m under the names of reports and SLOs. What was
// not measured is left out: nobody is 0 % audible where nobody was due.
func (f *Figures) Metrics(m map[string]float64) {
	set := func(name string, v float64, ok bool) {
		if ok {
			m[name] = v
		}
	}
	share := func(name string, part, whole int64) {
		v, ok := ratio(float64(part), float64(whole))
		set(name, v, ok)
	}
	v, ok := f.AudibleShare()
	set("voice.audible_share", v, ok)
	share("voice.wrong_share", f.Wrong, f.Packets)
	share("voice.loss_share", max(0, f.Expected-f.Received), f.Expected)
	share("voice.concealed_share", max(0, f.Concealed), f.Frames)
	set("voice.forbidden_packets", float64(f.Forbidden), f.Packets > 0)
	v, ok = ratio(float64(f.SlotChanges), f.Seconds/60)
	set("voice.slot_changes_per_min", v, ok)
	Quantiles(m, "voice.onset_ms", &f.Onset)
	Quantiles(m, "voice.latency_ms", &f.Latency)
	Quantiles(m, "voice.jitter_ms", &f.Jitter)
	Quantiles(m, "voice.gap_ms", &f.Gap)
	Quantiles(m, "voice.mouth_to_ear_ms", &f.MouthToEar)
	Quantiles(m, "mix.hold_ms", &f.Hold)
	Quantiles(m, "voice.heard_at_once", &f.AtOnce)
	v, ok = f.missing()
	set("mix.missing_share", v, ok)
	if f.MOS.Count() > 0 {
		m["voice.mos.p05"], m["voice.mos.p50"], m["voice.mos.mean"] = f.MOS.Quantile(0.05), f.MOS.Quantile(0.5), f.MOS.Mean()
	}
}

// Quantiles adds p50, p95, p99, max and mean of a histogram to m, named after
// it; nothing where it is empty.
func Quantiles(m map[string]float64, name string, h *Histogram) {
	if h.Count() == 0 {
		return
	}
	m[name+".p50"], m[name+".p95"], m[name+".p99"] = h.Quantile(0.5), h.Quantile(0.95), h.Quantile(0.99)
	m[name+".max"], m[name+".mean"] = h.Max(), h.Mean()
}

func ratio(part, whole float64) (float64, bool) {
	if whole <= 0 {
		return 0, false
	}
	return part / whole, true
}

// Window is a short account of one listener, for timelines.
type Window struct {
	Seconds          float64
	Due, Audible     float64
	Packets          int64
	Wrong, Forbidden int64
	latency          float64
}

// AudibleShare returns Audible over Due, or false where nobody was due.
func (w *Window) AudibleShare() (float64, bool) { return ratio(w.Audible, w.Due) }

// LatencyMs returns the mean latency, or false where nothing came.
func (w *Window) LatencyMs() (float64, bool) { return ratio(w.latency, float64(w.Packets)) }
