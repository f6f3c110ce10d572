package moderation

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"earshot"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// Description is what makes an NPC what it is, as a designer wrote it.
type Description struct {
	World    string
	Name     string   // of the NPC
	Designer string   // who publishes it, for moderators
	Texts    []string // of its fields: each is judged by itself
}

// HeldPart is a part of a description that may not be published as it is.
type HeldPart struct {
	Incident string // that a moderator decides; "": there was no room to record it
	Category policy.Category
	Text     string
	// Found: a moderator has decided, and it stays so.
	Found bool
}

const (
	// maxPart is the longest text in bytes that is judged at once: what tier 0
	// reads in one go, and a model is shown.
	maxPart = 3 << 10
	// maxDescription bounds a description in bytes.
	maxDescription = 4 << 20
	// maxHeldParts is after how many findings nothing more is looked at.
	maxHeldParts = 8
	describers   = 8 // parts that are judged at once
)

// Describe judges the description of an NPC before it is published, in parts of
// at most 3 KiB. What is returned must not be published; each is an incident in
// the moderators' queue. A part that a moderator released passes from then on,
// wherever it stands, and one that they found bad does not: parts are known by
// what they say. Errors are invalid_argument for a description above 4 MiB, and
// those of Text.
func (p *Pipeline) Describe(ctx context.Context, d Description) ([]HeldPart, error) {
	parts, size := []string{}, 0
	for _, t := range d.Texts {
		if size += len(t); size > maxDescription {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "a description of more than %d bytes: shorten it", maxDescription)
		}
		for _, part := range partsOf(t) {
			if !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	var (
		mu     sync.Mutex
		held   []HeldPart
		failed error
		work   sync.WaitGroup
		next   int
	)
	take := func() (string, bool) {
		mu.Lock()
		defer mu.Unlock()
		if next == len(parts) || len(held) >= maxHeldParts || failed != nil {
			return "", false
		}
		next++
		return parts[next-1], true
	}
	for range min(describers, len(parts)) {
		work.Go(func() {
			for part, ok := take(); ok; part, ok = take() {
				h, err := p.describe(ctx, &d, part)
				mu.Lock()
				if err != nil {
					failed = err
				} else if h != nil {
					held = append(held, *h)
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
	return held, failed
}

// describe judges one part, nil where it may be published.
func (p *Pipeline) describe(ctx context.Context, d *Description, part string) (*HeldPart, error) {
	id := partID(d.World, part)
	if it, err := p.journal.Described(ctx, id); err == nil {
		return heldAs(&it, part), nil
	} else if earshot.CodeOf(err) != earshot.CodeNotFound {
		return nil, err
	}
	now := time.Now()
	v, err := p.Text(ctx, Event{
		ID: id, Kind: policy.Persona, World: d.World, Name: d.Name, Text: part, At: now,
		Context: []Line{{Name: d.Designer, Text: "publishes the NPC " + d.Name + ", of whose description this is a part", At: now}},
	})
	if err != nil || v.Pass {
		return nil, err
	}
	if it, err := p.journal.Item(ctx, v.Incident); err == nil {
		return heldAs(&it, part), nil
	}
	return &HeldPart{Incident: v.Incident, Text: part}, nil
}

// heldAs says what an incident means for the part that it is about.
func heldAs(it *journal.Item, part string) *HeldPart {
	_, decision := it.Now()
	out := &HeldPart{Incident: it.ID, Category: decision.Category, Text: part}
	if it.Undo != nil {
		return nil
	}
	if n := len(it.Judgements); n > 0 {
		out.Found = true
		if v := it.Judgements[n-1].Verdict; v == policy.Wrong || v == policy.TooHarsh {
			return nil
		}
		return out
	}
	if _, hold := decision.Has(policy.Hold); !hold {
		return nil
	}
	return out
}

// partID names a part of a description in a world by what it says.
func partID(world, part string) earshot.EventID {
	sum := sha256.Sum256([]byte(world + "\x00" + part))
	return earshot.EventID("ev_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20])))
}

// partsOf cuts a text at line ends or spaces where it is too long. Parts
// overlap, so that what is said across a cut is seen.
func partsOf(s string) (parts []string) {
	for s = strings.TrimSpace(strings.ToValidUTF8(s, "")); s != ""; {
		if len(s) <= maxPart {
			return append(parts, s)
		}
		at := max(strings.LastIndexByte(s[:maxPart], '\n'), strings.LastIndexByte(s[:maxPart], ' '))
		if at < maxPart/2 {
			at = maxPart
		}
		for !utf8.RuneStart(s[at]) {
			at--
		}
		parts = append(parts, strings.TrimSpace(s[:at]))
		from := at - pieceOverlap
		for !utf8.RuneStart(s[from]) {
			from++
		}
		s = s[from:]
	}
	return parts
}
