package report

import "time"

// Version is of the JSON that Write makes. It goes up when an older reader
// would misunderstand a file; fields that it may ignore do not count.
const Version = 1

// Format marks a file as ours.
const Format = "earshot-loadtest-result"

// Result is one run of one scenario. In its plain numbers 0 stands for "not
// measured" where 0 cannot be meant; in Metrics what was not measured is
// absent, and in a Series it is NaN.
type Result struct {
	Format  string `json:"format"`  // set by Write
	Version int    `json:"version"` // set by Write

	Scenario string            `json:"scenario"`
	Title    string            `json:"title,omitempty"` // in words: "200 people wander over a plaza"
	Command  string            `json:"command,omitempty"`
	Seed     uint64            `json:"seed"`
	Settings map[string]string `json:"settings,omitempty"` // what -set and flags changed, and what else is needed to repeat the run

	Started      time.Time `json:"started"`
	Seconds      float64   `json:"seconds"` // measured, without warm-up
	Participants int       `json:"participants"`
	Target       Target    `json:"target"`
	Machine      Machine   `json:"machine"`

	Metrics       Metrics                 `json:"metrics"`
	Distributions map[string]Distribution `json:"distributions,omitempty"` // by metric without suffix: "voice.latency_ms"
	Timeline      Timeline                `json:"timeline"`
	Listeners     []Listener              `json:"listeners,omitempty"`
	Offenders     []Offender              `json:"offenders,omitempty"` // worst first
	Generator     Generator               `json:"generator"`
	Server        *Server                 `json:"server,omitempty"` // nil: nothing is known of the server's process
	Capacity      *Capacity               `json:"capacity,omitempty"`
	Verdicts      []Verdict               `json:"verdicts,omitempty"`
	Errors        []string                `json:"errors,omitempty"`
	Notes         []string                `json:"notes,omitempty"`
}

// Target is what was tested.
type Target struct {
	Kind    string `json:"kind"` // "earshot", "earshot-livekit", "livekit", "janus"
	URL     string `json:"url,omitempty"`
	Version string `json:"version,omitempty"`
}

// Machine is where the generator ran, and the server too when it was local.
type Machine struct {
	CPU       string `json:"cpu,omitempty"`
	Cores     int    `json:"cores,omitempty"`
	Kernel    string `json:"kernel,omitempty"`
	Go        string `json:"go,omitempty"`
	Generator int    `json:"generator,omitempty"` // cores the generator may use
}

// Metrics are figures by name; Catalogue lists the names. A figure that was
// not measured is absent; NaN and infinities are not written.
type Metrics map[string]float64

// AddDistribution puts a distribution's percentiles under name.p50 and so on,
// those that Catalogue knows for this name. An empty distribution adds nothing.
func (m Metrics) AddDistribution(name string, d Distribution) {
	if d.Count == 0 {
		return
	}
	metric, ok := Describe(name)
	if !ok {
		return
	}
	for _, suffix := range metric.Suffixes {
		if v, ok := d.at(suffix); ok {
			m[name+"."+suffix] = v
		}
	}
}

// Distribution is how often which value came. Buckets are in order of LE, the
// largest value a bucket counts; the first begins at Min. N counts this bucket
// only.
type Distribution struct {
	Unit    string   `json:"unit"` // as in Catalogue
	Count   int64    `json:"count"`
	Min     float64  `json:"min"`
	Max     float64  `json:"max"`
	Mean    float64  `json:"mean"`
	P05     float64  `json:"p05"`
	P50     float64  `json:"p50"`
	P90     float64  `json:"p90"`
	P95     float64  `json:"p95"`
	P99     float64  `json:"p99"`
	P999    float64  `json:"p999"`
	Buckets []Bucket `json:"buckets,omitempty"`
}

// Bucket counts the values above the bucket before it, up to and including LE.
type Bucket struct {
	LE float64 `json:"le"`
	N  int64   `json:"n"`
}

func (d Distribution) at(suffix string) (float64, bool) {
	switch suffix {
	case "min":
		return d.Min, true
	case "max":
		return d.Max, true
	case "mean":
		return d.Mean, true
	case "p05":
		return d.P05, true
	case "p50":
		return d.P50, true
	case "p90":
		return d.P90, true
	case "p95":
		return d.P95, true
	case "p99":
		return d.P99, true
	case "p999":
		return d.P999, true
	}
	return 0, false
}

