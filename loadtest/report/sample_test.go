package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// sample is a result as a run of this shape would leave it: people talking in
// turns on a plaza, with a rough patch two thirds through that strikes one
// group. Made up, but of the order of what was measured on two cores.
func sample(people, seconds int) *Result {
	rnd := rand.New(rand.NewPCG(7, 7))
	n := float64(people)
	r := &Result{
		Scenario: "plaza", Title: fmt.Sprintf("%d people wander over a plaza", people), Seed: 7,
		Command:  fmt.Sprintf("earshot loadtest -scenario plaza -set count=%d -set duration=%ds -seed 7 -url http://127.0.0.1:8080 -out out/plaza", people, seconds),
		Settings: map[string]string{"count": fmt.Sprint(people), "duration": fmt.Sprintf("%ds", seconds), "network": "wifi", "slots": "8"},
		Started:  time.Date(2026, 11, 21, 14, 40, 0, 0, time.UTC), Seconds: float64(seconds), Participants: people,
		Target:  Target{Kind: "earshot", URL: "http://127.0.0.1:8080", Version: "v0.9.1"},
		Machine: Machine{CPU: "AMD EPYC 9B14", Cores: 2, Kernel: "6.18.44", Go: "go1.26.8", Generator: 1},
		Metrics: Metrics{
			"voice.audible_share": .9917, "voice.wrong_share": .0031, "voice.forbidden_packets": 0, "voice.loss_share": .0012, "voice.concealed_share": .0034,
			"voice.mos.p05": 3.94, "voice.mos.p50": 4.21, "voice.mos.mean": 4.18, "voice.mos.min": 2.71, "voice.slot_changes_per_min": 21.4,
			"pose.hz": 21.7, "join.failed": 0, "session.dropped": 0,
			"net.down_kbps.voice": 187.2, "net.down_kbps.pose": 61.4, "net.down_kbps.control": 3.1, "net.down_kbps.total": 262.4, "net.down_kbps.total.p95": 318,
			"net.up_kbps.voice": 11.8, "net.up_kbps.pose": 9.7, "net.up_kbps.control": .4, "net.up_kbps.total": 27.2,
			"server.cpu_share": .0032 * n, "server.packets_per_cpu_second": 41_380, "server.packets_out_per_s": 132.4 * n, "server.packets_in_per_s": 38.1 * n,
			"server.rss_mb": 61 + .94*n, "server.rss_kb_per_participant": 962, "server.syscalls_per_packet": .31,
			"generator.cpu_share": .0029 * n, "generator.sched_ms.p99": 1.4, "generator.kb_per_bot": 131, "generator.cpu_percent_per_bot": .17,
		},
		Distributions: map[string]Distribution{},
		Generator:     Generator{CPUShare: .0029 * n, CoresUsed: .0029 * n, SchedP50ms: .1, SchedP99ms: 1.4, BytesPerBot: 131 << 10, CPUPerBotPercent: .17},
		Server: &Server{CPUShare: .0032 * n, CPUSeconds: .0032 * n * float64(seconds), RSSBytes: (61 + .94*n) * (1 << 20), RSSPerParticipant: 962 << 10, Syscalls: 2.1e6,
			PacketsOut: 132.4 * n * float64(seconds), PacketsIn: 38.1 * n * float64(seconds), PacketsPerCPUSecond: 41_380, Threads: 11, Source: "proc"},
		Offenders: []Offender{
			{"bot-173", "voice.audible_share", .871, "34 s to 41 s: bot-12 and bot-40, the two nearest, were in no slot for 3.1 s"},
			{"bot-12", "voice.latency_ms.max", 812, "one packet at 37.2 s, in the middle of the loss burst of its network"},
			{"bot-88", "voice.mos.p50", 2.71, "4.8 % of its packets were lost, in bursts of 6"},
			{"bot-31", "join.total_ms.max", 2410, "ICE took 2.0 s: its first check was lost"},
		},
		Notes: []string{"Server and load tester ran on one machine, on a core each."},
	}
	for _, d := range []struct {
		name          string
		median, sigma float64
		count         int
	}{
		{"voice.latency_ms", 31, .42, 60_000}, {"voice.onset_ms", 92, .5, 4000}, {"voice.jitter_ms", 3.1, .6, 5000}, {"voice.gap_ms", 24, .7, 900},
		{"pose.staleness_ms", 34, .45, 20_000}, {"pose.error_mm", 27, .7, 20_000},
		{"join.total_ms", 410, .38, people}, {"join.http_ms", 96, .5, people}, {"join.ice_ms", 148, .4, people}, {"join.dtls_ms", 88, .4, people}, {"join.welcome_ms", 41, .5, people},
	} {
		dist := lognormal(rnd, d.name, d.median, d.sigma, d.count)
		r.Distributions[d.name] = dist
		r.Metrics.AddDistribution(d.name, dist)
	}
	r.Timeline = timelineOf(rnd, people, seconds)
	r.Listeners = listenersOf(rnd, people, seconds)
	return r
}

// judged is a sample held to rules.
func judged(r *Result, rules ...string) *Result {
	slo, err := ParseRules("test", rules)
	if err != nil {
		panic(err)
	}
	r.Verdicts = slo.Check(r.Metrics)
	return r
}

func goodRules() []string {
	return []string{"voice.audible_share >= 98%", "voice.wrong_share <= 1%", "voice.forbidden_packets == 0", "voice.latency_ms.p99 <= 150",
		"voice.mos.p05 >= 3.6", "join.total_ms.p95 <= 2000", "net.down_kbps.total <= 400", "server.cpu_share <= 0.8"}
}

