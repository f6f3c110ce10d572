package report

import (
	"slices"
	"strings"
)

// Metric says what a figure means. Better is "lower", "higher" or, where
// neither is, empty.
type Metric struct {
	Name     string   `json:"name"`     // "voice.latency_ms"
	Title    string   `json:"title"`    // in plain words: "delay mouth to ear"
	Unit     string   `json:"unit"`     // "ms", "share", "kbps", "mm", "hz", "count", "per_s", "per_min", "ratio", "mb", "kb", "percent", "mos"
	Better   string   `json:"better"`   // "lower", "higher", ""
	About    string   `json:"about"`    // what exactly is counted
	Suffixes []string `json:"suffixes"` // "" for the name itself, else "p99" for "voice.latency_ms.p99"

	// floor is the smallest difference that means anything between single
	// runs; absolute metrics are judged by it alone, because their scale is
	// bounded and 25 % of it is a disaster.
	floor    float64
	absolute bool
}

// The forms of a figure.
func plain() []string  { return []string{""} }
func spread() []string { return []string{"p50", "p90", "p95", "p99", "p999", "max", "mean"} }
func both() []string   { return []string{"", "p50", "p95", "max"} }

// Catalogue returns every metric, in the order in which a person asks for
// them.
func Catalogue() []Metric {
	metrics := slices.Concat(voiceMetrics(), seenMetrics(), joinMetrics(), netMetrics(), machineMetrics())
	for i := range metrics {
		m := &metrics[i]
		switch {
		case m.Unit == "share" && m.Better == "higher":
			m.floor, m.absolute = .005, true
		case m.Unit == "share":
			m.floor = .001
		case m.Unit == "mos":
			m.floor, m.absolute = .1, true
		case m.Unit == "ms":
			m.floor = 1
		}
	}
	return metrics
}

func voiceMetrics() []Metric {
	return []Metric{
		{Name: "voice.audible_share", Title: "heard the right people", Unit: "share", Better: "higher", Suffixes: plain(),
			About: "Of all the time in which somebody should have been heard by somebody (among the K most audible by the public formulae), the share in which that talker was in one of the listener's slots."},
		{Name: "voice.onset_ms", Title: "time until a new talker is heard", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "From the moment a talker should be in a slot to the first packet of theirs that arrives."},
		{Name: "voice.wrong_share", Title: "heard the wrong people", Unit: "share", Better: "lower", Suffixes: plain(),
			About: "Of the voice packets that arrived, the share whose talker should not have been sent: out of range, or less audible than one left out, beyond the server's documented hysteresis."},
		{Name: "voice.forbidden_packets", Title: "packets of blocked or muted speakers", Unit: "count", Better: "lower", Suffixes: plain(),
			About: "Voice packets that reached a listener who had blocked the talker, or from a talker muted by a moderator. Anything but 0 is a leak."},
		{Name: "voice.latency_ms", Title: "delay mouth to ear", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "From the talker's write of a packet to the listener's read of it. The time is in the packet and both use one clock. Encoding, playout buffer and sound card are not included."},
		{Name: "voice.latency_same_ms", Title: "delay from talkers of the same server", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "The part of voice.latency_ms between people who are on the same of several servers (-also)."},
		{Name: "voice.latency_other_ms", Title: "delay from talkers of another server", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "The part between people on different servers. The difference to voice.latency_same_ms is what the link between the nodes adds."},
		{Name: "voice.jitter_ms", Title: "unevenness of arrival", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "Interarrival jitter of each voice as RFC 3550 section 6.4.1 defines it."},
		{Name: "voice.loss_share", Title: "voice packets lost", Unit: "share", Better: "lower", Suffixes: plain(),
			About: "Sequence numbers of a slot that never came, of all that should have."},
		{Name: "voice.gap_ms", Title: "holes within speech", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "Length of the silences in a talkspurt that the talker did not make."},
		{Name: "voice.concealed_share", Title: "speech a player has to invent", Unit: "share", Better: "lower", Suffixes: plain(),
			About: "Of the speech that should have been played, the share lost or later than a playout buffer of usual size waits, estimated."},
		{Name: "voice.mos", Title: "voice quality", Unit: "mos", Better: "higher", Suffixes: []string{"p05", "p50", "mean", "min"},
			About: "Mean opinion score from 1 (bad) to 4.5 (perfect), estimated from loss, bursts and delay by the E-model, ITU-T G.107. Over listeners: p05 is what all but the worst-off twentieth have at least."},
		{Name: "voice.mouth_to_ear_ms", Title: "mouth to ear", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "Of voices that came by themselves: voice.latency_ms, the 26.5 ms that Opus takes (a frame of 20 ms and its look-ahead), and what a playout buffer holds back, estimated from how unevenly packets come. Without sound cards."},
		{Name: "voice.heard_at_once", Title: "people heard at a time", Unit: "count", Better: "higher", Suffixes: spread(),
			About: "How many people who are talking a listener hears at a moment, by themselves, in beds of crowds and in a mix. Who is in those is asked of the server's admin listener."},
		{Name: "voice.slot_changes_per_min", Title: "slot changes", Unit: "per_min", Better: "", Suffixes: plain(),
			About: "How often a slot went to another talker, for each listener and minute."},
	}
}

