package main

import "testing"

// TestE2EZones is a world with zones in two browsers: walls, a private table, a
// quiet place and a megaphone, measured where they are heard.
func TestE2EZones(t *testing.T) {
	runBrowserTest(t, "e2e/zones.mjs", `worlds:
  plaza:
    zones:
      - { id: room, kind: room, fade: 0.5, isolation: 18, reverb: room, shape: { form: box, height: 4, center: [8, 0], size: [6, 6] } }
      - { id: table, kind: table, fade: 0.4, sealed: true, shape: { form: cylinder, height: 4, center: [-8, 0], radius: 2 } }
      - { id: quiet, kind: quiet, fade: 0, speak: { who: nobody }, shape: { form: cylinder, height: 4, center: [0, 20], radius: 4 } }
      - { id: desk, kind: megaphone, fade: 0.3, megaphone: { gain: -6 }, shape: { form: cylinder, height: 4, center: [400, 0], radius: 2 } }
`)
}
