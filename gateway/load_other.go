//go:build !unix

package gateway

import "time"

// cpuTime is not known here: such a node says that it is idle.
func cpuTime() time.Duration { return 0 }
