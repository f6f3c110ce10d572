package run

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// The counters of a server's metrics that a run looks at.
const (
	metricPacketsOut = "earshot_sfu_packets_out_total"
	metricPacketsIn  = "earshot_sfu_packets_in_total"
	metricBytesOut   = "earshot_sfu_bytes_out_total"
	metricPosesOut   = "earshot_pose_datagrams_sent_total"
	metricPosesIn    = "earshot_pose_datagrams_received_total"
	metricCPU        = "process_cpu_seconds_total"
	metricRSS        = "process_resident_memory_bytes"
	metricBuild      = "earshot_build_info"
)

// watch samples what the server uses: of its process where that runs on this
// machine, else of its metrics, else not at all.
type watch struct {
	pid     int    // 0: not on this machine, or not to be seen
	admin   string // URL of its admin listener; "" where none answers
	client  *http.Client
	version string // of the server, "" where it does not say

	// mu guards what follows.
	mu          sync.Mutex
	first, last reading
	begun       bool
	instant     float64 // cores used between the last two readings
	packets     float64 // packets out a second between the last two readings
}

// reading is one look at the server.
type reading struct {
	at      time.Time
	cpu     float64 // s
	rss     float64 // bytes
	threads int
	metrics map[string]float64 // nil where the admin listener does not answer
	ok      bool               // cpu and rss hold
}

// newWatch looks for the server's process and admin listener. pid and admin
// given win; admin "off" looks for none.
func newWatch(ctx context.Context, base, admin string, pid int, client *http.Client) *watch {
	w := &watch{pid: pid, client: client}
	if w.pid == 0 {
		w.pid = serverPID(base)
	}
	if admin == "" {
		admin = "http://localhost:8081" // the default of earshot serve
		if w.pid == 0 {
			return w // a server elsewhere has its admin listener elsewhere
		}
		// The default address may be another server's.
		if other := serverPID(admin); other != w.pid {
			return w
		}
	}
	if admin == "off" {
		return w
	}
	err := retrieve(ctx, client, admin+"/metrics", func(r io.Reader) error {
		w.version = versionIn(r)
		return nil
	})
	if err == nil {
		w.admin = admin
	}
	return w
}

// source says where the figures come from: "proc", "metrics", "proc+metrics" or "".
func (w *watch) source() string {
	switch {
	case w.pid != 0 && w.admin != "":
		return "proc+metrics"
	case w.pid != 0:
		return "proc"
	case w.admin != "":
		return "metrics"
	}
	return ""
}

// read takes a reading.
func (w *watch) read(ctx context.Context) reading {
	r := reading{at: time.Now()}
	if w.admin != "" {
		if m, err := scrape(ctx, w.client, w.admin+"/metrics"); err == nil {
			r.metrics = m
			r.cpu, r.rss = m[metricCPU], m[metricRSS]
			_, r.ok = m[metricCPU]
		}
	}
	if w.pid != 0 {
		if u, err := readUsage(w.pid, r.at); err == nil {
			r.cpu, r.rss, r.threads, r.ok = u.cpu.Seconds(), float64(u.rss), u.threads, true
		}
	}
	return r
}

// sample takes a reading into the window, the first after reset as its begin.
func (w *watch) sample(ctx context.Context) {
	if w.pid == 0 && w.admin == "" {
		return
	}
	r := w.read(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !r.ok {
		return
	}
	if w.last.ok && r.at.After(w.last.at) {
		d := r.at.Sub(w.last.at).Seconds()
		w.instant = (r.cpu - w.last.cpu) / d
		if r.metrics != nil && w.last.metrics != nil {
			w.packets = (r.out() - w.last.out()) / d
		}
	}
	w.last = r
	if !w.begun {
		w.first, w.begun = r, true
	}
}

// out is how many datagrams the server has sent, as its metrics count: RTP and
// poses.
func (r *reading) out() float64 { return r.metrics[metricPacketsOut] + r.metrics[metricPosesOut] }

func (r *reading) in() float64 { return r.metrics[metricPacketsIn] + r.metrics[metricPosesIn] }

// reset begins a window with the next sample.
func (w *watch) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = false
}

// now returns the cores in use and packets a second between the last two
// samples; known is false without a server to look at.
func (w *watch) now() (cores, packets float64, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.instant, w.packets, w.last.ok
}

// window returns the readings at the ends of the window.
func (w *watch) window() (first, last reading, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.first, w.last, w.begun && w.last.at.After(w.first.at)
}

// rss is the newest memory, 0 where it is not known.
func (w *watch) rss() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last.rss
}
