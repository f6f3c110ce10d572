package earshot

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// picture is the one in ARCHITECTURE.md: which packages of this module each
// package may import besides the root. A package that is not here has no place
// yet: decide it in ARCHITECTURE.md first.
var picture = map[string][]string{
	".": {},
	"cmd/earshot": {"gateway", "gateway/protocol", "loadtest", "loadtest/cluster", "loadtest/netsim", "loadtest/peer", "loadtest/report", "loadtest/run", "loadtest/scenario", "sfu", "presence", "spatialaudio", "spatialaudio/opus",
		"npc", "npc/director", "npc/library", "npc/store", "npc/voice", "moderation", "moderation/policy", "moderation/journal", "moderation/evidence", "deploy",
		"loadtest/replay", "presence/store", "sfu/record", "sfu/record/format"},
	"deploy":       {}, // the example configuration, embedded
	"gateway/desk": {"sfu", "spatialaudio/binaural", "spatialaudio/hrtf", "spatialaudio/jitter", "spatialaudio/loudness", "spatialaudio/opus", "spatialaudio/talker", "spatialaudio", "spatialaudio/crowd", "spatialaudio/reverb"},
	"gateway": {"gateway/desk", "sfu", "sfu/relay", "sfu/relay/wire", "sfu/record", "sfu/record/format", "presence", "presence/border", "presence/pose", "spatialaudio", "spatialaudio/opus", "spatialaudio/zone",
		"npc", "npc/director", "npc/action", "npc/library", "npc/persona", "npc/store", "npc/voice",
		"moderation", "moderation/policy", "moderation/journal", "gateway/protocol", "gateway/web",
		"gateway/livekit", "gateway/livekit/webhook", "gateway/livekit/wire",
		"gateway/near", "presence/directory", "presence/cluster", "presence/docket", "presence/node", "presence/store", "spatialaudio/loudness", "spatialaudio/reverb", "gateway/livekit/agent", "presence/federation", "presence/placement", "presence/queue"},
	"gateway/livekit":         {"gateway/livekit/wire", "gateway/protocol"}, // what LiveKit's SDKs say, in Go
	"gateway/near":            {},                                           // what is said on subscriptions to who is near
	"gateway/livekit/webhook": {"gateway/livekit", "gateway/livekit/wire"},
	"gateway/livekit/wire":    {},
	"gateway/protocol":        {"spatialaudio", "spatialaudio/zone"}, // the curve and the zones, which are part of welcome
	"gateway/web":             {},
	"loadtest":                {"gateway/protocol", "presence/pose", "spatialaudio", "loadtest/model", "loadtest/netsim"},
	"loadtest/child":          {},
	"loadtest/cluster":        {"loadtest", "loadtest/child", "loadtest/model", "loadtest/report", "gateway/protocol"},
	"loadtest/model":          {"gateway/protocol"},
	"loadtest/netsim":         {},
	"loadtest/peer":           {"loadtest", "loadtest/child", "loadtest/model", "loadtest/report", "loadtest/truth"},
	"loadtest/replay":         {"loadtest", "gateway/protocol", "presence/pose", "sfu/record/format"}, // the formats of files, not who writes them
	"loadtest/report":         {},
	"loadtest/run": {"loadtest", "loadtest/model", "loadtest/netsim", "loadtest/report", "loadtest/scenario", "loadtest/truth",
		"gateway/protocol", "presence/pose", "spatialaudio", "spatialaudio/loudness", "spatialaudio/zone"},
	"loadtest/scenario": {"loadtest/model", "loadtest/netsim"},
	"loadtest/truth":    {"gateway/protocol", "presence/pose", "spatialaudio", "spatialaudio/zone"},
	"sfu":               {"sfu/forward", "sfu/egress", "sfu/gate", "sfu/turn"},
	"sfu/egress":        {},
	"sfu/record":        {"sfu/record/format"},
	"sfu/record/format": {},
	"sfu/gate":          {},
	"sfu/turn":          {"sfu/gate"},
	"sfu/relay":         {"sfu/relay/wire"},
	"sfu/relay/wire":    {},
	"sfu/forward":       {},
	"presence":          {"presence/pose", "presence/interest"},
	"presence/border":   {},
	"presence/pose":     {},
	"presence/interest": {},
	"presence/cluster":  {},
	"presence/node":     {"presence/cluster", "presence/store"}, // and their driver

	"presence/cluster/reference": {"presence/cluster"},
	"presence/placement":         {"presence/cluster"},
	"presence/queue":             {"presence/cluster"},
	"presence/lww":               {"presence/cluster"},
	"presence/docket":            {},
	"presence/store":             {"presence/cluster", "presence/cluster/reference", "presence/docket"},
	"presence/store/servertest":  {"loadtest/child"}, // servers for tests, and a port for each
	"presence/directory":         {"presence/cluster", "presence/lww", "presence/store"},
	"spatialaudio":               {},
	"spatialaudio/opus":          {},
	"spatialaudio/zone":          {},
	"npc":                        {"npc/router", "npc/persona", "npc/director", "npc/action", "npc/memory", "npc/store", "npc/library", "npc/voice"},
	"npc/router":                 {},
	"npc/persona":                {},
	"npc/director":               {"npc/persona"},
	"npc/action":                 {"npc/persona"},
	"npc/memory":                 {"npc/persona"},
	"npc/store":                  {"npc/memory"},
	"npc/library":                {"npc/persona", "npc/store"},
	"npc/voice":                  {"npc/persona"},
	"moderation":                 {"moderation/policy", "moderation/text", "moderation/journal", "moderation/evidence"},
	"moderation/policy":          {},
	"moderation/text":            {},
	"moderation/journal":         {"moderation/policy", "moderation/lockfile"},
	"moderation/evidence":        {"moderation/lockfile"},
	"moderation/lockfile":        {},
	"cmd/trainmoderation":        {"moderation/text"},

	"spatialaudio/crowd":              {"spatialaudio"},
	"spatialaudio/jitter":             {}, // decoders are lent to it
	"spatialaudio/loudness":           {},
	"spatialaudio/talker":             {"spatialaudio/jitter", "spatialaudio/loudness"},
	"spatialaudio/anchor":             {}, // what benchmarks compare with
	"spatialaudio/binaural":           {"spatialaudio/hrtf", "spatialaudio/kernel"},
	"spatialaudio/hrtf":               {},
	"spatialaudio/kernel":             {},
	"spatialaudio/quality":            {"spatialaudio/spectrum"},
	"spatialaudio/spectrum":           {},
	"cmd/hrtf":                        {"spatialaudio/hrtf", "spatialaudio/quality", "spatialaudio/spectrum"},
	"spatialaudio/reverb":             {},
	"gateway/livekit/agent":           {"gateway/livekit", "gateway/livekit/wire"},
	"presence/federation":             {},
	"presence/federation/conformance": {"presence/federation"},
}

