package gateway

import (
	"bufio"
	"context"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot/moderation/journal"
)

const (
	liveEvery = 250 * time.Millisecond // how often the journal is looked at
	heartbeat = 10 * time.Second       // so that proxies and pages know it lives
	maxLive   = 100                    // incidents told of at once
)

// getLive tells a console of what happens, as it happens.
func (g *Gateway) getLive(c *fiber.Ctx, m *moderator) error {
	c.Set(fiber.HeaderContentType, "text/event-stream")
	live := &liveFeed{g: g, world: m.world, seen: map[string]string{}}
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) { live.run(w) })
	return nil
}

// liveFeed is what one console has been told.
type liveFeed struct {
	g     *Gateway
	world string
	head  journal.Head
	seen  map[string]string // state by incident
}

func (f *liveFeed) run(w *bufio.Writer) {
	ticker := time.NewTicker(liveEvery)
	defer ticker.Stop()
	beat := time.Now()
	for first := true; f.g.ready.Load(); first = false {
		// The first word goes out at once: the headers travel with it.
		if head := f.g.deps.Moderation.Journal.Head(); first || head != f.head {
			f.head = head
			if !f.tell(w) {
				return
			}
		}
		if time.Since(beat) >= heartbeat {
			beat = time.Now()
			_, _ = w.WriteString(": still here\n\n")
			if w.Flush() != nil {
				return
			}
		}
		<-ticker.C
	}
}

// tell writes what is new, and reports whether anybody reads.
func (f *liveFeed) tell(w *bufio.Writer) bool {
	ctx, cancel := f.g.brief()
	defer cancel()
	items, err := f.g.recentItems(ctx, f.world, maxLive)
	if err != nil {
		return true // the journal is busy: next time
	}
	for _, it := range slices.Backward(items) {
		shown := f.g.showIncident(&it)
		key := shown.State + " " + shown.By
		if f.seen[it.ID] == key {
			continue
		}
		f.seen[it.ID] = key
		if !writeEvent(w, fiber.Map{"incident": shown}) {
			return false
		}
	}
	if len(f.seen) > 4*maxLive { // begin anew with what is recent
		clear(f.seen)
		for _, it := range items {
			shown := f.g.showIncident(&it)
			f.seen[it.ID] = shown.State + " " + shown.By
		}
	}
	figures, err := f.g.figures(ctx, f.world)
	return err != nil || writeEvent(w, fiber.Map{"figures": figures})
}

// recentItems are the newest incidents of a world, newest first.
func (g *Gateway) recentItems(ctx context.Context, world string, limit int) ([]journal.Item, error) {
	return g.deps.Moderation.Journal.Recent(ctx, world, limit)
}
