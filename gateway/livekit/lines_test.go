package livekit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/livekit/wire"
)

func voiceOf(name string) Track {
	return Track{Of: earshot.ParticipantID("pa_" + name), Source: wire.SourceMicrophone}
}

// answer names all lines, as the sfu does for each answer, and returns who is
// where.
func answer(l *Lines, now time.Time, mids ...string) string {
	text := ""
	for _, mid := range mids {
		t, ok := l.Name(mid, false, now, func(Track) bool { return true })
		if !ok {
			t.Of = "pa_-"
		}
		text += string(t.Of[3:])
	}
	return text
}

// TestLines: a client offers three lines before anybody is near; people come
// and go.
func TestLines(t *testing.T) {
	var l Lines
	now := time.Unix(1000, 0)
	mids := []string{"0", "1", "2"}
	step := func(d time.Duration, want Need, names string, tracks ...string) {
		t.Helper()
		now = now.Add(d)
		var list []Track
		for _, name := range tracks {
			list = append(list, voiceOf(name))
		}
		if got := l.Want(now, list); got != want {
			t.Errorf("Want(%v) = %+v, want %+v", tracks, got, want)
		}
		if names == "" {
			return
		}
		for range want.Audio {
			mids = append(mids, fmt.Sprint(len(mids)))
		}
		if got := answer(&l, now, mids...); got != names {
			t.Errorf("after Want(%v) the lines have %s, want %s", tracks, got, names)
		}
	}
	if got := answer(&l, now, mids...); got != "---" {
		t.Errorf("the first answer has %s", got)
	}
	step(time.Second, Need{}, "")
	step(time.Second, Need{Offer: true}, "", "a", "b")
	step(time.Second, Need{}, "", "a", "b") // asked already, and no offer yet
	step(time.Second, Need{Offer: true}, "ab-", "a", "b")
	step(time.Second, Need{}, "", "b", "a")
	step(time.Second, Need{}, "", "b") // a is kept for a while
	step(time.Second, Need{}, "", "a", "b")
	step(time.Second, Need{Offer: true, Audio: 1}, "abcd", "a", "b", "c", "d")
	step(time.Second, Need{}, "", "c", "d")
	// a and b are given up: their lines end, and e gets a new one.
	step(keepFor, Need{Offer: true, Audio: 1}, "--cde", "c", "d", "e")
	// d is no more: its line ends at once.
	l.Drop(voiceOf("d"))
	step(time.Second, Need{Offer: true}, "--c-e", "c", "e")
	if got := l.Bound(voiceOf("c")); got != "2" {
		t.Errorf("Bound(c) = %q", got)
	}
}

// TestLinesOnce: where a line cannot be used again every track gets a new one.
func TestLinesOnce(t *testing.T) {
	l := Lines{Once: true}
	now := time.Unix(1000, 0)
	a, b := voiceOf("a"), voiceOf("b")
	if got := l.Want(now, []Track{a}); got != (Need{Offer: true, Audio: 1}) {
		t.Errorf("Want(a) = %+v", got)
	}
	if got := answer(&l, now, "0"); got != "a" {
		t.Errorf("the first offer has %s", got)
	}
	now = now.Add(2 * keepFor)
	if got := l.Want(now, []Track{b}); got != (Need{Offer: true, Audio: 1}) {
		t.Errorf("Want(b) = %+v", got)
	}
	if got := answer(&l, now, "0", "1"); got != "-b" {
		t.Errorf("the second offer has %s", got)
	}
}

// TestLinesAgain: lines that carried somebody are used again only when there may
// be no more.
func TestLinesAgain(t *testing.T) {
	var l Lines
	now := time.Unix(1000, 0)
	mids := []string{"0", "1"}
	answer(&l, now, mids...)
	want := func(name string, need Need, names string) {
		t.Helper()
		now = now.Add(2 * keepFor)
		if got := l.Want(now, []Track{voiceOf(name)}); got != need {
			t.Errorf("Want(%s) = %+v, want %+v", name, got, need)
		}
		for range need.Audio {
			mids = append(mids, fmt.Sprint(len(mids)))
		}
		if got := answer(&l, now, mids...); got != names {
			t.Errorf("after Want(%s) the lines have %s, want %s", name, got, names)
		}
	}
	want("a", Need{Offer: true}, "a-")
	want("b", Need{Offer: true}, "-b")
	want("c", Need{Offer: true, Audio: 1}, "--c")
	for len(mids) < audioLines {
		want(fmt.Sprint(len(mids)), Need{Offer: true, Audio: 1}, strings.Repeat("-", len(mids))+fmt.Sprint(len(mids)))
	}
	want("z", Need{Offer: true}, "z"+strings.Repeat("-", audioLines-1))
}

// TestLinesBound: no more lines are asked for than a client may have.
func TestLinesBound(t *testing.T) {
	var l Lines
	now := time.Unix(1000, 0)
	var tracks []Track
	for i := range 2 * MaxAudioLines {
		tracks = append(tracks, voiceOf(fmt.Sprint(i)))
	}
	if got := l.Want(now, tracks); got != (Need{Offer: true, Audio: MaxAudioLines}) {
		t.Errorf("Want(%d tracks) = %+v", len(tracks), got)
	}
	var mids []string
	for i := range MaxAudioLines {
		mids = append(mids, fmt.Sprint(i))
	}
	answer(&l, now, mids...)
	if got := l.Want(now.Add(time.Minute), tracks); got != (Need{}) {
		t.Errorf("Want of the same = %+v", got)
	}
}