// testsMayAlso are edges for _test.go files only: whole-node tests.
var testsMayAlso = map[string][]string{
	"loadtest": {"gateway", "sfu", "presence", "moderation", "moderation/journal", "loadtest/truth", "loadtest/child",
		"npc", "npc/library", "npc/store", "spatialaudio/zone", // a studio that edits zones
		"spatialaudio/opus", "spatialaudio/spectrum"}, // who listens to a mix
	"presence/cluster": {"presence/cluster/reference"},
	"loadtest/run":     {"gateway", "sfu", "presence"},
	"loadtest/replay":  {"gateway", "sfu", "sfu/record", "presence", "loadtest/model"},
	"gateway":          {"presence/store/servertest", "presence/federation/conformance", "loadtest", "loadtest/model", "sfu/turn"},
	"cmd/earshot":      {"gateway/web", "loadtest/model", "presence/store/servertest"},

	"presence/store":     {"presence/store/servertest"},
	"presence/directory": {"presence/store/servertest"},

	"spatialaudio/jitter":   {"spatialaudio/opus"},
	"spatialaudio/talker":   {"spatialaudio/opus"},
	"spatialaudio/binaural": {"spatialaudio/anchor", "spatialaudio/opus", "spatialaudio/quality"},
	"spatialaudio/quality":  {"spatialaudio/binaural", "spatialaudio/hrtf", "spatialaudio/opus"},
}

