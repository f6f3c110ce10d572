package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"hash/crc32"
	"strings"
)

// cardText is what the card says besides figures; %s is where they come.
//
//go:embed card.md
var cardText string

// card writes MODEL.md: what the model is, from what, by which command, how
// good, and what it cannot do.
func (r *report) card(model []byte) []byte {
	var facts, figures bytes.Buffer
	fmt.Fprintf(&facts, "| file | used for | texts | licence | source | SHA-256 |\n|---|---|---|---|---|---|\n")
	for _, f := range r.files {
		use := "training, validation, test"
		if f.name == "hatecheck.csv" {
			use = "test only"
		}
		fmt.Fprintf(&facts, "| %s | %s | %d | %s | %s | `%s` |\n", f.name, use, f.rows, f.licence, f.origin, f.sum)
	}
	for _, s := range r.sections {
		fmt.Fprintf(&figures, "\n### %s\n\n", s.title)
		for i, row := range s.rows {
			fmt.Fprintf(&figures, "| %s |\n", strings.Join(row, " | "))
			if i == 0 {
				fmt.Fprintf(&figures, "|%s\n", strings.Repeat("---|", len(row)))
			}
		}
	}
	p := r.parameters
	command := fmt.Sprintf("go run ./cmd/trainmoderation -out moderation/text -seed %d -bits %d -epochs %d -rate %g -l2 %g -disguises %d -emoji %g -surge %g DATA",
		p.Seed, p.Bits, p.Epochs, p.Rate, p.L2, p.Disguises, p.Emoji, p.Surge)
	return []byte(strings.NewReplacer(
		"{{data}}", strings.TrimSpace(facts.String()),
		"{{command}}", command,
		"{{size}}", fmt.Sprint(len(model)),
		"{{crc}}", fmt.Sprintf("%08x", crc32.ChecksumIEEE(model)),
		"{{heads}}", fmt.Sprintf("%d heads of 2^%d weights", heads, p.Bits),
		"{{figures}}", strings.TrimSpace(figures.String()),
	).Replace(cardText))
}
