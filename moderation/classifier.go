package moderation

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// Classifier judges how a voice sounds, whatever its words. It returns how
// probable each category is, of those it knows; nil where nothing was to be
// heard. It returns soon after ctx has ended.
type Classifier interface {
	Classify(ctx context.Context, world string, clip []Packet) (policy.Scores, error)
	// Takes reports whether the sound of a world may be given to it.
	Takes(world string) bool
}

// ClassifierConfig is a backend that judges sound. docs/moderation.md has what
// it is sent and what it answers.
type ClassifierConfig struct {
	URL       string        `yaml:"url"`        // http or https; "": there is none
	TokenFile string        `yaml:"token_file"` // sent as bearer; "": none
	Deadline  time.Duration `yaml:"deadline"`   // of an answer; 0: 2 s
	// Labels are what the backend fulfils of what worlds demand (data_labels):
	// only worlds all of whose labels are here have their sound sent to it.
	Labels []string `yaml:"labels"`
}

const (
	// DefaultClassify is the deadline of a classifier.
	DefaultClassify = 2 * time.Second
	mostClassify    = 15 * time.Second
	maxClassified   = 64 << 10 // bytes of an answer
)

// Validate returns the first mistake as an *earshot.Error that names the field.
func (c *ClassifierConfig) Validate() error {
	if c.URL == "" {
		return nil
	}
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return earshot.Errorf(earshot.CodeInvalidArgument, "url: %q is no address like https://classifier.example/judge", c.URL)
	}
	if c.Deadline < 0 || c.Deadline > mostClassify {
		return earshot.Errorf(earshot.CodeInvalidArgument, "deadline: %v, want 0 (%v) to %v", c.Deadline, DefaultClassify, mostClassify)
	}
	return nil
}

// SoundClassifier is a Classifier behind HTTP.
type SoundClassifier struct {
	cfg    ClassifierConfig
	token  string
	worlds map[string][]string
	wav    func([]Packet) ([]byte, error)
	client *http.Client
}

var _ Classifier = (*SoundClassifier)(nil)

// NewSoundClassifier returns a client of a backend. worlds says which labels
// each world demands; one that is not there is not sent. wav makes a WAV file
// of packets, nil where they are too short. Redirects are not followed: sound
// goes where the configuration says, and nowhere else.
func NewSoundClassifier(cfg ClassifierConfig, token string, worlds map[string][]string, wav func([]Packet) ([]byte, error)) (*SoundClassifier, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.URL == "" || wav == nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "url: a classifier needs one, and a way to make WAV files")
	}
	cfg.Deadline = cmp.Or(cfg.Deadline, DefaultClassify)
	return &SoundClassifier{
		cfg: cfg, token: token, worlds: worlds, wav: wav,
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// Takes implements Classifier.
func (s *SoundClassifier) Takes(world string) bool {
	demanded, ok := s.worlds[world]
	for _, label := range demanded {
		ok = ok && slices.Contains(s.cfg.Labels, label)
	}
	return ok
}

// Classify implements Classifier. Errors are *earshot.Error: permission_denied
// for a world that may not be sent, unavailable for everything else.
func (s *SoundClassifier) Classify(ctx context.Context, world string, clip []Packet) (policy.Scores, error) {
	if !s.Takes(world) {
		return nil, earshot.Errorf(earshot.CodePermissionDenied, "the data policy of %s does not let its sound go to the classifier", world)
	}
	sound, err := s.wav(clip)
	if err != nil || len(sound) == 0 {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.URL, bytes.NewReader(sound))
	if err != nil {
		return nil, unclassified("cannot be asked")
	}
	req.Header.Set("Content-Type", "audio/wav")
	req.Header.Set("Accept", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	reply, err := s.client.Do(req)
	if err != nil {
		return nil, unclassified("does not answer")
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return nil, unclassified("answers " + reply.Status)
	}
	data, err := io.ReadAll(io.LimitReader(reply.Body, maxClassified+1))
	if err != nil {
		return nil, unclassified("does not answer to the end")
	}
	return parseClassified(data)
}

// parseClassified reads an answer. Categories that no policy knows are left
// out; a score that is none makes all of it garbage.
func parseClassified(data []byte) (policy.Scores, error) {
	var answer struct {
		Scores map[string]*float64 `json:"scores"`
	}
	if len(data) > maxClassified || json.Unmarshal(data, &answer) != nil || answer.Scores == nil {
		return nil, unclassified(`answers something else than {"scores":{…}}`)
	}
	out := policy.Scores{}
	for name, v := range answer.Scores {
		if v == nil || !(*v >= 0 && *v <= 1) {
			return nil, unclassified("answers a score that is not from 0 to 1")
		}
		if slices.Contains(policy.Categories(), policy.Category(name)) {
			out[policy.Category(name)] = *v
		}
	}
	return out, nil
}

func unclassified(what string) error {
	return earshot.Errorf(earshot.CodeUnavailable, "the classifier of sound %s", what)
}
