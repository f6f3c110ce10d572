package hrtf

import (
	_ "embed"

	"earshot"
)

//go:embed kemar.hrtf
var kemar []byte

// KEMAR returns the embedded table: a KEMAR dummy head, measured by Bill
// Gardner and Keith Martin, MIT Media Lab, 1994 (KEMAR.md). It takes some
// milliseconds: keep the table.
func KEMAR() (*Table, error) {
	t, err := Decode(kemar)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInternal, "the embedded table: %v", err)
	}
	return t, nil
}
