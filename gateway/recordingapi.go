package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/sfu"
	"earshot/sfu/record/format"
)

// stopWithin is how long a stop waits for the files to be whole.
const stopWithin = 10 * time.Second

// maxOnly bounds the lists of a wish to record.
const maxOnly = 256

// recordingWish is the body of a request to record; empty means everything.
type recordingWish struct {
	Participants []earshot.ParticipantID `json:"participants"`
	Sources      []string                `json:"sources"`
}

func (w *recordingWish) selection() (format.Selection, error) {
	if len(w.Participants) > maxOnly || len(w.Sources) > maxOnly {
		return format.Selection{}, invalid("at most %d participants and sources can be named; leave both out to record everybody", maxOnly)
	}
	for _, id := range w.Participants {
		if !id.Valid() {
			return format.Selection{}, invalid("participants: %.80q is not the id of a participant", string(id))
		}
	}
	for _, source := range w.Sources {
		if !slices.Contains([]string{sfu.SourceMicrophone, sfu.SourceCamera, sfu.SourceScreen}, source) {
			return format.Selection{}, invalid("sources: %.40q is not microphone, camera or screen", source)
		}
	}
	return format.Selection{Participants: w.Participants, Sources: w.Sources}, nil
}

// startRecording begins to record a running instance.
func (g *Gateway) startRecording(id earshot.InstanceID, by string, body []byte) (*format.Manifest, error) {
	if g.deps.Recordings == nil {
		return nil, recordingOff
	}
	var wish recordingWish
	if len(body) > 0 {
		if err := json.Unmarshal(body, &wish); err != nil {
			return nil, invalid(`the body is not like {"participants": [], "sources": []}: %v`, err)
		}
	}
	only, err := wish.selection()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	in := g.instances[id]
	g.mu.Unlock()
	if in == nil {
		return nil, earshot.Errorf(earshot.CodeNotFound, "instance %.80q does not run; it begins with the first who joins", string(id))
	}
	rec, err := in.record(by, only)
	if err != nil {
		return nil, err
	}
	g.log.Info("recording began", "recording", rec.ID(), "by", by)
	return rec.Manifest(), nil
}

func (g *Gateway) stopRecording(id earshot.InstanceID, by string) (*format.Manifest, error) {
	if g.deps.Recordings == nil {
		return nil, recordingOff
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	m, err := g.deps.Recordings.Stop(ctx, id, by)
	if err == nil {
		g.log.Info("recording ended", "recording", m.ID, "by", by)
	}
	return m, err
}

// recordingEntry is a recording in a list.
type recordingEntry struct {
	ID         string             `json:"id"`
	Instance   earshot.InstanceID `json:"instance"`
	World      string             `json:"world"`
	State      string             `json:"state"`
	Started    time.Time          `json:"started"`
	StartedBy  string             `json:"started_by"`
	DurationMS int64              `json:"duration_ms"`
	Bytes      int64              `json:"bytes"`
	Tracks     int                `json:"tracks"`
	Errors     int                `json:"errors"`
}

// recordings lists those of a world, or of all with world "".
func (g *Gateway) recordings(world string) ([]recordingEntry, error) {
	if g.deps.Recordings == nil {
		return nil, recordingOff
	}
	list := []recordingEntry{}
	for _, m := range g.deps.Recordings.List() {
		if world == "" || m.World == world {
			list = append(list, recordingEntry{
				m.ID, m.Instance, m.World, m.State, m.Started, m.StartedBy, m.DurationMS, m.Bytes, len(m.Tracks), len(m.Failures),
			})
		}
	}
	return list, nil
}

// recordingRoutes are for those whose token lets them start and stop: nothing
// here gives out what was recorded.
func (g *Gateway) recordingRoutes(v1 fiber.Router) {
	v1.Get("/recordings", func(c *fiber.Ctx) error {
		_, world, err := g.recordist(c)
		if err != nil {
			return err
		}
		list, err := g.recordings(world)
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderCacheControl, "no-store")
		return c.JSON(fiber.Map{"recordings": list})
	})
	v1.Post("/instances/:id/recording", func(c *fiber.Ctx) error {
		by, id, err := g.recordedBy(c)
		if err != nil {
			return err
		}
		m, err := g.startRecording(id, by, slices.Clone(c.Body()))
		if err != nil {
			return err
		}
		return c.Status(http.StatusCreated).JSON(m)
	})
	v1.Delete("/instances/:id/recording", func(c *fiber.Ctx) error {
		by, id, err := g.recordedBy(c)
		if err != nil {
			return err
		}
		m, err := g.stopRecording(id, by)
		if err != nil {
			return err
		}
		return c.JSON(m)
	})
}

// recordist returns who asks and their world, if their token lets them record.
func (g *Gateway) recordist(c *fiber.Ctx) (by, world string, err error) {
	claims, err := g.authorize(c)
	if err != nil {
		return "", "", err
	}
	if !claims.Can(protocol.GrantRecord) {
		return "", "", missing(protocol.GrantRecord)
	}
	world = claims.World
	if world == "" {
		world = worldOf(claims.Instance)
	}
	return string(claims.Participant()), world, nil
}

// recordedBy is recordist for an instance, which must be of their world.
func (g *Gateway) recordedBy(c *fiber.Ctx) (by string, id earshot.InstanceID, err error) {
	by, world, err := g.recordist(c)
	if err != nil {
		return "", "", err
	}
	id = earshot.InstanceID(strings.Clone(c.Params("id")))
	if worldOf(id) != world {
		return "", "", earshot.Errorf(earshot.CodePermissionDenied, "the token is for world %q, and %.80q is not an instance of it", world, string(id))
	}
	return by, id, nil
}
