package persona

import "bytes"

// Format is how a card was packed.
type Format string

// The formats, by the usual ending of their files.
const (
	FormatJSON  Format = "json"
	FormatPNG   Format = "png"
	FormatCharx Format = "charx"
)

// ReadCard reads a card of any format, told by its first bytes and not by a
// name. A caller that wants to write a PNG or .charx back keeps file: WritePNG
// and ReadCharx take it.
func ReadCard(file []byte) (*Card, Format, error) {
	switch {
	case bytes.HasPrefix(file, pngSignature):
		card, err := ReadPNG(file)
		return card, FormatPNG, err
	case bytes.HasPrefix(file, []byte("PK")):
		x, err := ReadCharx(file)
		if err != nil {
			return nil, FormatCharx, err
		}
		return x.Card, FormatCharx, nil
	}
	card, err := ParseCard(file)
	return card, FormatJSON, err
}
