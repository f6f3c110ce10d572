//go:build !libopus

package opus

// native is pure Go unless the build is told otherwise.
func native() codec { return pureGo{} }