func badRules() []string {
	return []string{"voice.audible_share >= 99.9%", "voice.forbidden_packets == 0", "voice.latency_ms.p99 <= 60", "voice.mos.p05 >= 3.6",
		"npc.first_word_ms.p95 <= 1500", "join.total_ms.p95 <= 2000", "server.cpu_share <= 0.8"}
}

// withSteps makes a capacity run of it.
func withSteps(r *Result) *Result {
	r.Scenario, r.Title = "crowd", "How many people one core carries on one spot"
	c := &Capacity{LimitedBy: "server", Why: "At 320 people the server's core was full."}
	rules := SLO{{"voice.latency_ms.p99", "<=", 150}, {"voice.audible_share", ">=", .98}, {"voice.mos.p05", ">=", 3.6}}
	for people := 40; people <= 320; people += 40 {
		load := float64(people) / 260
		m := Metrics{"voice.latency_ms.p99": 22 + 60*math.Pow(load, 6), "voice.audible_share": 1 - .002*math.Exp(4*(load-.55)), "voice.mos.p05": 4.3 - .3*math.Pow(load, 5), "server.cpu_share": min(load*.95, 1.02)}
		step := Step{Participants: people, Metrics: m, Passed: true}
		for i, v := range rules.Check(m) {
			if !v.Passed {
				step.Passed = false
				step.Broken = append(step.Broken, rules[i].String())
			}
		}
		c.Steps = append(c.Steps, step)
		if step.Passed {
			c.Knee = people
		}
	}
	r.Capacity = c
	return r
}

func lognormal(rnd *rand.Rand, name string, median, sigma float64, n int) Distribution {
	values := make([]float64, n)
	sum := 0.0
	for i := range values {
		values[i] = median * math.Exp(sigma*rnd.NormFloat64())
		if rnd.Float64() < .004 {
			values[i] *= 3 + 4*rnd.Float64()
		}
		sum += values[i]
	}
	slices.Sort(values)
	at := func(p float64) float64 { return values[int(p*float64(n-1))] }
	m, _ := Describe(name)
	d := Distribution{Unit: m.Unit, Count: int64(n), Min: values[0], Max: values[n-1], Mean: sum / float64(n),
		P05: at(.05), P50: at(.5), P90: at(.9), P95: at(.95), P99: at(.99), P999: at(.999)}
	i := 0
	for le := values[0] * 1.09; i < n; le *= 1.09 {
		b := Bucket{LE: le}
		for i < n && values[i] <= le {
			b.N++
			i++
		}
		if b.N > 0 || len(d.Buckets) > 0 {
			d.Buckets = append(d.Buckets, b)
		}
	}
	return d
}

// trouble is how bad a moment is, 0 to 1.
func trouble(part float64) float64 { return math.Exp(-math.Pow((part-.66)/.05, 2)) }

func timelineOf(rnd *rand.Rand, people, seconds int) Timeline {
	t := Timeline{Start: time.Date(2026, 11, 21, 14, 39, 50, 0, time.UTC), StepSeconds: 1, Series: map[string]Series{}}
	n, ramp := float64(people), max(float64(seconds)/8, 1)
	add := func(name string, v float64) { t.Series[name] = append(t.Series[name], v) }
	for i := range seconds {
		here := math.Round(n * min(float64(i+1)/ramp, 1))
		part, talk := float64(i)/float64(seconds), 1+.12*math.Sin(float64(i)/7)+.05*rnd.NormFloat64()
		bad := trouble(part)
		out := here * 132 * talk * (.3 + .7*here/n)
		add(SeriesParticipants, here)
		add(SeriesPacketsOut, out)
		add(SeriesPacketsIn, here*38*talk)
		add(SeriesServerCPU, .03+out*21e-6*(1+.06*rnd.NormFloat64()))
		add(SeriesGeneratorCPU, .02+out*19e-6*(1+.05*rnd.NormFloat64()))
		if i < 3 {
			add(SeriesAudibleShare, math.NaN())
			add(SeriesLatency, math.NaN())
			add(SeriesLatencyP99, math.NaN())
			continue
		}
		add(SeriesAudibleShare, min(.996-.05*bad+.002*rnd.NormFloat64(), 1))
		add(SeriesLatency, 30+14*bad+2*rnd.NormFloat64())
		add(SeriesLatencyP99, 84+240*bad+9*math.Abs(rnd.NormFloat64()))
	}
	return t
}

func listenersOf(rnd *rand.Rand, people, seconds int) (all []Listener) {
	for i := range people {
		l := Listener{ID: fmt.Sprintf("bot-%d", i), Group: "fountain", Metrics: Metrics{}, Timeline: map[string]Series{}}
		weight := .15
		if i%3 == 1 {
			l.Group = "stage"
		}
		if i%3 == 2 {
			l.Group, weight = "arcade, by 4G", 1
		}
		weight *= rnd.Float64()
		heard, late := make(Series, seconds), make(Series, seconds)
		for s := range seconds {
			bad := trouble(float64(s)/float64(seconds)+.03*rnd.NormFloat64()) * weight
			heard[s] = min(max(1-.9*bad-.004*math.Abs(rnd.NormFloat64()), 0), 1)
			late[s] = (26 + 10*weight) * math.Exp(2.4*bad+.12*rnd.NormFloat64())
			if rnd.Float64() < .02 || i%17 == 3 && s > seconds/3 && s < seconds/2 {
				heard[s], late[s] = math.NaN(), math.NaN()
			}
		}
		l.Timeline[SeriesAudibleShare], l.Timeline[SeriesLatency] = heard, late
		all = append(all, l)
	}
	return all
}
