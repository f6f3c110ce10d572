package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"earshot/deploy"
	"earshot/gateway"
)

const testSecret = "a secret of the tests, 32 bytes and more"

// earshotCommand runs a command line and returns what it printed.
func earshotCommand(t *testing.T, env map[string]string, args ...string) (out, log string, code int) {
	t.Helper()
	var o, l bytes.Buffer
	code = program{env: env, out: &o, log: &l}.run(t.Context(), args)
	return o.String(), l.String(), code
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "earshot.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The example file is read as strictly as any, and says the defaults.
func TestExampleIsTheDefault(t *testing.T) {
	got := defaultConfig()
	if err := got.decode([]byte(deploy.Example)); err != nil {
		t.Fatalf("deploy/earshot.example.yaml: %v", err)
	}
	if want := defaultConfig(); !reflect.DeepEqual(got, want) {
		t.Errorf("deploy/earshot.example.yaml says\n%+v, want the defaults\n%+v", got, want)
	}
}

// Every key of the configuration is in the example.
func TestExampleIsComplete(t *testing.T) {
	var shown, all map[string]any
	data, err := yaml.Marshal(defaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(deploy.Example), &shown); err != nil {
		t.Fatal(err)
	}
	missing(t, "", all, shown)
	for _, key := range []string{"id", "algorithm", "secret_file", "public_key_file"} {
		if !strings.Contains(deploy.Example, key+":") {
			t.Errorf("deploy/earshot.example.yaml does not mention %s of a key", key)
		}
	}
}

func missing(t *testing.T, at string, all, shown map[string]any) {
	t.Helper()
	for key, value := range all {
		other, there := shown[key]
		if !there && key != "keys" {
			t.Errorf("deploy/earshot.example.yaml lacks %s%s", at, key)
		}
		if inner, ok := value.(map[string]any); ok && there {
			missing(t, at+key+".", inner, other.(map[string]any))
		}
	}
}

func TestConfigLayers(t *testing.T) {
	file := writeFile(t, "listen: localhost:1001\nadmin: localhost:1002\nlog: {level: warn}\nmedia: {udp: '127.0.0.1:1003'}\n")
	env := map[string]string{
		"EARSHOT_CONFIG": file, "EARSHOT_ADMIN": "off", "EARSHOT_UDP": "2003", "EARSHOT_EGRESS": "auto", "EARSHOT_LOG_LEVEL": "error",
		"EARSHOT_PUBLIC_IPS": "192.0.2.1,192.0.2.2", "EARSHOT_SERVICE_HOST": "set by Kubernetes",
	}
	level := "debug"
	got, err := loadConfig(settings{LogLevel: &level}, env)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ what, got, want string }{
		{"listen, of the file", got.Listen, "localhost:1001"},
		{"admin, turned off by the environment", got.Admin, ""},
		{"udp, of the environment", got.Media.UDP, "0.0.0.0:2003"},
		{"egress, of the environment", got.Media.Egress, "auto"},
		{"public_ips, of the environment", strings.Join(got.Media.PublicIPs, " "), "192.0.2.1 192.0.2.2"},
		{"log.level, of the flag", got.Log.Level.String(), "DEBUG"},
		{"log.format, of nobody", got.Log.Format, "text"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s = %q, want %q", tc.what, tc.got, tc.want)
		}
	}
}

// A world of the file replaces the demo world and starts from its defaults.
func TestWorldsOfTheFile(t *testing.T) {
	cfg := defaultConfig()
	if err := cfg.decode([]byte("worlds:\n  arena:\n    capacity: 7\n    voice: {range: 30}\n  lobby:\n")); err != nil {
		t.Fatal(err)
	}
	want := gateway.DefaultWorld()
	want.Title, want.Capacity, want.Voice.Range = "arena", 7, 30
	if got := cfg.Worlds["arena"]; !reflect.DeepEqual(got, want) {
		t.Errorf("arena = %+v, want %+v", got, want)
	}
	if got := cfg.Worlds["lobby"]; got.Capacity != gateway.DefaultWorld().Capacity {
		t.Errorf("lobby, given without keys, = %+v, want the defaults", got)
	}
	if len(cfg.Worlds) != 2 {
		t.Errorf("worlds = %v, want arena and lobby only", cfg.Worlds)
	}
}

func TestConfigRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		file string
		env  map[string]string
		args []string
		says string
	}{
		"unknown key":        {file: "listen: localhost:1\nlistne: x\n", says: `line 2: there is no key "listne"`},
		"unknown deep key":   {file: "worlds:\n  plaza:\n    voice:\n      reach: 5\n", says: `line 4: there is no key "reach"`},
		"unknown media key":  {file: "media: {upd: 5}", says: `line 1: there is no key "upd"`},
		"wrong type":         {file: "max_joins: many\n", says: "line 1: cannot unmarshal"},
		"key twice":          {file: "admin: a:1\nadmin: b:1\n", says: "line 2"},
		"not YAML":           {file: "listen: [\n", says: "line"},
		"two documents":      {file: "admin: ''\n---\nadmin: ''\n", says: "second document"},
		"no worlds":          {file: "worlds: {}\n", says: "worlds"},
		"bad world":          {file: "worlds: {'Big Hall': {}}\n", says: "Big Hall"},
		"bad capacity":       {file: "worlds: {hall: {capacity: 0}}\n", says: "capacity"},
		"bad duration":       {file: "media: {resume: soon}\n", says: "line 1"},
		"duration too long":  {file: "media: {resume: 11m}\n", says: "media.resume"},
		"short secret":       {file: "keys: [{id: main, secret: sesame}]\n", says: "keys[0]: secret: has 6 bytes"},
		"missing file":       {args: []string{"-config", "no/such/file.yaml"}, says: "no/such/file.yaml"},
		"bad listen":         {args: []string{"-listen", "8080"}, says: `"8080" is not HOST:PORT`},
		"bad udp":            {args: []string{"-udp", "70000"}, says: "media.udp"},
		"bad level":          {args: []string{"-log-level", "loud"}, says: `"loud" is not debug`},
		"bad format":         {env: map[string]string{"EARSHOT_LOG_FORMAT": "xml"}, says: "log.format"},
		"bad level by env":   {env: map[string]string{"EARSHOT_LOG_LEVEL": "loud"}, says: "environment: the log level"},
		"secret without id":  {env: map[string]string{"EARSHOT_KEY_SECRET": testSecret}, says: "belong together"},
		"bad IP":             {env: map[string]string{"EARSHOT_PUBLIC_IPS": "example.org"}, says: "public_ips"},
		"unknown flag":       {args: []string{"-port", "1"}, says: "earshot config -help"},
		"argument":           {args: []string{"earshot.yaml"}, says: `"earshot.yaml" is not a flag`},
		"flag without value": {args: []string{"-listen"}, says: "needs an argument"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"config"}, tc.args...)
			if tc.file != "" {
				args = append(args, "-config", writeFile(t, tc.file))
			}
			out, log, code := earshotCommand(t, tc.env, args...)
			if code != exitUsage || out != "" || strings.Count(log, "\n") != 1 || !strings.Contains(log, tc.says) {
				t.Errorf("exit %d, printed %q and %q; want exit 2 and one line with %q", code, out, log, tc.says)
			}
			if strings.Contains(log, testSecret) || strings.Contains(log, "sesame") {
				t.Errorf("the error tells the secret: %q", log)
			}
		})
	}
}

func TestConfigPrintsWhatIsInForce(t *testing.T) {
	env := map[string]string{"EARSHOT_KEY_ID": "main", "EARSHOT_KEY_SECRET": testSecret}
	out, log, code := earshotCommand(t, env, "config", "-listen", "0.0.0.0:80")
	if code != 0 || log != "" {
		t.Fatalf("exit %d, %q", code, log)
	}
	if strings.Contains(out, testSecret) || !strings.Contains(out, "masked") {
		t.Errorf("earshot config shows the secret, or not that it is masked:\n%s", out)
	}
	for _, want := range []string{"listen: 0.0.0.0:80\n", "id: main\n", "resume: 10s\n", "udp: 0.0.0.0:3478\n", "loopback: false\n", "plaza:\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("earshot config lacks %q:\n%s", want, out)
		}
	}
	out, _, _ = earshotCommand(t, nil, "config")
	if !strings.Contains(out, "loopback: true\n") {
		t.Errorf("without keys media is not announced on this machine:\n%s", out)
	}
	if out, _, code := earshotCommand(t, nil, "config", "-example"); code != 0 || out != deploy.Example {
		t.Errorf("earshot config -example: exit %d, %d bytes", code, len(out))
	}
}

// Development conveniences never apply where a key is set, wherever it is set.
func TestNoDevelopmentWithKeys(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"file":        {"EARSHOT_CONFIG": writeFile(t, "keys: [{id: main, secret: '"+testSecret+"'}]\n")},
		"environment": {"EARSHOT_KEY_ID": "main", "EARSHOT_KEY_SECRET": testSecret},
	} {
		cfg, err := loadConfig(settings{}, env)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Development() {
			t.Errorf("key from %s: the node is in development", name)
		}
	}
}
