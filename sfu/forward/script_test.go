package forward

import (
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// epoch is where the time of scripts begins.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// ms reads an argument in milliseconds; 0 where it is missing.
func ms(t *testing.T, d *datadriven.TestData, key string) time.Duration {
	return time.Duration(number(t, d, key, 0)) * time.Millisecond
}

func number(t *testing.T, d *datadriven.TestData, key string, otherwise int) int {
	if !d.HasArg(key) {
		return otherwise
	}
	d.ScanArgs(t, key, &otherwise)
	return otherwise
}
