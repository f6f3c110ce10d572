package gateway

import (
	"cmp"
	"context"
	"encoding/csv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"earshot/moderation"
	"earshot/moderation/policy"
	"earshot/npc"
)

// checked is a case of HateCheck and what a guard made of it.
type checked struct {
	function, text string
	hateful        bool
	score          float64 // for hate
	lost           bool    // no answer, or garbage
	took           time.Duration
}

// The way from tier 1 to a model that really runs, with cases of HateCheck:
// template, dispatch, Ollama, and the answer read. What a small model says is
// printed, not asserted; that it says something is.
//
//	EARSHOT_TEST_OLLAMA=http://127.0.0.1:11434 EARSHOT_TEST_OLLAMA_MODEL=smollm2:135m \
//	EARSHOT_MODERATION_DATA=$PWD/../shared/data/moderation \
//	  go test -count=1 -run RealGuard -v -timeout 20m ./gateway
//
// EARSHOT_TEST_OLLAMA_TEMPLATE may be llama-guard-3 or shieldgemma; chat else.
func TestRealGuard(t *testing.T) {
	address, model, folder := os.Getenv("EARSHOT_TEST_OLLAMA"), os.Getenv("EARSHOT_TEST_OLLAMA_MODEL"), os.Getenv("EARSHOT_MODERATION_DATA")
	if address == "" || model == "" || folder == "" {
		t.Skip("NOT RUN, NOTHING WAS SHOWN ABOUT A REAL GUARD MODEL: set EARSHOT_TEST_OLLAMA to the URL of an Ollama, EARSHOT_TEST_OLLAMA_MODEL to a model it has, EARSHOT_MODERATION_DATA to the folder of hatecheck.csv")
	}
	cases := hateCheck(t, filepath.Join(folder, "hatecheck.csv"), 200)
	guard := realGuard(t, address, model, moderation.Template(cmp.Or(os.Getenv("EARSHOT_TEST_OLLAMA_TEMPLATE"), string(moderation.ChatScores))))
	for i := range cases {
		c := &cases[i]
		event := moderation.Event{Kind: policy.Chat, World: "plaza", Who: "pa_a", Name: "Ann", Text: c.text}
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		scores, err := guard.Judge(ctx, "plaza", []moderation.Event{event})
		cancel()
		c.took = time.Since(begun)
		if err != nil {
			c.lost = true
			t.Logf("%s %q: %v", c.function, c.text, err)
			continue
		}
		c.score = scores[0][policy.Hate]
	}
	report(t, model, cases)
}

// realGuard is tier 1 of a node that routes to an Ollama.
func realGuard(t *testing.T, address, model string, template moderation.Template) *moderation.ModelGuard {
	t.Helper()
	cfg := npc.DefaultConfig()
	cfg.Discover = ""
	cfg.Router.ModerationDeadline = 30 * time.Second // to the first token: the test measures, it does not hurry
	cfg.Backends = []npc.BackendConfig{{
		ID: "real", API: "ollama", URL: address, Models: []npc.ModelConfig{{Name: model, Context: 2048}}, Hang: time.Minute,
	}}
	inference, err := npc.New(cfg, npc.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	n := startNodeWith(t, nil, inference)
	if err := inference.Prewarm(t.Context(), "real", model); err != nil {
		t.Fatal(err)
	}
	guard, err := moderation.NewGuard(template, model, (*asker)(n.Gateway), false)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

// hateCheck draws n cases, the same each time.
func hateCheck(t *testing.T, path string, n int) (out []checked) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < n {
		t.Fatalf("%s: %d rows, %v", path, len(rows), err)
	}
	function, text, gold := slices.Index(rows[0], "functionality"), slices.Index(rows[0], "test_case"), slices.Index(rows[0], "label_gold")
	random := rand.New(rand.NewPCG(4, 2026))
	for _, i := range random.Perm(len(rows) - 1)[:n] {
		row := rows[i+1]
		out = append(out, checked{function: row[function], text: row[text], hateful: row[gold] == "hateful"})
	}
	return out
}

// report prints what a guard made of cases.
func report(t *testing.T, model string, cases []checked) {
	t.Helper()
	var took []time.Duration
	lost, inTime := 0, 0
	for _, c := range cases {
		took = append(took, c.took)
		if c.lost {
			lost++
		} else if c.took <= moderation.DefaultConfig().Tier1.Deadline {
			inTime++
		}
	}
	slices.Sort(took)
	if lost == len(cases) {
		t.Fatalf("%s answered none of %d questions in a form that can be read", model, lost)
	}
	t.Logf("%s: %d cases, %d without a readable answer, %d within %v; %v median, %v p95", model, len(cases), lost, inTime,
		moderation.DefaultConfig().Tier1.Deadline, took[len(took)/2].Round(time.Millisecond), took[len(took)*95/100].Round(time.Millisecond))
	for _, at := range []float64{0.1, 0.3, 0.5, 0.7, 0.9} {
		found, hateful, wrong, harmless := counts(cases, at)
		t.Logf("hate from %.1f: recall %d of %d, %.1f %%; false positives %d of %d, %.1f %%",
			at, found, hateful, percent(found, hateful), wrong, harmless, percent(wrong, harmless))
	}
	t.Logf("AUC %.3f of the answered", area(cases))
}

func counts(cases []checked, at float64) (found, hateful, wrong, harmless int) {
	for _, c := range cases {
		called := !c.lost && c.score >= at
		switch {
		case c.hateful && called:
			found, hateful = found+1, hateful+1
		case c.hateful:
			hateful++
		case called:
			wrong, harmless = wrong+1, harmless+1
		default:
			harmless++
		}
	}
	return found, hateful, wrong, harmless
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }

// area is the chance that a hateful case scores above a harmless one.
func area(cases []checked) float64 {
	above, pairs := 0.0, 0.0
	for _, a := range cases {
		for _, b := range cases {
			if a.lost || b.lost || !a.hateful || b.hateful {
				continue
			}
			pairs++
			switch {
			case a.score > b.score:
				above++
			case a.score == b.score:
				above += 0.5
			}
		}
	}
	return above / max(pairs, 1)
}
