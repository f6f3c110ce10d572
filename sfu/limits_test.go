package sfu

import (
	"testing"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/transport/v4/packetio"
)

func testLimits(t testing.TB, lines int) *limits {
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	return newLimits(m, lines)
}

// What is within the limits costs no allocation, nor does what is refused.
func TestLimitsDoNotAllocate(t *testing.T) {
	l := testLimits(t, 4)
	stream := l.buffer(packetio.RTPBufferPacket, 1)
	packet, read := testPacket(t, make([]byte, 80)), make([]byte, 1500)
	pass := func() {
		if _, err := stream.Write(packet); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.(*intake).Read(read); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(1000, pass); n != 0 {
		t.Errorf("%v allocations for a packet, want 0", n)
	}
	now := time.Now()
	if n := testing.AllocsPerRun(1000, func() { l.take(forward.OffenceKeyFrames, 1, now) }); n != 0 {
		t.Errorf("%v allocations for what is refused, want 0", n)
	}
}

// However many SSRCs a client invents, only so many get a buffer; the streams
// of the others wait for their end without one.
func TestStreamsAreBounded(t *testing.T) {
	l := testLimits(t, 4)
	kept := 0
	for ssrc := range uint32(1000) {
		stream := l.buffer(packetio.RTPBufferPacket, ssrc)
		if _, ok := stream.(*intake); ok {
			kept++
			continue
		}
		if n, err := stream.Write(make([]byte, 1000)); n != 1000 || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
		done := make(chan error)
		go func() { _, err := stream.Read(make([]byte, 10)); done <- err }()
		for range 2 {
			if err := stream.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-done; err == nil {
			t.Fatal("Read of a closed stream succeeded")
		}
	}
	if kept != mostSources {
		t.Errorf("%d streams keep packets, want %d", kept, mostSources)
	}
	select {
	case o := <-l.expel:
		if o != forward.OffenceSources {
			t.Errorf("to be removed for %v", o)
		}
	default:
		t.Error("a thousand SSRCs are no reason to go")
	}
	if n, err := l.buffer(packetio.RTPBufferPacket, 7).Write(make([]byte, 100)); n != 100 || err != nil {
		t.Errorf("after the end: %d, %v", n, err)
	}
}

// What a session that has to go sends is dropped at once.
func TestNothingIsTakenAfterTheEnd(t *testing.T) {
	l := testLimits(t, 4)
	stream := l.buffer(packetio.RTPBufferPacket, 1).(*intake)
	l.end(forward.OffencePackets)
	l.end(forward.OffencePoses)
	if o := <-l.expel; o != forward.OffencePackets {
		t.Errorf("the reason is %v, want the first", o)
	}
	if _, err := stream.Write(testPacket(t, []byte("late"))); err != nil || stream.count() != 0 {
		t.Errorf("%d packets wait, error %v, want none", stream.count(), err)
	}
}
