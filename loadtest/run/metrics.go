package run

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxMetrics bounds what is read of a server's metrics, in bytes.
const maxMetrics = 4 << 20

// scrape reads the metrics at address, in Prometheus' text format. Samples of
// one name are summed over their labels; those of metricMixDelay are there by their
// labels, too.
func scrape(ctx context.Context, client *http.Client, address string) (sums map[string]float64, err error) {
	err = retrieve(ctx, client, address, func(r io.Reader) error {
		sums, err = parseMetrics(r)
		return err
	})
	return sums, err
}

// retrieve has read read what address answers.
func retrieve(ctx context.Context, client *http.Client, address string, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("run: %s answers %s", address, res.Status)
	}
	return read(io.LimitReader(res.Body, maxMetrics))
}

// versionIn finds the version of the server in its metrics: "" where they do
// not say it.
func versionIn(r io.Reader) string {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), 1<<20)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), metricBuild+"{"); ok {
			if _, value, ok := strings.Cut(rest, `version="`); ok {
				version, _, _ := strings.Cut(value, `"`)
				return version[:min(len(version), maxVersion)]
			}
		}
	}
	return ""
}

// maxVersion is how much of a version is kept, in bytes.
const maxVersion = 64

// parseMetrics reads Prometheus' text format: NAME{LABELS} VALUE [TIME] a line.
func parseMetrics(r io.Reader) (map[string]float64, error) {
	sums := map[string]float64{}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest, labels := line, "", ""
		if i := strings.IndexAny(line, "{ \t"); i >= 0 {
			name, rest = line[:i], line[i:]
		}
		if i := strings.LastIndexByte(rest, '}'); i >= 0 {
			labels, rest = rest[:i+1], rest[i+1:]
		}
		fields := strings.Fields(rest)
		if name == "" || len(fields) == 0 {
			continue
		}
		if v, err := strconv.ParseFloat(fields[0], 64); err == nil {
			sums[name] += v
			if name == metricMixDelay {
				sums[name+labels] += v
			}
		}
	}
	return sums, lines.Err()
}