// reasons say why an edge of a kind is missing from the picture.
var reasons = map[string]string{
	".":           "the root holds the domain words: everything may import it, so it imports nothing",
	"sfu":         "the five engines never import one another: gateway composes them",
	"presence":    "the five engines never import one another: gateway composes them",
	"npc":         "the five engines never import one another: gateway composes them",
	"moderation":  "the five engines never import one another: gateway composes them",
	"loadtest":    "loadtest is a client: it knows the wire formats and the public gain curves, never the server's insides",
	"gateway/web": "the web client is files only",
}

// cores are pure: packets, time and randomness come in, decisions go out as
// values. The shell around them owns sockets, clocks and goroutines.
var cores = []string{
	"sfu/forward", "sfu/record/format", "presence/pose", "presence/interest", "presence/cluster", "presence/cluster/reference", "presence/placement", "presence/queue", "presence/docket", "spatialaudio", "spatialaudio/zone", "presence/lww", "presence/federation",
	"spatialaudio/binaural", "spatialaudio/hrtf", "spatialaudio/kernel", "spatialaudio/quality", "spatialaudio/spectrum", "gateway/protocol", "gateway/near", "gateway/livekit", "gateway/livekit/wire", "npc/router", "npc/persona",
	"npc/director", "npc/action", "npc/memory", "moderation/policy", "moderation/text",
	"loadtest/model", "loadtest/scenario", "loadtest/truth",
	"spatialaudio/jitter", "spatialaudio/loudness", "spatialaudio/talker", "spatialaudio/crowd",
}

// notInCores are the imports a core must do without; "x/" covers all below x.
var notInCores = []string{
	"net", "net/", "os", "os/", "io/ioutil", "context", "log", "log/", "sync", "sync/", "syscall", "runtime", "crypto/rand", "math/rand",
	"testing/", "github.com/prometheus/", "github.com/gofiber/",
}

// clockCalls of package time read or wait for the wall clock.
var clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// only names the package that alone may import what begins with the key.
var only = map[string]struct{ pkg, reason string }{
	"github.com/gofiber/":           {"gateway", "fiber is the HTTP edge, which is gateway's"},
	"github.com/valyala/fasthttp":   {"gateway", "fasthttp is the HTTP edge, which is gateway's"},
	"github.com/caarlos0/env":       {"cmd/earshot", "the environment is read in one place, cmd/earshot/config.go"},
	"github.com/pion/webrtc":        {"sfu", "PeerConnections are sfu's; clients in loadtest and tests may have them too"},
	"github.com/golang-jwt/":        {"gateway", "tokens are gateway's"},
	"github.com/pion/interceptor":   {"sfu", "media transport is sfu's"},
	"github.com/pion/transport":     {"sfu", "media transport is sfu's"},
	"github.com/pion/turn":          {"sfu/turn", "the relay is sfu/turn's"},
	"github.com/valkey-io/":         {"presence/store", "what nodes share is presence/store's; npc/store keeps memories there too"},
	"github.com/thesyncim/gopus":    {"spatialaudio/opus", "Opus is behind one interface, spatialaudio/opus"},
	"go.etcd.io/bbolt":              {"npc/store", "the embedded store is npc/store's"},
	"github.com/fasthttp/websocket": {"gateway", "WebSockets are gateway's; clients in loadtest may dial them"},
}

