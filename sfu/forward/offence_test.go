package forward

import (
	"testing"
	"time"
)

// A second of excess is a strike, one without takes a strike away, and ten end it.
func TestStrikes(t *testing.T) {
	over := strikeAt[OffenceRepairs]
	for _, c := range []struct {
		name    string
		seconds func(n int) uint32 // refused in second n
		want    int                // the second that ends it, -1 for none within a minute
	}{
		{"without end", func(int) uint32 { return over }, StrikeLimit - 1},
		{"a little too much", func(int) uint32 { return over - 1 }, -1},
		{"nine seconds of fifteen", func(n int) uint32 { return over * bit(n%15 < 9) }, 15 + 6}, // 9 strikes, 3 after six seconds of rest, 10 in the seventh of the next,
		{"every other second", func(n int) uint32 { return over * bit(n%2 == 0) }, -1},
		{"some refused after each", func(n int) uint32 { return 1 + over*bit(n%2 == 0) }, 2*StrikeLimit - 2},
	} {
		var s Strikes
		got := -1
		for n := range 60 {
			refused := [Offences]uint32{OffenceRepairs: c.seconds(n), OffencePackets: 1}
			if o, enough := s.Second(&refused); enough {
				if got = n; o != OffenceRepairs {
					t.Errorf("%s: ended for %v", c.name, o)
				}
				break
			}
		}
		if got != c.want {
			t.Errorf("%s: ended in second %d, want %d", c.name, got, c.want)
		}
	}
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// Every offence has a name, words and a number of strikes.
func TestOffences(t *testing.T) {
	seen := map[string]bool{}
	for o := range Offences {
		if o.String() == "" || o.Words() == "" || strikeAt[o] == 0 || seen[o.String()] {
			t.Errorf("offence %d: %q, %q, %d strikes", o, o, o.Words(), strikeAt[o])
		}
		seen[o.String()] = true
	}
}

// However much is asked for, no more is sent again than was sent, and a little.
func TestRepairsAreBounded(t *testing.T) {
	for _, rate := range []float64{0, 30_000, 2_500_000 / 8} { // bytes a second of new packets
		q, now := NewQuota(), epoch
		sent, repaired := 0.0, 0.0
		for second := range 60 {
			again := 0.0
			for range 1000 {
				now = now.Add(time.Millisecond)
				for range 10 {
					if q.Repair(now) {
						again += repairSize
					}
				}
			}
			sent, repaired = sent+rate, repaired+again
			q.Sent(rate+again, time.Second, now)
			if most := repairBurst + float64(second+1)*repairLeast + sent; repaired > most {
				t.Fatalf("at %v B/s new, %v B were sent again in %d s, want at most %v", rate, repaired, second+1, most)
			}
		}
		if rate > 4*repairLeast && repaired < 0.5*sent {
			t.Errorf("at %v B/s new, only %v B of %v could be repaired", rate, repaired, sent)
		}
	}
}

func TestRefit(t *testing.T) {
	b := NewBurst(100, 100)
	b.TakeN(100, epoch)
	b.Refit(1000, 500, epoch)
	if b.TakeN(1, epoch) || !b.TakeN(400, epoch.Add(400*time.Millisecond)) {
		t.Error("a new rate fills at once, or not at its pace")
	}
	b.Refit(1, 10, epoch.Add(time.Hour))
	if b.TakeN(11, epoch.Add(2*time.Hour)) || !b.TakeN(10, epoch.Add(2*time.Hour)) {
		t.Error("a smaller burst does not hold")
	}
}

func TestTiny(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Packet
		want bool
	}{
		{"a scrap", Packet{Payload: make([]byte, 10)}, true},
		{"the rest of a frame", Packet{Payload: make([]byte, 10), Marker: true}, false},
		{"padding", Packet{Padding: 224}, false},
		{"a packet", Packet{Payload: make([]byte, 1000)}, false},
	} {
		if got := c.p.Tiny(); got != c.want {
			t.Errorf("%s: Tiny() = %v", c.name, got)
		}
	}
}
