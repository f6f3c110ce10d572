package main

import "testing"

// TestE2ERecording is a recording of two browsers: they are told, and what is
// kept is what they sent, without what was muted.
func TestE2ERecording(t *testing.T) {
	runBrowserTest(t, "e2e/recording.mjs", alone+"recording: {dir: "+t.TempDir()+", min_free: 0}\n")
}