func seenMetrics() []Metric {
	return []Metric{
		{Name: "mix.mouth_to_ear_ms", Title: "mouth to ear in a mix", Unit: "ms", Better: "lower", Suffixes: []string{"p95"},
			About: "Of the oldest sound in the packets of mixes. A sum of 95th percentiles, so rather too much: mix.delay_ms, voice.latency_ms (both ways, of those who have plain slots in the same run), mix.hold_ms, 26.5 ms for the talker's frame and codec, 7.5 ms for the server's limiter and encoder. Without sound cards."},
		{Name: "bed.mouth_to_ear_ms", Title: "mouth to ear in a bed", Unit: "ms", Better: "lower", Suffixes: []string{"p95"}, About: "The same of beds of crowds, with bed.delay_ms."},
		{Name: "mix.delay_ms", Title: "delay of mixing", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "The server's earshot_mix_delay_seconds for mixes: from when a talker's packet could have been at the mixer at the earliest until the packet with the oldest sound in it was sent. Jitter buffer, beat, decoder, mixer, encoder and lateness of the beat."},
		{Name: "bed.delay_ms", Title: "delay of beds", Unit: "ms", Better: "lower", Suffixes: spread(), About: "The same of beds of crowds."},
		{Name: "mix.hold_ms", Title: "hold of a player of mixes", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "For how long a playout buffer has to hold packets of mixes and beds back beyond their mean delay, estimated from how unevenly they come."},
		{Name: "mix.missing_share", Title: "packets of mixes missing", Unit: "share", Better: "lower", Suffixes: plain(),
			About: "Of the packets of mixes and beds, one each 20 ms while they sound, the share that did not come: lost, or never made because the server left out a beat."},
		{Name: "pose.staleness_ms", Title: "age of what is seen", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "For how long the newest known pose of a neighbour has not been true any more, at each moment at which they have moved since; 0 where nobody moved."},
		{Name: "pose.error_mm", Title: "distance from the true place", Unit: "mm", Better: "lower", Suffixes: spread(),
			About: "Between where a neighbour is drawn and where it really is at that moment."},
		{Name: "pose.hz", Title: "poses for each neighbour", Unit: "hz", Better: "higher", Suffixes: plain(),
			About: "Pose updates a second for each neighbour in view, on average; fewer for those far away is by design."},
		{Name: "video.latency_ms", Title: "delay camera to eye", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "From the sender's write of a video packet to the viewer's read of it."},
		{Name: "video.loss_share", Title: "video packets lost", Unit: "share", Better: "lower", Suffixes: plain(),
			About: "After repair by retransmission."},
		{Name: "video.freeze_share", Title: "time with a frozen picture", Unit: "share", Better: "lower", Suffixes: plain(),
			About: "Of the time a camera should be shown, the share in which no complete frame came for longer than three frame times (at least 150 ms)."},
		{Name: "video.kbps", Title: "video received", Unit: "kbps", Better: "", Suffixes: plain(),
			About: "For each camera shown to a viewer, payload only."},
		{Name: "chat.latency_ms", Title: "delay of chat", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "From sending a line to its arrival at another participant."},
		{Name: "npc.first_word_ms", Title: "time to an NPC's first word", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "From the end of what is said to an NPC to the first caption or voice packet of its answer."},
	}
}

