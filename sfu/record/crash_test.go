package record

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"earshot/sfu/record/format"
)

// victimEnv makes TestVictim record into the folder that it names, until it is
// killed.
const victimEnv = "EARSHOT_RECORD_VICTIM"

func TestVictim(t *testing.T) {
	dir := os.Getenv(victimEnv)
	if dir == "" {
		t.Skip("only a child of TestKilledInTheMiddle")
	}
	l := openLibrary(t, dir, nil)
	r := start(t, l)
	r.Join("pa_ada", "Ada", "person")
	m := &mouth{track: r.Track("pa_ada", "microphone", nil)}
	c := &cameraOf{track: r.Track("pa_ada", "camera", nil)}
	n := 0
	for range time.Tick(20 * time.Millisecond) { // real time: this is no bubble
		m.send()
		if n++; n%2 == 0 {
			c.frame(n%50 == 2)
		}
		if n%50 == 0 {
			r.Pose("pa_ada", fmt.Appendf(nil, "a snapshot, number %d", n))
			fmt.Println("second", n/50)
		}
	}
}

// kill -9 after five seconds: what was recorded, but for the last second, can
// be played, and the manifest is brought to an end at the next start. A machine
// that wrote less in its five seconds, being busy, gets two tries more.
func TestKilledInTheMiddle(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 6 s of real time")
	}
	const tries = 3
	for try := 1; ; try++ {
		short := killInTheMiddle(t)
		if short == "" {
			return
		}
		if try == tries {
			t.Fatal(short)
		}
		t.Logf("%s: trying again", short)
	}
}

// killInTheMiddle returns in what too little is kept, "" where it is enough.
func killInTheMiddle(t *testing.T) (short string) {
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestVictim$", "-test.v")
	child.Env = append(os.Environ(), victimEnv+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var began time.Time
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "second 5"; {
		if lines.Text() == "second 1" {
			began = time.Now().Add(-time.Second)
		}
	}
	lived := time.Since(began)
	if err := child.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("the child ended with %v", err)
	}

	l := openLibrary(t, dir, nil)
	defer l.close()
	list := l.List()
	if len(list) != 1 || list[0].State != format.StateInterrupted || len(list[0].Tracks) != 2 {
		t.Fatalf("recordings: %+v", list)
	}
	m := list[0]
	folder := filepath.Join(dir, m.ID)
	least := lived.Milliseconds() - 2500
	for _, track := range m.Tracks {
		var numbers []int
		if track.Codec == "opus" {
			numbers, _ = heardIn(t, folder, track)
		} else {
			numbers, _ = shownIn(t, folder, track)
		}
		for i, n := range numbers {
			if n != numbers[0]+i {
				t.Fatalf("%s: number %d at place %d", track.File, n, i)
			}
		}
		if len(numbers) == 0 || track.Bytes == 0 {
			t.Errorf("%s: %d units, %d bytes", track.File, len(numbers), track.Bytes)
		}
		if track.DurationMS < least {
			short = fmt.Sprintf("%s: %d ms, want at least %d", track.File, track.DurationMS, least)
		}
	}
	if m.Ended.IsZero() || m.Participants[0].Present[0].To == 0 || m.Poses.Bytes == 0 {
		t.Errorf("manifest: %+v, %+v", m, m.Participants[0])
	}
	if m.DurationMS < least {
		short = fmt.Sprintf("the manifest says %d ms, want at least %d", m.DurationMS, least)
	}
	return short
}
