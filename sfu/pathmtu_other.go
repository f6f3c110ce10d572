//go:build !linux

package sfu

import "net"

// ignorePathMTU does nothing here.
func ignorePathMTU(*net.UDPConn) {}