// The series that the page draws. Others may be in a Timeline; they are kept.
const (
	SeriesParticipants = "participants"        // connected
	SeriesPacketsOut   = "packets_out_per_s"   // media packets the server sent
	SeriesPacketsIn    = "packets_in_per_s"    // media packets the server got
	SeriesServerCPU    = "server_cpu_share"    // 1 is one core
	SeriesGeneratorCPU = "generator_cpu_share" // 1 is all the cores it may use
	SeriesAudibleShare = "audible_share"       // as voice.audible_share, of this step
	SeriesLatency      = "latency_ms"          // median mouth to ear, of this step
	SeriesLatencyP99   = "latency_p99_ms"      // of this step
)

// Series is one value for each step; NaN (null in JSON) where there is none.
type Series []float64

// Timeline is how the run went. Value i of a series is of the step that begins
// i*StepSeconds after Start; warm-up and cool-down may be included.
type Timeline struct {
	Start       time.Time         `json:"start"`
	StepSeconds float64           `json:"step_seconds"`
	Series      map[string]Series `json:"series,omitempty"`
}

// Listener is one bot's side of it. Its series "audible_share" and
// "latency_ms" make the heat map; each spreads over the measured Seconds.
type Listener struct {
	ID       string            `json:"id"`
	Group    string            `json:"group,omitempty"`
	Metrics  Metrics           `json:"metrics,omitempty"`
	Timeline map[string]Series `json:"timeline,omitempty"`
}

// Offender is one of the worst cases, for a person to look into.
type Offender struct {
	Who    string  `json:"who"`
	Metric string  `json:"metric"`
	Value  float64 `json:"value"`
	What   string  `json:"what,omitempty"` // in words, what happened
}

// Generator says whether the load tester itself kept up. Limited means that
// the figures show the generator's limit, and Why how that was seen.
type Generator struct {
	CPUShare         float64 `json:"cpu_share"` // of the cores it may use, 0 to 1
	CoresUsed        float64 `json:"cores_used"`
	SchedP50ms       float64 `json:"sched_p50_ms"` // how late its own timers were
	SchedP99ms       float64 `json:"sched_p99_ms"`
	Limited          bool    `json:"limited"`
	Why              string  `json:"why,omitempty"`
	BytesPerBot      float64 `json:"bytes_per_bot"`
	CPUPerBotPercent float64 `json:"cpu_per_bot_percent"` // of one core
}

// Server is what its process used, from Source: "proc" for /proc on the same
// machine, "metrics" for the server's own figures.
type Server struct {
	CPUShare            float64 `json:"cpu_share"` // 1 is one core
	CPUSeconds          float64 `json:"cpu_seconds"`
	RSSBytes            float64 `json:"rss_bytes"`
	RSSPerParticipant   float64 `json:"rss_per_participant"`
	Syscalls            float64 `json:"syscalls"`
	PacketsOut          float64 `json:"packets_out"`
	PacketsIn           float64 `json:"packets_in"`
	PacketsPerCPUSecond float64 `json:"packets_per_cpu_second"`
	BytesOut            float64 `json:"bytes_out"`
	Threads             int     `json:"threads"`
	Source              string  `json:"source,omitempty"`
}

// Capacity is a run at growing load. Knee is the largest number of
// participants that met every target, 0 if none did. LimitedBy is "server",
// "generator" or "none" (the ladder ended first). The Result around it holds the
// figures at the knee, or at the first step if there is none.
type Capacity struct {
	Steps     []Step `json:"steps"`
	Knee      int    `json:"knee"`
	LimitedBy string `json:"limited_by"`
	Why       string `json:"why,omitempty"`
}

// Step is one load of a capacity run. Broken are the rules that it missed.
type Step struct {
	Participants int      `json:"participants"`
	Metrics      Metrics  `json:"metrics"`
	Passed       bool     `json:"passed"`
	Broken       []string `json:"broken,omitempty"`
}

// Verdict is what became of one rule. Value means nothing unless Measured.
type Verdict struct {
	Rule     string  `json:"rule"` // "voice.latency_ms.p99 <= 150"
	Value    float64 `json:"value"`
	Measured bool    `json:"measured"`
	Passed   bool    `json:"passed"`
}
