package peer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"earshot/loadtest/report"
)

// machine is where everything ran; the generator had so many cores.
func machine(generator int) report.Machine {
	m := report.ThisMachine()
	m.Generator = generator
	return m
}

// ownAddress returns an IPv4 address of this machine other than loopback.
func ownAddress() (net.IP, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.To4(), nil
		}
	}
	return nil, errors.New("peer: this machine has no IPv4 address besides 127.0.0.1, over which Janus's ICE does not work: give it one, or leave Janus out with -janus off")
}

func newSecret() string {
	b := make([]byte, 24)
	rand.Read(b) // does not fail
	return hex.EncodeToString(b)
}

var dotted = regexp.MustCompile(`\d+\.\d+(\.\d+)?[-+.\w]*`)

// versionOf runs a program that prints its version among other things.
func versionOf(ctx context.Context, binary string, args ...string) (string, error) {
	text, err := printed(ctx, binary, args...)
	if v := dotted.FindString(text); v != "" {
		return v, nil
	}
	if err == nil {
		err = fmt.Errorf("%s prints no version but %.100q", binary, text)
	}
	return "", err
}

// printed returns the first line that a program prints.
func printed(ctx context.Context, binary string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, args...).CombinedOutput()
	text, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		return text, fmt.Errorf("%s %s: %w", binary, strings.Join(args, " "), err)
	}
	return text, nil
}
