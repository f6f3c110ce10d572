package run

import (
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestParseStatReadsWhatFollowsTheName(t *testing.T) {
	const stat = "4711 (a) b (c) S 1 4711 4711 0 -1 4194560 1 2 3 4 250 50 9 9 20 0 17 0 100 1000 256 18446744073709551615 1 1"
	u, err := parseStat([]byte(stat))
	if err != nil || u.cpu != 3*time.Second || u.threads != 17 || u.rss != 256*int64(os.Getpagesize()) {
		t.Errorf("parseStat = %+v, %v; want 3 s, 17 threads, 256 pages", u, err)
	}
	for _, bad := range []string{"", "4711 (x", "4711 (x) S 1 2 3", strings.ReplaceAll(stat, "250", "much")} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("parseStat(%q) is no error", bad)
		}
	}
}

func TestListeningFindsTheInodesOfAPort(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 48321 1 x 100 0 0 10 0
   1: 0100007F:1F90 0100007F:A2B4 01 00000000:00000000 00:00000000 00000000     0        0 48322 1 x 20 4 30 10 -1
   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 48323 1 x 100 0 0 10 0
`
	if got := listening([]byte(table), 8080); len(got) != 1 || got[0] != "48321" {
		t.Errorf("listening = %v, want [48321]", got)
	}
}

func TestServerPIDIsOfTheListener(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if pid := serverPID("http://" + listener.Addr().String()); pid != os.Getpid() {
		t.Errorf("serverPID = %d, want %d", pid, os.Getpid())
	}
	if pid := serverPID("http://192.0.2.77:80"); pid != 0 {
		t.Errorf("serverPID of another machine = %d, want 0", pid)
	}
	if u, err := readUsage(os.Getpid(), time.Now()); err != nil || u.rss <= 0 || u.threads < 1 {
		t.Errorf("readUsage = %+v, %v", u, err)
	}
}

func TestMetricsAreSummedOverLabels(t *testing.T) {
	m, err := parseMetrics(strings.NewReader(`# HELP earshot_x what
# TYPE earshot_x counter
earshot_x{result="taken"} 3
earshot_x{result="a } b"} 4 1700000000
earshot_y 1.5e+06
broken{
`))
	if err != nil || m["earshot_x"] != 7 || m["earshot_y"] != 1.5e6 || len(m) != 2 {
		t.Errorf("parseMetrics = %v, %v; want x 7, y 1.5e6", m, err)
	}
}

func TestHealthSaysWhenTheGeneratorIsTheLimit(t *testing.T) {
	for _, c := range []struct {
		v    vitals
		want string
		note string
	}{
		{vitals{share: .5, p99: 2}, "", ""},
		{vitals{share: .93, p99: 2}, "2 cores", ""},
		{vitals{share: .5, p99: 9}, "", "9 ms"},
		{vitals{share: .5, sched99: 12}, "", "12 ms"},
		{vitals{share: .5, p99: 31}, "31.0 ms", ""},
		{vitals{share: .5, p99: 9, sched99: 29}, "29.0 ms", ""},
	} {
		c.v.judge(2)
		if c.v.limited != (c.want != "") || !strings.Contains(c.v.why, c.want) {
			t.Errorf("share %v, p99 %v: limited %v, %q; want %q", c.v.share, c.v.p99, c.v.limited, c.v.why, c.want)
		}
		if (c.v.note != "") != (c.note != "") || !strings.Contains(c.v.note, c.note) {
			t.Errorf("share %v, p99 %v: note %q; want %q", c.v.share, c.v.p99, c.v.note, c.note)
		}
	}
}
