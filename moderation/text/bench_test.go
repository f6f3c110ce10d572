//go:build linux

package text

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dataEnv names the folder with the corpora, which are not in the repository.
const dataEnv = "EARSHOT_MODERATION_DATA"

// benchTexts returns lines of chat, from the corpora where they are.
func benchTexts(b *testing.B, file, column string) []string {
	folder := os.Getenv(dataEnv)
	if folder == "" {
		b.Skipf("no corpora: set %s to the folder that holds %s", dataEnv, file)
	}
	f, err := os.Open(filepath.Join(folder, file))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		b.Fatal(err)
	}
	at := slices.Index(rows[0], column)
	var out []string
	for _, row := range rows[1:] {
		out = append(out, row[at])
	}
	return out
}

// BenchmarkScore reports, besides the mean, the median and the 99th percentile
// of single messages, and messages per second of processor time: the machine
// may be busy with something else.
func BenchmarkScore(b *testing.B) {
	for _, c := range []struct{ name, file, column string }{
		{"davidson", "davidson.csv", "tweet"}, {"surge", "surge.csv", "text"},
		{"hatemojibuild", "hatemojibuild.csv", "text"}, {"hatecheck", "hatecheck.csv", "test_case"},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkTexts(b, benchTexts(b, c.file, c.column)) })
	}
	b.Run("short", func(b *testing.B) { benchmarkTexts(b, []string{"hello there, can you hear me?"}) })
	for name, unit := range map[string]string{
		"chat": "you f.u.c.k.i.n.g idiot, kys ", "zero-width": "a\u200b", "storm": "a\u0301\u0302", "term": "motherfuck", "letters": "a b c ",
		"emoji": "👏🔥", "kinds": "not all they must die ", "ideographs": "漢字", "stars": "f*", "cyrillic": "бад ",
	} {
		b.Run("4KiB-"+name, func(b *testing.B) { benchmarkTexts(b, []string{strings.Repeat(unit, MaxBytes/len(unit))}) })
	}
}

func benchmarkTexts(b *testing.B, texts []string) {
	m := Default()
	var s Scratch
	took := make([]time.Duration, 0, len(texts))
	for range max(1, 2000/len(texts)) {
		for _, t := range texts {
			start := time.Now()
			m.Score(t, &s)
			took = append(took, time.Since(start))
		}
	}
	slices.Sort(took)
	b.ReportAllocs()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ResetTimer()
	before := threadTime(b)
	for i := range b.N {
		m.Score(texts[i%len(texts)], &s)
	}
	b.ReportMetric(float64(took[len(took)/2])/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100])/1e3, "p99-µs")
	b.ReportMetric(float64(b.N)/(threadTime(b)-before).Seconds(), "msg/cpu-s")
}

// threadTime is the processor time that this thread has used.
func threadTime(b *testing.B) time.Duration {
	const thread = 1 // RUSAGE_THREAD of Linux
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		b.Skipf("no processor time of a thread here: %v", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
