// Package web holds the web client that the gateway serves: plain ES modules,
// embedded as they are, without a build step.
//
// The library (earshot.js, signal.js, media.js, pose.js and what they import)
// has no DOM and may be used by others; audio.js adds Web Audio; app/ is the demo
// world built with them, studio/ the page for world designers, console/ the one for
// moderators. Their tests are
// in test/ and not embedded. The package owns files only: how they are served,
// with which headers and under which policy, is gateway's. Safe for concurrent
// use.
package web

import (
	"embed"
	"io/fs"
)

//go:embed *.html *.css *.svg *.js app console studio vendor
var files embed.FS

// Files returns the client's files, index.html at the root.
func Files() fs.FS { return files }