// onlyAlso are the exceptions to only.
var onlyAlso = map[string][]string{
	"loadtest":        {"github.com/pion/webrtc", "github.com/pion/interceptor", "github.com/pion/transport", "github.com/fasthttp/websocket"},
	"loadtest/netsim": {"github.com/pion/transport"},
	"loadtest/peer": {"github.com/pion/webrtc", "github.com/pion/interceptor", "github.com/pion/transport", "github.com/fasthttp/websocket",
		"github.com/golang-jwt/"},
	"npc/store":       {"github.com/valkey-io/"},
	"gateway/livekit": {"github.com/golang-jwt/"},
}

var badNames = []string{"util", "utils", "common", "helper", "helpers", "types", "manager", "managers", "misc"}

const maxLines = 500

// source is one Go file of the module.
type source struct {
	pkg, path string // of the folder and of the file, with slashes
	test      bool
	file      *ast.File
	fset      *token.FileSet
	lines     int
}

func TestImportPicture(t *testing.T) {
	for _, s := range sources(t) {
		for _, complaint := range s.importComplaints() {
			t.Error(complaint)
		}
	}
}

func TestCoresArePure(t *testing.T) {
	for _, s := range sources(t) {
		for _, complaint := range s.coreComplaints() {
			t.Error(complaint)
		}
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		text := s.file.Doc.Text()
		want := "Package " + s.file.Name.Name + " "
		if s.file.Name.Name == "main" {
			want = "Command "
		}
		documented[s.pkg] = documented[s.pkg] || strings.HasPrefix(text, want)
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment: say in one place what it owns, what it does not, who calls it and how concurrently", pkg)
		}
	}
}

func TestNamesAndSizes(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains(badNames, s.file.Name.Name) || slices.Contains(badNames, path.Base(s.pkg)) {
			t.Errorf("%s: a package called %s owns nothing in particular: name it after what it holds", s.path, s.file.Name.Name)
		}
		if !s.test && s.lines > maxLines {
			t.Errorf("%s has %d lines, more than %d: split it by type or mechanism", s.path, s.lines, maxLines)
		}
	}
}

// The checks above find what they are for.
func TestPictureChecksItself(t *testing.T) {
	for _, tc := range []struct{ path, code, want string }{
		{"sfu/a.go", `import "earshot/presence"`, "engines never import one another"},
		{"sfu/a.go", `import "earshot/sfu/forward"`, ""},
		{"loadtest/a.go", `import "earshot/gateway"`, "loadtest is a client"},
		{"loadtest/a_test.go", `import "earshot/gateway"`, ""},
		{"ids.go", `import "earshot/sfu"`, "imports nothing"},
		{"sfu/a.go", `import "github.com/gofiber/fiber/v2"`, "gateway's"},
		{"gateway/a.go", `import "github.com/gofiber/fiber/v2"`, ""},
		{"loadtest/a.go", `import "github.com/pion/webrtc/v4"`, ""},
		{"gateway/a.go", `import "github.com/pion/webrtc/v4"`, "sfu's"},
		{"stores/a.go", `import "fmt"`, "not in the picture"},
		{"spatialaudio/a.go", `import "net/http"`, "pure"},
		{"spatialaudio/a_test.go", `import "os"`, ""},
		{"spatialaudio/a.go", `import "github.com/prometheus/client_golang/prometheus"`, "pure"},
		{"presence/a.go", `import "github.com/prometheus/client_golang/prometheus"`, ""},
		{"sfu/forward/a.go", `import "time"; func f() time.Time { return time.Now() }`, "time.Now"},
		{"sfu/forward/a.go", `import clock "time"; func f() { clock.Sleep(1) }`, "time.Sleep"},
		{"sfu/forward/a.go", `import "time"; func f(now time.Time) time.Time { return now.Add(time.Second) }`, ""},
		{"sfu/forward/a.go", `func f() { go f() }`, "goroutine"},
	} {
		s := parse(t, tc.path, []byte("package p; "+tc.code))
		got := strings.Join(append(s.importComplaints(), s.coreComplaints()...), "\n")
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s with %s: complaint %q, want %q", tc.path, tc.code, got, tc.want)
		}
	}
}

