package persona

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"

	"earshot"
)

var pngSignature = []byte("\x89PNG\r\n\x1a\n")

// chunkNames are the keywords of the tEXt chunks that hold cards, in base64.
var chunkNames = map[CardVersion]string{CardV2: "chara", CardV3: "ccv3"}

// chunk is one of a PNG: PNG specification, section 5.3.
type chunk struct {
	kind string // four letters
	data []byte
	raw  []byte // length, kind, data and CRC
}

// ReadPNG returns the card in a PNG: of two the V3 one, as its specification
// asks. Pixels are not decoded.
func ReadPNG(image []byte) (*Card, error) {
	chunks, err := pngChunks(image)
	if err != nil {
		return nil, err
	}
	for _, v := range []CardVersion{CardV3, CardV2} {
		for _, c := range chunks {
			if c.keyword() == chunkNames[v] {
				return c.card()
			}
		}
	}
	return nil, earshot.Errorf(earshot.CodeNotFound, "PNG without a character card: no tEXt chunk chara or ccv3")
}

// WritePNG returns image with the card in it. The chunk of the card's version
// is replaced where it stands, or added before the end; one of the other
// version, which would contradict it, is left out. An image that has exactly
// this card already is returned as it is. Bytes after the end of the PNG are
// dropped, all other chunks stay byte-equal.
func WritePNG(image []byte, card *Card) ([]byte, error) {
	chunks, err := pngChunks(image)
	if err != nil {
		return nil, err
	}
	if old, err := ReadPNG(image); err == nil && bytes.Equal(old.text, card.text) {
		return bytes.Clone(image), nil
	}
	fresh := cardChunk(card)
	out := bytes.Clone(pngSignature)
	written := false
	for _, c := range chunks {
		isCard := c.keyword() == chunkNames[CardV2] || c.keyword() == chunkNames[CardV3]
		if (c.keyword() == chunkNames[card.version] || c.kind == "IEND") && !written {
			out, written = append(out, fresh...), true
		}
		if !isCard {
			out = append(out, c.raw...)
		}
	}
	if len(out) > MaxPNG {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "PNG with the card would have %d bytes, at most %d are allowed", len(out), MaxPNG)
	}
	return out, nil
}

func cardChunk(card *Card) []byte {
	body := append([]byte("tEXt"+chunkNames[card.version]+"\x00"), base64.StdEncoding.EncodeToString(card.text)...)
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	out = append(out, body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
}

// pngChunks lists the chunks up to IEND. They point into image.
func pngChunks(image []byte) (chunks []chunk, err error) {
	if len(image) > MaxPNG {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "PNG of %d bytes, at most %d are read", len(image), MaxPNG)
	}
	rest, ok := bytes.CutPrefix(image, pngSignature)
	if !ok {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "no PNG: wrong signature")
	}
	for len(chunks) < maxChunks {
		if len(rest) < 12 {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "PNG is cut off in chunk %d", len(chunks))
		}
		n := binary.BigEndian.Uint32(rest)
		if uint64(n)+12 > uint64(len(rest)) {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "PNG chunk %d says %d bytes, more than there are", len(chunks), n)
		}
		c := chunk{kind: string(rest[4:8]), data: rest[8 : 8+n], raw: rest[:12+n]}
		if len(chunks) == 0 && c.kind != "IHDR" {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "PNG does not begin with IHDR")
		}
		chunks, rest = append(chunks, c), rest[12+n:]
		if c.kind == "IEND" {
			return chunks, nil
		}
	}
	return nil, earshot.Errorf(earshot.CodeResourceExhausted, "PNG of more than %d chunks", maxChunks)
}

// keyword returns that of a tEXt chunk in lower case, otherwise "".
func (c *chunk) keyword() string {
	word, _, ok := bytes.Cut(c.data[:min(len(c.data), 80)], []byte{0})
	if c.kind != "tEXt" || !ok {
		return ""
	}
	return strings.ToLower(string(word))
}

func (c *chunk) card() (*Card, error) {
	body := c.raw[4 : len(c.raw)-4]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(c.raw[len(c.raw)-4:]) {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "PNG chunk %s is damaged: wrong checksum", c.keyword())
	}
	_, encoded, _ := bytes.Cut(c.data, []byte{0})
	if len(encoded) > MaxCard/2*3 {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "PNG chunk %s has %d bytes, too many for a card", c.keyword(), len(encoded))
	}
	encoded = bytes.TrimRight(encoded, "=\r\n ")
	text := make([]byte, base64.RawStdEncoding.DecodedLen(len(encoded)))
	n, err := base64.RawStdEncoding.Decode(text, encoded)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "PNG chunk %s is not base64: %v", c.keyword(), err)
	}
	return ParseCard(text[:n])
}
