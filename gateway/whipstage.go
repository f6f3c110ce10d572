package gateway

import (
	"fmt"
	"strings"

	"earshot"
)

// maxStages bounds the stages of a world.
const maxStages = 32

// StageConfig is a place where streams stand: what comes by WHIP.
type StageConfig struct {
	// ID names the stage in its world (1-32 of a-z, 0-9 and -).
	ID string `yaml:"id"`
	// Position is where a stream stands, in metres; it faces Yaw, in degrees.
	// Its voice comes from the height of a head above it.
	Position [3]float32 `yaml:"position"`
	Yaw      float32    `yaml:"yaw"`
}

func validateStages(at string, list []StageConfig) error {
	if len(list) > maxStages {
		return invalid("%s.stages: %d, at most %d", at, len(list), maxStages)
	}
	seen := map[string]bool{}
	for i, s := range list {
		at := fmt.Sprintf("%s.stages[%d]", at, i)
		switch {
		case !worldName.MatchString(s.ID):
			return invalid("%s.id: %q is not a name of 1 to 32 of a-z, 0-9 and -", at, s.ID)
		case seen[s.ID]:
			return invalid("%s.id: %s is there twice", at, s.ID)
		case !finite3(s.Position):
			return invalid("%s.position: want three numbers within 100 km", at)
		case !(s.Yaw >= -360 && s.Yaw <= 360):
			return invalid("%s.yaw: %g is outside -360 to 360 degrees", at, s.Yaw)
		}
		seen[s.ID] = true
	}
	return nil
}

// stage returns the stage of a name. Without a name it is the first of the
// world, or, where the world has none, the middle of where newcomers appear.
func (w *WorldConfig) stage(name string) (StageConfig, error) {
	names := make([]string, len(w.Stages))
	for i, s := range w.Stages {
		if s.ID == name || name == "" {
			return s, nil
		}
		names[i] = s.ID
	}
	switch {
	case name == "":
		return StageConfig{Position: w.Spawn, Yaw: w.SpawnYaw}, nil
	case len(names) == 0:
		return StageConfig{}, earshot.Errorf(earshot.CodeNotFound, "this world has no stages, so there is no stage %q: leave it out, or add it to the world's configuration", clip(name))
	}
	return StageConfig{}, earshot.Errorf(earshot.CodeNotFound, "this world has no stage %q; there are: %s", clip(name), strings.Join(names, ", "))
}

// pose is how a stream stands on the stage.
func (s *StageConfig) pose() earshot.Pose { return earshot.Standing(vec(s.Position), s.Yaw*degree) }

// stageOf returns the stage that a token and a request name together; "" is
// none. A token that names one is good for that one only.
func stageOf(claims *Claims, asked string) (string, error) {
	switch {
	case claims.Stage == "":
		return asked, nil
	case asked == "" || asked == claims.Stage:
		return claims.Stage, nil
	}
	return "", denied("the token is for stage %q: leave ?stage= out, or ask for a token for %q", claims.Stage, clip(asked))
}
