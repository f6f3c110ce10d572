// Package deploy holds the files operators start from. Only the example
// configuration is Go's concern: earshot config -example prints it, and a test
// in cmd/earshot holds it to the real configuration.
package deploy

import _ "embed"

// Example is earshot.example.yaml.
//
//go:embed earshot.example.yaml
var Example string
