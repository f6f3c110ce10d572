package npc

import (
	"slices"
	"testing"
)

// Only what can talk, within policy, and answers; larger ones first.
func TestChatModels(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Backends = []BackendConfig{
		{ID: "a", API: "openai", URL: "http://127.0.0.1:1", Labels: []string{"eu"}, Price: 3, Models: []ModelConfig{
			{Name: "small", Size: 1}, {Name: "large", Size: 9}, {Name: "ears", Capabilities: []string{"transcription"}},
		}},
		{ID: "b", API: "openai", URL: "http://127.0.0.1:2", Models: []ModelConfig{{Name: "huge", Size: 70}, {Name: "small", Size: 1}}},
	}
	in, err := New(cfg, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if got := in.ChatModels(nil); !slices.Equal(got, []string{"huge", "large", "small"}) {
		t.Errorf("ChatModels() = %q", got)
	}
	if got := in.ChatModels([]string{"eu"}); !slices.Equal(got, []string{"large", "small"}) {
		t.Errorf("ChatModels(eu) = %q", got)
	}
	in.entries["a"].missing = []string{"large"}
	in.entries["b"].problem = string(FailedConnect) // and it has never answered
	if got := in.ChatModels(nil); !slices.Equal(got, []string{"small"}) {
		t.Errorf("ChatModels() = %q without what is missing and who never answered", got)
	}
	if in.price("a") != 3 || in.price("gone") != 0 {
		t.Errorf("price of a %v, of nobody %v", in.price("a"), in.price("gone"))
	}
}
