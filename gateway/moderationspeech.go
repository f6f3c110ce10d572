package gateway

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/npc"
)

const (
	// hushFor is how long after a bad sentence nothing else of the same answer is
	// taken up; it ends with the utterance, if that ends sooner.
	hushFor = 5 * time.Second
	// sentenceFor is how long after a sentence was judged it may come in a
	// caption: models write ahead of the voice.
	sentenceFor  = 30 * time.Second
	maxSentences = 32 // that are remembered
	maxCaptions  = 8
)

// censor stands between an NPC and those who hear it. Sentences are judged
// before they are said; where a verdict comes late and is bad, the utterance
// with the sentence is taken back and the rest of it not heard.
type censor struct {
	pipeline *moderation.Pipeline
	body     *resident

	mu        sync.Mutex
	doubted   []sentence // let through unverified
	condemned []sentence
	captions  []said // newest last
	bad       earshot.EventID
	silent    bool      // the voice of bad is not sent
	hush      time.Time // until then nothing is taken up
}

type sentence struct {
	text string
	at   time.Time
}

type said struct {
	id         earshot.EventID
	text       string
	unverified bool
}

var _ npc.Body = (*censored)(nil)

// censored is a body whose words and voice pass a censor.
type censored struct {
	*resident
	censor *censor
}

// Voice implements npc.Body.
func (c *censored) Voice(opus []byte, level int8) {
	c.censor.mu.Lock()
	silent := c.censor.silent
	c.censor.mu.Unlock()
	if !silent {
		c.resident.Voice(opus, level)
	}
}

// Caption implements npc.Body.
func (c *censored) Caption(m npc.Caption) {
	switch what, unverified := c.censor.show(&m, time.Now()); what {
	case shown:
		c.resident.caption(m, unverified)
	case gone:
		c.resident.takeBack(m.ID)
	}
}

// screen is npc.ActorDeps.Screen.
func (c *censor) screen(text string) (string, bool) {
	c.mu.Lock()
	hushed := time.Now().Before(c.hush)
	c.mu.Unlock()
	if hushed {
		return "", false
	}
	in := c.body.in
	s := c.pipeline.Say(context.Background(), moderation.Speech{ // answers within its own limit
		World: in.world, Instance: in.id, Name: c.body.session.called(), Context: in.recent, Withdraw: c.withdraw,
	}, text)
	if s.OK && s.Unverified {
		c.mu.Lock()
		c.doubted = note(c.doubted, s.Text, time.Now())
		c.mu.Unlock()
	}
	return s.Text, s.OK
}

// withdraw takes a sentence back that was let through.
func (c *censor) withdraw(text string) {
	now := time.Now()
	c.mu.Lock()
	c.condemned = note(c.condemned, text, now)
	c.hush = now.Add(hushFor)
	var bad earshot.EventID
	for i := len(c.captions) - 1; i >= 0 && bad == ""; i-- {
		if holds(c.captions[i].text, text) {
			bad = c.captions[i].id
			if i == len(c.captions)-1 { // perhaps still being said
				c.bad, c.silent = bad, true
			}
		}
	}
	c.mu.Unlock()
	if bad != "" {
		c.body.takeBack(bad)
	}
}

// showing is what becomes of a caption.
type showing int

const (
	shown   showing = iota
	dropped         // nobody gets it
	gone            // and what came of it before is taken back
)

// show says what becomes of a caption, and whether anything in it was not
// verified.
func (c *censor) show(m *npc.Caption, now time.Time) (what showing, unverified bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.ID != c.bad {
		c.silent = false
	}
	n := len(c.captions)
	what = dropped
	if m.ID != c.bad && findIn(c.condemned, m.Text, now) {
		c.bad, c.silent = m.ID, true
		if n > 0 && c.captions[n-1].id == m.ID { // what came before the sentence
			what = gone
		}
	}
	if m.ID == c.bad {
		if m.Final {
			c.hush = time.Time{}
		}
		return what, false
	}
	if n == 0 || c.captions[n-1].id != m.ID {
		c.captions = append(c.captions[max(0, n-maxCaptions+1):], said{id: m.ID})
		n = len(c.captions)
	}
	last := &c.captions[n-1]
	last.text = m.Text
	last.unverified = last.unverified || findIn(c.doubted, m.Text, now)
	return shown, last.unverified
}

// note adds a sentence, in the place of the oldest if there are too many.
func note(list []sentence, text string, now time.Time) []sentence {
	if strings.TrimSpace(text) == "" {
		return list
	}
	return append(list[max(0, len(list)-maxSentences+1):], sentence{text, now})
}

// findIn reports whether one of the sentences stands in a caption.
func findIn(list []sentence, caption string, now time.Time) bool {
	return slices.ContainsFunc(list, func(s sentence) bool {
		return now.Sub(s.at) < sentenceFor && holds(caption, s.text)
	})
}

// holds says whether a caption has a sentence in it, however it is spaced.
func holds(caption, text string) bool {
	return strings.Contains(strings.Join(strings.Fields(caption), " "), strings.Join(strings.Fields(text), " "))
}

// takeBack has everybody here forget what the NPC said.
func (r *resident) takeBack(id earshot.EventID) {
	r.in.mu.Lock()
	defer r.in.mu.Unlock()
	r.in.broadcast(&protocol.Retract{ID: id})
}