func (s *source) importComplaints() (complaints []string) {
	allowed, known := picture[s.pkg]
	if !known {
		return []string{fmt.Sprintf("%s: package %s is not in the picture: give it a place in ARCHITECTURE.md and in imports_test.go", s.path, s.pkg)}
	}
	if s.test {
		allowed = append(append([]string{s.pkg}, allowed...), testsMayAlso[s.pkg]...)
	}
	for _, imported := range s.imports() {
		if imported == "earshot" {
			continue
		}
		if own, ok := strings.CutPrefix(imported, "earshot/"); ok {
			if !slices.Contains(allowed, own) {
				complaints = append(complaints, fmt.Sprintf("%s imports %s, an edge that is not in the picture of ARCHITECTURE.md: %s", s.path, imported, s.reason()))
			}
			continue
		}
		complaints = append(complaints, s.ownershipComplaints(imported)...)
	}
	return complaints
}

func (s *source) ownershipComplaints(imported string) (complaints []string) {
	for prefix, owner := range only {
		exempt := s.pkg == owner.pkg || s.test || slices.Contains(onlyAlso[s.pkg], prefix)
		if strings.HasPrefix(imported, prefix) && !exempt {
			complaints = append(complaints, fmt.Sprintf("%s imports %s: %s", s.path, imported, owner.reason))
		}
	}
	return complaints
}

func (s *source) reason() string {
	if slices.Contains(cores, s.pkg) {
		return "a core stands alone, so that it can be tested and read alone"
	}
	if r, ok := reasons[s.pkg]; ok {
		return r
	}
	return "move the code to where the picture allows it, or change the picture with a reason"
}

func (s *source) coreComplaints() (complaints []string) {
	if s.test || !slices.Contains(cores, s.pkg) {
		return nil
	}
	for _, imported := range s.imports() {
		for _, banned := range notInCores {
			if imported == banned || strings.HasSuffix(banned, "/") && strings.HasPrefix(imported, banned) {
				complaints = append(complaints, fmt.Sprintf("%s imports %s, but %s is a pure core: let the shell do it and pass the value in", s.path, imported, s.pkg))
			}
		}
	}
	clock := s.localName("time")
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			complaints = append(complaints, fmt.Sprintf("%s starts a goroutine in a pure core: the shell owns those", s.fset.Position(n.Pos())))
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && clock != "" && x.Name == clock && slices.Contains(clockCalls, n.Sel.Name) {
				complaints = append(complaints, fmt.Sprintf("%s uses time.%s in a pure core: take now time.Time", s.fset.Position(n.Pos()), n.Sel.Name))
			}
		}
		return true
	})
	return complaints
}

func (s *source) imports() (paths []string) {
	for _, spec := range s.file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// localName returns what the file calls an imported package, "" if it does not
// import it.
func (s *source) localName(imported string) string {
	for _, spec := range s.file.Imports {
		if spec.Path.Value != strconv.Quote(imported) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(imported)
	}
	return ""
}

// sources parses every Go file of this module. It reads the files itself: a
// test that asked go list would stay cached when a file changes.
func sources(t *testing.T) (all []*source) {
	t.Helper()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && skipped(p, d.Name()) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		code, err := os.ReadFile(p)
		if err == nil {
			all = append(all, parse(t, filepath.ToSlash(p), code))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 {
		t.Fatalf("found %d Go files, want the whole module", len(all))
	}
	return all
}

// skipped folders hold no packages of this module; a go.mod marks another.
func skipped(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil || name == "node_modules" || name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".")
}

func parse(t *testing.T, name string, code []byte) *source {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, code, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return &source{
		pkg: path.Dir(name), path: name, test: strings.HasSuffix(name, "_test.go"),
		file: file, fset: fset, lines: bytes.Count(code, []byte("\n")),
	}
}
