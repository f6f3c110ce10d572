package run

import (
	"earshot/loadtest"
	"earshot/loadtest/scenario"
)

// cameraOf returns a camera for a bot.
func cameraOf(v *scenario.Video, seed uint64) (*loadtest.VideoConfig, error) {
	film, err := v.Film(seed)
	if err != nil {
		return nil, err
	}
	cfg := &loadtest.VideoConfig{Codec: v.Codec, Source: film}
	for _, rung := range v.Rungs() {
		cfg.Layers = append(cfg.Layers, loadtest.Layer{
			RID: rung.RID, Width: rung.Width, Height: rung.Height, FPS: rung.FPS, Kbps: rung.Kbps,
		})
	}
	return cfg, nil
}
