package peer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of CPU times in /proc on every Linux there is
// (USER_HZ, proc(5)).
const ticksPerSecond = 100

// usage is what a process used so far.
type usage struct {
	cpu     time.Duration // user and system
	rss     int64         // bytes
	threads int
}

func usageOf(pid int) (usage, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	return parseUsage(data)
}

// parseUsage reads /proc/PID/stat (proc_pid_stat(5)). The program's name is in
// brackets and may hold anything.
func parseUsage(data []byte) (usage, error) {
	i := bytes.LastIndexByte(data, ')')
	rest := strings.Fields(string(data[i+1:]))
	if i < 0 || len(rest) < 22 {
		return usage{}, errors.New("peer: /proc/PID/stat is not as proc(5) has it")
	}
	var n [4]int64
	for k, field := range []int{14, 15, 20, 24} { // utime, stime, num_threads, rss
		v, err := strconv.ParseInt(rest[field-3], 10, 64)
		if err != nil {
			return usage{}, fmt.Errorf("peer: /proc/PID/stat, field %d: %w", field, err)
		}
		n[k] = v
	}
	return usage{
		cpu: time.Duration(n[0]+n[1]) * time.Second / ticksPerSecond, threads: int(n[2]),
		rss: n[3] * int64(os.Getpagesize()),
	}, nil
}
