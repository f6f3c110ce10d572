//go:build libopus && !cgo

package opus

// The tag libopus needs a C compiler: build with CGO_ENABLED=1.
func native() codec { return libopusNeedsCGO }
