package npc

import (
	"context"
	"errors"
	"io"
	"slices"

	"earshot"
	"earshot/npc/router"
)

// Where says which backends may speak or listen: Labels is the data-locality
// policy, never relaxed; those of Region are asked first.
type Where struct {
	Region string
	Labels []string
}

// Speak returns the sound of a text by a backend that has req.Model and
// speaks. Where one fails before it sends sound, the next is asked. The caller
// closes the reader; ending ctx closes the upstream at once. Errors unwrap to
// *earshot.Error: failed_precondition where no backend speaks.
//
// Speech and transcription do not queue in the router: their callers bound
// them, one at a time for each NPC and participant.
func (in *Inference) Speak(ctx context.Context, where Where, req SpeechRequest) (sound io.ReadCloser, err error) {
	err = in.utter(where, req.Model, router.Speech, func(v voice, upstream string) (err error) {
		req.Model = upstream
		sound, err = v.Speak(ctx, req)
		return err
	})
	return sound, err
}

// Transcribe returns what is said in a clip, as Speak does its work.
func (in *Inference) Transcribe(ctx context.Context, where Where, req TranscriptionRequest) (text string, err error) {
	err = in.utter(where, req.Model, router.Transcription, func(v voice, upstream string) (err error) {
		req.Model = upstream
		text, err = v.Transcribe(ctx, req)
		return err
	})
	return text, err
}

// utter tries the backends that may do it, until one does.
func (in *Inference) utter(where Where, model string, can router.Capability, do func(voice, string) error) (err error) {
	err = earshot.Errorf(earshot.CodeFailedPrecondition, "no backend within policy has %q for %v: add one", model, can.Names())
	for _, e := range in.able(where, model, can) {
		v, ok := e.server.(voice)
		if !ok {
			continue
		}
		if err = do(v, e.cfg.upstream(model)); err == nil {
			return nil
		}
		var f *Failure
		if !errors.As(err, &f) {
			return err
		}
		in.metrics.attempts.WithLabelValues(string(f.Kind)).Inc()
		if !f.Retryable() {
			return err
		}
	}
	return err
}

// able returns the backends that answer, have a model and may be used, those
// of the wanted region first.
func (c *Catalogue) able(where Where, model string, can router.Capability) (near []*entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var far []*entry
	for _, e := range c.entries {
		described, _ := e.cfg.describe() // was valid when it came in
		has := slices.ContainsFunc(described.Models, func(m router.Model) bool {
			return m.Name == model && m.Capabilities&can == can
		})
		lacks := slices.ContainsFunc(where.Labels, func(l string) bool { return !slices.Contains(e.cfg.Labels, l) })
		switch {
		case !has || lacks || !e.known:
		case e.cfg.Region == where.Region:
			near = append(near, e)
		default:
			far = append(far, e)
		}
	}
	return append(near, far...)
}
