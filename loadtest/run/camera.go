package run

import (
	"earshot"
	"earshot/loadtest"
	"earshot/loadtest/scenario"
)

func cameraOf(v *scenario.Video, seed uint64) (*loadtest.VideoConfig, error) {
	return nil, earshot.Errorf(earshot.CodeUnimplemented, "no cameras yet")
}
