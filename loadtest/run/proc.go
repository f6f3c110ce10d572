package run

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of CPU times in /proc on every Linux there is
// (USER_HZ, proc(5)).
const ticksPerSecond = 100

// usage is what a process has used up to a moment.
type usage struct {
	at      time.Time
	cpu     time.Duration // user and system, ended threads included
	rss     int64         // bytes
	threads int
}

// readUsage returns the usage of process pid, from /proc.
func readUsage(pid int, now time.Time) (usage, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	u, err := parseStat(data)
	if err != nil {
		return usage{}, err
	}
	u.at = now
	return u, nil
}

// parseStat reads /proc/PID/stat (proc_pid_stat(5)). The name of the program
// is in brackets and may hold anything, so what follows the last bracket counts.
func parseStat(data []byte) (usage, error) {
	i := bytes.LastIndexByte(data, ')')
	fields := strings.Fields(string(data[i+1:]))
	// Field 3, the state, is fields[0]: utime is 14, stime 15, threads 20, rss 24.
	if i < 0 || len(fields) < 22 {
		return usage{}, errors.New("run: /proc/PID/stat is not as proc(5) has it")
	}
	var n [4]int64
	for k, field := range []int{14, 15, 20, 24} {
		v, err := strconv.ParseInt(fields[field-3], 10, 64)
		if err != nil {
			return usage{}, fmt.Errorf("run: /proc/PID/stat, field %d: %w", field, err)
		}
		n[k] = v
	}
	return usage{
		cpu: time.Duration(n[0]+n[1]) * time.Second / ticksPerSecond,
		rss: n[3] * int64(os.Getpagesize()), threads: int(n[2]),
	}, nil
}

// serverPID returns the process that listens at the address of base, where
// that is on this machine, and 0 where it is not or cannot be seen.
func serverPID(base string) int {
	u, err := url.Parse(base)
	if err != nil || !local(u.Hostname()) {
		return 0
	}
	port, err := strconv.ParseUint(portOf(u), 10, 16)
	if err != nil {
		return 0
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for _, inode := range listening(data, uint16(port)) {
			if pid := ownerOf(inode); pid != 0 {
				return pid
			}
		}
	}
	return 0
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// local reports whether host is this machine.
func local(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if ip.IsLoopback() {
		return true
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip.AsSlice()) {
			return true
		}
	}
	return false
}

// listening returns the inodes of the sockets that listen on port, from a
// table like /proc/net/tcp.
func listening(table []byte, port uint16) (inodes []string) {
	const listen = "0A"
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != listen {
			continue
		}
		_, hex, ok := strings.Cut(f[1], ":")
		p, err := strconv.ParseUint(hex, 16, 16)
		if ok && err == nil && uint16(p) == port {
			inodes = append(inodes, f[9])
		}
	}
	return inodes
}

// ownerOf returns a process that has the socket open, 0 where none is seen.
func ownerOf(inode string) int {
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0
	}
	want := "socket:[" + inode + "]"
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && to == want {
			pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
			return pid
		}
	}
	return 0
}
