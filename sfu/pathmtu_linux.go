package sfu

import (
	"net"

	"golang.org/x/sys/unix"
)

// ignorePathMTU makes the socket ignore what ICMP says of the path to a client.
// Media packets are below every MTU that WebRTC works with, and whoever forges
// "fragmentation needed" could else have the packets to somebody refused or
// torn into small ones. Where the system does not know the option, it is as
// before.
func ignorePathMTU(socket *net.UDPConn) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_INTERFACE)
	})
}