func joinMetrics() []Metric {
	return []Metric{
		{Name: "join.total_ms", Title: "time to join", Unit: "ms", Better: "lower", Suffixes: spread(),
			About: "From the first HTTP request until the participant is in the world and can hear."},
		{Name: "join.http_ms", Title: "joining: request", Unit: "ms", Better: "lower", Suffixes: spread(), About: "The HTTP request that joins, with offer and answer."},
		{Name: "join.ice_ms", Title: "joining: finding a way", Unit: "ms", Better: "lower", Suffixes: spread(), About: "ICE, from the answer until a pair of addresses works."},
		{Name: "join.dtls_ms", Title: "joining: encryption", Unit: "ms", Better: "lower", Suffixes: spread(), About: "The DTLS handshake."},
		{Name: "join.channels_ms", Title: "joining: channels", Unit: "ms", Better: "lower", Suffixes: spread(), About: "Until the data channels are open."},
		{Name: "join.welcome_ms", Title: "joining: welcome", Unit: "ms", Better: "lower", Suffixes: spread(), About: "From open channels until the server's welcome."},
		{Name: "join.waited_ms", Title: "joining: waiting for a place", Unit: "ms", Better: "lower", Suffixes: spread(), About: "Of those who found the world full (wait of the scenario): from their place in the queue until they are in. It is part of the time to join."},
		{Name: "join.failed", Title: "joins that failed", Unit: "count", Better: "lower", Suffixes: plain(), About: "Bots that could not get in at all."},
		{Name: "session.dropped", Title: "sessions lost", Unit: "count", Better: "lower", Suffixes: plain(), About: "Sessions that ended without anybody wanting it."},
		{Name: "reconnect.total_ms", Title: "time to reconnect", Unit: "ms", Better: "lower", Suffixes: spread(), About: "From losing the way to the server until voices are heard again."},
	}
}

func netMetrics() []Metric {
	var metrics []Metric
	about := map[string]string{
		"voice": "Voice, with RTP headers, without UDP and IP.", "video": "Video, with RTP headers and repair, without UDP and IP.",
		"pose": "Pose datagrams.", "control": "Control messages: who is there, chat, captions, actions.", "total": "Everything, RTCP included, without UDP and IP.",
	}
	titles := map[string]string{"voice": "for voice", "video": "for video", "pose": "for movement", "control": "for messages", "total": "in all"}
	for _, direction := range []struct{ name, title string }{{"down", "received by each person"}, {"up", "sent by each person"}} {
		for _, kind := range []string{"voice", "video", "pose", "control", "total"} {
			metrics = append(metrics, Metric{Name: "net." + direction.name + "_kbps." + kind, Title: direction.title + " " + titles[kind], Unit: "kbps", Better: "lower", Suffixes: both(),
				About: about[kind] + " The name itself is the mean over participants; .p95 is what all but a twentieth stay below."})
		}
	}
	return metrics
}

