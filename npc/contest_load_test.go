package npc

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// What the load is made of. It was fixed before any figure was taken.
const (
	worlds        = 4 // the first has half of the players
	charactersIn  = 6 // in each world
	dialogueRate  = 36.0
	chatterRate   = 8.0 // lines between players, which only moderation sees
	dialogueWaits = 8 * time.Second
	moderateWaits = time.Second
)

// turn is one request of the load.
type turn struct {
	at       time.Duration
	world    string
	class    Class
	messages []Message
	answer   int // tokens
	stop     int // after so many the player interrupts; 0: never
	labels   []string
}

func (t *turn) model() string {
	if t.class == Moderation {
		return guard
	}
	return talker
}

func (t *turn) patience() time.Duration {
	if t.class == Moderation {
		return moderateWaits
	}
	return dialogueWaits
}

// worldOf tells whose prompt it is.
func worldOf(messages []Message) string {
	world, _, _ := strings.Cut(messages[0].Content, " ")
	return world
}

// scene makes a load: every world has characters with prompts of their own,
// 500 to 1,300 tokens; conversations of 3 to 9 turns with up to 12 turns
// behind them when they begin, so that their histories differ, a turn every 2
// to 6 s; each line a player says is moderated first, in a short prompt, and
// so is chatter that no character hears. One answer in ten is interrupted.
// Players come at random (Poisson). The same seed gives the same load.
type scene struct {
	rand   *rand.Rand
	length time.Duration
	turns  []turn
	cast   [][]string // system prompts by world
	rules  []string   // of moderation, by world
}

func newScene(seed uint64, length time.Duration, scale float64) []turn {
	s := &scene{rand: rand.New(rand.NewPCG(seed, 7)), length: length}
	for w := range worlds {
		var cast []string
		for c := range charactersIn {
			cast = append(cast, fmt.Sprintf("world%d character%d %s", w, c, s.words(500+s.rand.IntN(800))))
		}
		s.cast = append(s.cast, cast)
		s.rules = append(s.rules, fmt.Sprintf("world%d moderation %s", w, s.words(150)))
	}
	const turnsEach, pace = 6.0, 4.0 // on average: turns, and seconds between them
	begin := dialogueRate * scale / turnsEach
	for range int(begin * turnsEach * pace) { // under way already
		s.converse(-time.Duration(s.rand.Float64() * turnsEach * pace * float64(time.Second)))
	}
	for at := s.gap(begin); at < length; at += s.gap(begin) {
		s.converse(at)
	}
	for at := s.gap(chatterRate * scale); at < length; at += s.gap(chatterRate * scale) {
		s.moderate(at, s.world(), s.words(10+s.rand.IntN(30)))
	}
	slices.SortFunc(s.turns, func(a, b turn) int { return cmp.Compare(a.at, b.at) })
	return s.turns
}

// gap is a time between two of a Poisson process.
func (s *scene) gap(perSecond float64) time.Duration {
	return time.Duration(s.rand.ExpFloat64() / perSecond * float64(time.Second))
}

func (s *scene) world() int {
	if s.rand.Float64() < 0.5 {
		return 0
	}
	return 1 + s.rand.IntN(worlds-1)
}

// words returns text of about n tokens.
func (s *scene) words(n int) string {
	var b strings.Builder
	for b.Len() < n*bytesPerToken {
		fmt.Fprintf(&b, "%x ", s.rand.IntN(1<<20))
	}
	return b.String()
}

// converse adds a conversation that begins at a time, which may be before 0.
func (s *scene) converse(at time.Duration) {
	w := s.world()
	history := []Message{{Role: "system", Content: s.cast[w][s.rand.IntN(charactersIn)]}}
	for range s.rand.IntN(13) {
		history = append(history, Message{"user", s.words(10 + s.rand.IntN(30))}, Message{"assistant", s.words(15 + s.rand.IntN(30))})
	}
	for range 3 + s.rand.IntN(7) {
		line, answer, stop := s.words(10+s.rand.IntN(30)), 15+s.rand.IntN(30), 0
		if s.rand.Float64() < 0.1 {
			stop = 3 + s.rand.IntN(10)
		}
		history = append(history, Message{"user", line})
		if at >= 0 && at < s.length {
			s.moderate(at, w, line)
			s.turns = append(s.turns, turn{
				at: at, world: fmt.Sprint("world", w), class: Dialogue, messages: slices.Clone(history), answer: answer, stop: stop,
			})
		}
		history = append(history, Message{"assistant", s.words(answer)})
		at += 2*time.Second + time.Duration(s.rand.Float64()*4*float64(time.Second))
	}
}

func (s *scene) moderate(at time.Duration, w int, line string) {
	s.turns = append(s.turns, turn{
		at: at, world: fmt.Sprint("world", w), class: Moderation, answer: 1 + s.rand.IntN(3),
		messages: []Message{{"system", s.rules[w]}, {"user", line}},
	})
}
