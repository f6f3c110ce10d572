package main

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"earshot"
)

// source is where an example comes from.
type source int

const (
	davidson source = iota
	surge
	hatemoji
	hatecheck // never trained on
	sources
)

var sourceNames = [sources]string{"Davidson", "Surge", "HatemojiBuild", "HateCheck"}

// part is which side of the split an example is on.
type part int

const (
	train part = iota
	validation
	test
	parts
)

// unknown: the data do not say.
const unknown = -1

// example is one labelled text. labels are 1, 0 or unknown, per head.
type example struct {
	text   string
	source source
	labels [heads]int
	slices []string // what it is reported under
	pair   string   // HatemojiBuild: the entry it was made from or into
	group  int      // near duplicates share it
	part   part
}

// dataFile is one file of the corpus, for the card.
type dataFile struct {
	name, licence, origin, sum string
	rows                       int
}

// corpus is all data, split.
type corpus struct {
	examples []example
	checks   []example // HateCheck
	files    []dataFile
}

// readers say how a row of each file becomes an example.
var readers = []struct {
	name, licence, origin string
	columns               []string
	read                  func(get func(string) string) example
}{
	{"davidson.csv", "MIT, (c) 2017 Tom Davidson", "Davidson et al. 2017, t-davidson/hate-speech-and-offensive-language",
		[]string{"tweet", "class"}, readDavidson},
	{"surge.csv", "MIT, (c) 2021 Surge AI", "surge-ai/toxicity", []string{"text", "is_toxic"}, readSurge},
	{"hatemojibuild.csv", "CC-BY-4.0", "Kirk et al. 2021, HannahKirk/Hatemoji",
		[]string{"entry_id", "text", "type", "set", "label_gold", "matched_id"}, readHatemoji},
	{"hatecheck.csv", "CC-BY-4.0", "Röttger et al. 2021, paul-rottger/hatecheck-data",
		[]string{"functionality", "test_case", "label_gold", "target_ident"}, readHateCheck},
}

func readDavidson(get func(string) string) example {
	e := example{text: html.UnescapeString(get("tweet")), source: davidson}
	switch get("class") {
	case "0":
		e.labels = [...]int{1, 1}
	case "1":
		e.labels = [...]int{1, 0}
	}
	return e
}

func readSurge(get func(string) string) example {
	e := example{text: get("text"), source: surge}
	if get("is_toxic") == "Toxic" {
		e.labels = [...]int{1, unknown}
	}
	return e
}

func readHatemoji(get func(string) string) example {
	e := example{text: get("text"), source: hatemoji, pair: get("matched_id")}
	if get("label_gold") == "1" {
		e.labels = [...]int{1, 1}
	}
	e.slices = []string{"type " + get("type"), "set " + get("set"), "id " + get("entry_id")}
	return e
}

func readHateCheck(get func(string) string) example {
	e := example{text: get("test_case"), source: hatecheck}
	if get("label_gold") == "hateful" {
		e.labels = [...]int{1, 1}
	}
	e.slices = []string{get("functionality"), get("target_ident")}
	return e
}

// readCorpus reads the four files and splits all but HateCheck.
func readCorpus(folder string) (*corpus, error) {
	c := &corpus{}
	for _, r := range readers {
		raw, err := os.ReadFile(filepath.Join(folder, r.name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, earshot.Errorf(earshot.CodeNotFound, "%s has no %s (%s, %s): name the folder that holds all four files", folder, r.name, r.origin, r.licence)
		}
		if err != nil {
			return nil, err
		}
		rows, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll()
		if err != nil {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "%s: %v", r.name, err)
		}
		if len(rows) == 0 {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "%s is empty", r.name)
		}
		at := map[string]int{}
		for i, name := range rows[0] {
			at[name] = i
		}
		for _, name := range r.columns {
			if _, ok := at[name]; !ok {
				return nil, earshot.Errorf(earshot.CodeInvalidArgument, "%s has no column %q", r.name, name)
			}
		}
		for _, row := range rows[1:] {
			e := r.read(func(name string) string { return row[at[name]] })
			if e.source == hatecheck {
				c.checks = append(c.checks, e)
			} else {
				c.examples = append(c.examples, e)
			}
		}
		sum := sha256.Sum256(raw)
		c.files = append(c.files, dataFile{r.name, r.licence, r.origin, hex.EncodeToString(sum[:]), len(rows) - 1})
	}
	split(c.examples)
	return c, nil
}