func machineMetrics() []Metric {
	return []Metric{
		{Name: "server.cpu_share", Title: "server CPU", Unit: "share", Better: "lower", Suffixes: plain(), About: "CPU time of the server's process by the clock; 100 % is one core."},
		{Name: "server.packets_per_cpu_second", Title: "packets for a second of CPU", Unit: "count", Better: "higher", Suffixes: plain(), About: "Media packets the server sent for each second of its CPU time. It rises with load: compare at equal packets a second only."},
		{Name: "server.packets_out_per_s", Title: "packets sent", Unit: "per_s", Better: "", Suffixes: plain(), About: "Media packets the server sent, each second."},
		{Name: "server.packets_in_per_s", Title: "packets received", Unit: "per_s", Better: "", Suffixes: plain(), About: "Media packets the server got, each second."},
		{Name: "server.rss_mb", Title: "server memory", Unit: "mb", Better: "lower", Suffixes: plain(), About: "Resident memory of the server's process at the end."},
		{Name: "server.rss_kb_per_participant", Title: "memory for each person", Unit: "kb", Better: "lower", Suffixes: plain(), About: "Resident memory above that of the idle server, for each participant."},
		{Name: "server.syscalls_per_packet", Title: "system calls for each packet", Unit: "ratio", Better: "lower", Suffixes: plain(), About: "Of the server's process, for each packet in or out."},
		{Name: "generator.cpu_share", Title: "CPU of the load tester", Unit: "share", Better: "lower", Suffixes: plain(), About: "Of the cores the load tester may use. Near 100 % the run measures the tester, not the server."},
		{Name: "generator.sched_ms", Title: "lateness of the tester's timers", Unit: "ms", Better: "lower", Suffixes: spread(), About: "How late the load tester's own timers went off. This hides in every delay it measures."},
		{Name: "generator.kb_per_bot", Title: "memory of a bot", Unit: "kb", Better: "lower", Suffixes: plain(), About: "Memory of the load tester for each bot."},
		{Name: "generator.cpu_percent_per_bot", Title: "CPU of a bot", Unit: "percent", Better: "lower", Suffixes: plain(), About: "Of one core."},
	}
}

// Describe returns the metric that a name belongs to, with or without suffix.
// It accepts a distribution's bare name too, which is no figure but a key of
// Result.Distributions; Known tells them apart.
func Describe(name string) (Metric, bool) {
	if m, ok := figures[name]; ok {
		return m, true
	}
	for _, m := range Catalogue() {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}

// Known says whether name is a figure that a rule may name.
func Known(name string) bool {
	_, ok := figures[name]
	return ok
}

// figures is every figure's metric; nothing changes it.
var figures = func() map[string]Metric {
	all := map[string]Metric{}
	for _, m := range Catalogue() {
		for _, s := range m.Suffixes {
			all[m.figure(s)] = m
		}
	}
	return all
}()

// Names returns the names of all figures, in the order of Catalogue.
func Names() (names []string) {
	for _, m := range Catalogue() {
		for _, s := range m.Suffixes {
			names = append(names, m.figure(s))
		}
	}
	return names
}

func (m Metric) figure(suffix string) string {
	if suffix == "" {
		return m.Name
	}
	return m.Name + "." + suffix
}

// TitleOf returns a figure's name in plain words: "delay mouth to ear, 99th
// percentile". An unknown name is returned as it is.
func TitleOf(name string) string {
	m, ok := Describe(name)
	if !ok {
		return clip(name, 80)
	}
	if name == m.Name {
		return m.Title
	}
	switch suffix := strings.TrimPrefix(name, m.Name+"."); suffix {
	case "p50":
		return m.Title + ", median"
	case "mean":
		return m.Title + ", mean"
	case "max":
		return m.Title + ", worst"
	case "min":
		return m.Title + ", least"
	case "p999":
		return m.Title + ", worst in 1,000"
	case "p05":
		return m.Title + ", 5th percentile"
	default:
		return m.Title + ", " + suffix[1:] + "th percentile"
	}
}
