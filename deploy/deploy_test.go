package deploy

import (
	"io/fs"
	"testing"
)

// The personas that come with Earshot are where the demo world looks for them.
func TestPersonas(t *testing.T) {
	files, err := fs.Glob(Personas(), "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob(*.yaml) = %v, %v, want mara.yaml", files, err)
	}
	if _, err := fs.ReadFile(Personas(), "mara.yaml"); err != nil {
		t.Error(err)
	}
}
