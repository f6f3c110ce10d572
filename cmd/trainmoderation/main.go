// Command trainmoderation trains tier 0 of moderation, the linear model that
// package moderation/text embeds, and measures it. Run it with -help.
//
// It owns reading the data, the split, training, calibration and the card; the
// features and the format are moderation/text's. Everything it reports is
// measured on the bytes it writes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"earshot"
)

const help = `trainmoderation trains the linear model of moderation/text.

usage: trainmoderation [flags] DATA

DATA is a folder with davidson.csv, surge.csv, hatemojibuild.csv (for training)
and hatecheck.csv (for testing only, never trained on). Licences: see the card.

  go run ./cmd/trainmoderation -out moderation/text ../shared/data/moderation

writes model.bin and MODEL.md (the card) there. The same data, flags, program and
kind of processor give the same bytes. It takes half a minute at most of one core
and prints, as it goes:

  split      texts per source; near duplicates stay on one side
  train      loss per pass
  validation what the thresholds and the calibration were set on
  test       AUC, recall at 1 % and 0.5 % false positives, per source
  obfuscation, HatemojiBuild by slice, HateCheck by function

After a change of features, letters.txt, lexicon.txt or the normaliser the model
must be trained again; go test ./moderation/text says so.

flags:
`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "trainmoderation:", err)
			os.Exit(1)
		}
	}
}

// run is the command with its arguments and output.
func run(args []string, out io.Writer) error {
	set := flag.NewFlagSet("trainmoderation", flag.ContinueOnError)
	set.SetOutput(out)
	p := defaultParameters()
	dest := set.String("out", "", "write model.bin and MODEL.md into this folder; empty: measure only")
	set.Uint64Var(&p.Seed, "seed", p.Seed, "of the order of examples and of the disguises added")
	set.IntVar(&p.Bits, "bits", p.Bits, "the model has 2^bits weights per head, one byte each (8 to 18)")
	set.IntVar(&p.Epochs, "epochs", p.Epochs, "passes over the training texts")
	set.Float64Var(&p.Rate, "rate", p.Rate, "learning rate (AdaGrad)")
	set.Float64Var(&p.L2, "l2", p.L2, "pull towards zero per step and weight")
	set.IntVar(&p.Disguises, "disguises", p.Disguises, "disguised copies of each training text (0 to 8)")
	set.Float64Var(&p.Emoji, "emoji", p.Emoji, "weight of HatemojiBuild against Davidson")
	set.Float64Var(&p.Surge, "surge", p.Surge, "weight of Surge against Davidson")
	tune := set.Bool("tune", false, "stop after the validation figures: for choosing flags without seeing the test texts")
	set.Usage = func() {
		fmt.Fprint(out, help)
		set.PrintDefaults()
	}
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() != 1 {
		set.Usage()
		return earshot.Errorf(earshot.CodeInvalidArgument, "name one folder with the data, such as ../shared/data/moderation")
	}
	if err := p.check(); err != nil {
		return err
	}
	corpus, err := readCorpus(set.Arg(0))
	if err != nil {
		return err
	}
	report := &report{out: out, parameters: p, files: corpus.files}
	model, err := build(corpus, p, report)
	if err != nil || *tune {
		return err
	}
	report.measure(model.model, corpus)
	if *dest == "" {
		return nil
	}
	if err := os.WriteFile(filepath.Join(*dest, "model.bin"), model.bytes, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*dest, "MODEL.md"), report.card(model.bytes), 0o644)
}
