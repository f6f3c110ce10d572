package voice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"

	"earshot"
)

// Limits of espeak-ng.
const (
	maxSpoken    = 4096 // bytes of text
	wordsAMinute = 165  // at speed 1
	searchTime   = 5 * time.Second
	dyingTime    = time.Second // that a killed process may take
)

// Espeak speaks by the programme espeak-ng: a process for each utterance, which
// lives as long as its sound is read. It knows a hundred languages and sounds
// like a machine.
type Espeak struct {
	path   string
	voices map[string]bool // languages, in lower case
}

// FindEspeak looks for espeak-ng and for what it can speak. The name may be a
// path. Errors are *earshot.Error: not_found.
func FindEspeak(ctx context.Context, name string) (*Espeak, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeNotFound, "%s is not installed (Debian: apt-get install espeak-ng)", name)
	}
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--voices")
	cmd.Env, cmd.WaitDelay = environment(), dyingTime
	list, err := cmd.Output()
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeNotFound, "%s does not work: %v", path, err)
	}
	e := &Espeak{path: path, voices: readVoices(string(list))}
	if len(e.voices) == 0 {
		return nil, earshot.Errorf(earshot.CodeNotFound, "%s has no voices: install its data (Debian: espeak-ng-data)", path)
	}
	return e, nil
}

// environment is all that espeak-ng gets to know: text is UTF-8, whatever the
// server's locale.
func environment() []string { return []string{"LC_ALL=C.UTF-8"} }

var otherLanguage = regexp.MustCompile(`\(([a-z0-9-]+) [0-9]+\)`)

// readVoices reads the table that --voices prints: the language is its second
// column, others that a voice can do follow in brackets.
func readVoices(table string) map[string]bool {
	voices := map[string]bool{}
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[0] == "Pty" {
			continue
		}
		voices[strings.ToLower(fields[1])] = true
		for _, match := range otherLanguage.FindAllStringSubmatch(line, -1) {
			voices[match[1]] = true
		}
	}
	return voices
}

var variant = regexp.MustCompile(`^(?:m[1-8]|f[1-5])$`)

// voice returns what to call a voice: by the longest part of a BCP 47 tag that
// there is a voice for, English where there is none. A name such as f3 or m1
// is a variant of espeak-ng's voices; names of other servers' voices are not.
func (e *Espeak) voice(language, name string) string {
	voice := "en"
	for tag := strings.ToLower(language); tag != ""; {
		if e.voices[tag] {
			voice = tag
			break
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	if variant.MatchString(name) {
		voice += "+" + name
	}
	return voice
}

// Speak returns the sound of a text as a WAV file. The text is read out as it
// is: neither markup nor commands in it are heeded. Speed 1 is 165 words a
// minute, 0 is 1. The process is killed when the sound is closed or ctx ends.
// Errors are *earshot.Error.
func (e *Espeak) Speak(ctx context.Context, text, language, name string, speed float64) (io.ReadCloser, error) {
	text = plainText(text)
	if text == "" || len(text) > maxSpoken {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "a text of %d bytes to speak, want 1 to %d", len(text), maxSpoken)
	}
	if !(speed > 0) {
		speed = 1
	}
	words := int(max(80, min(450, speed*wordsAMinute)))
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, e.path, "--stdin", "--stdout", "-b", "1", "-z",
		"-v", e.voice(language, name), "-s", fmt.Sprint(words))
	s := &spoken{cmd: cmd, cancel: cancel}
	cmd.Env, cmd.WaitDelay = environment(), dyingTime
	cmd.Stdin, cmd.Stderr = strings.NewReader(text), &s.complaint
	out, err := cmd.StdoutPipe()
	if err == nil {
		s.out = out
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, earshot.Errorf(earshot.CodeUnavailable, "start %s: %v", e.path, err)
	}
	return s, nil
}

// plainText takes out what espeak-ng would not read out: control characters,
// by which it takes commands, and the brackets of phonemes.
func plainText(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd':
			return ' '
		}
		return r
	}, text)
	for _, bracket := range []string{"[[", "]]"} {
		text = strings.ReplaceAll(text, bracket, " ")
	}
	return strings.TrimSpace(text)
}

// spoken is the output of a process.
type spoken struct {
	cmd       *exec.Cmd
	out       io.Reader
	cancel    context.CancelFunc
	complaint complaint
	ended     error // what the last Read said
	once      sync.Once
	failed    error
}

// Read implements io.Reader. At the end it says how the process ended.
func (s *spoken) Read(b []byte) (int, error) {
	if s.ended != nil {
		return 0, s.ended
	}
	n, err := s.out.Read(b)
	if err == nil || n > 0 {
		return n, nil
	}
	s.ended = err
	if failed := s.wait(); failed != nil && errors.Is(err, io.EOF) {
		s.ended = failed
	}
	return 0, s.ended
}

// Close kills the process and waits for its end.
func (s *spoken) Close() error {
	s.cancel()
	_ = s.wait() // it was killed, or its output is not wanted any more
	return nil
}

func (s *spoken) wait() error {
	s.once.Do(func() {
		err := s.cmd.Wait()
		s.cancel()
		if err != nil {
			s.failed = earshot.Errorf(earshot.CodeUnavailable, "espeak-ng: %v: %.200s", err, s.complaint.String())
		}
	})
	return s.failed
}

// complaint keeps the first bytes of what a process says on its error output.
type complaint struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const maxComplaint = 1024

func (c *complaint) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf.Write(b[:min(len(b), maxComplaint-c.buf.Len())])
	return len(b), nil
}

func (c *complaint) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.TrimSpace(c.buf.String())
}
