// Package deploy holds the files operators start from. Of Go's concern are the
// example configuration, which earshot config -example prints and a test in
// cmd/earshot holds to the real configuration, and the personas of the demo
// world.
package deploy

import (
	"embed"
	"io/fs"
)

// Example is earshot.example.yaml.
//
//go:embed earshot.example.yaml
var Example string

//go:embed personas/*.yaml
var personas embed.FS

// Personas are the characters that come with Earshot, NAME.yaml.
func Personas() fs.FS {
	sub, err := fs.Sub(personas, "personas")
	if err != nil {
		panic(err) // the name is a constant that embed has checked
	}
	return sub
}
