// Command hrtf turns measured head-related impulse responses into a table of
// package spatialaudio/hrtf. Run it with -help.
//
// It owns reading SOFA (as JSON), equalisation, minimum phase, delays and
// resampling; the format is spatialaudio/hrtf's, the measures are
// spatialaudio/quality's. Everything it reports is measured on the bytes it
// writes.
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"earshot"
	"earshot/spatialaudio/hrtf"
)

const help = `hrtf makes a table of head-related transfer functions.

usage: hrtf [flags] SET.json

SET.json is a SOFA file of the convention SimpleFreeFieldHRIR in the words of
mysofa2json, which Debian has in libmysofa-utils; the KEMAR set is in libmysofa1:

  mysofa2json -c /usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa >kemar.json
  go run ./cmd/hrtf -out spatialaudio/hrtf/kemar.hrtf kemar.json

Sets whose directions are not rings of equal elevation with evenly spaced
azimuths are resampled to such rings. The same set, flags, program and kind of
processor give the same bytes. It takes some seconds and prints how far the
table is from the measurements.

Look up the licence of a set before you pass a table of it on: what the file
says of it is printed, and is not always right.

flags:
`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "hrtf:", err)
			os.Exit(1)
		}
	}
}

// run is the command with its arguments and output.
func run(args []string, out io.Writer) error {
	set := flag.NewFlagSet("hrtf", flag.ContinueOnError)
	set.SetOutput(out)
	dest := set.String("out", "", "write the table here; empty: measure only")
	taps := set.Int("taps", 64, fmt.Sprintf("length of every filter at 48 kHz (%d to %d)", hrtf.MinTaps, hrtf.MaxTaps))
	reference := set.String("reference", "", "write the measurements of 72 directions here, for the tests of spatialaudio/quality")
	set.Usage = func() {
		fmt.Fprint(out, help)
		set.PrintDefaults()
	}
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() != 1 {
		set.Usage()
		return earshot.Errorf(earshot.CodeInvalidArgument, "name one file, made with mysofa2json -c SET.sofa >SET.json")
	}
	measured, err := readSet(set.Arg(0))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "set        %s: %d directions, %d samples at %.0f Hz, licence in the file: %q\n",
		measured.name, len(measured.directions), measured.samples, measured.rate, measured.licence)
	table, err := convert(measured, *taps)
	if err != nil {
		return err
	}
	encoded := table.Encode()
	if table, err = hrtf.Decode(encoded); err != nil {
		return err
	}
	fmt.Fprintf(out, "table      %d directions, %d taps, %d bytes, SHA-256 %x, symmetric: %t\n",
		table.Len(), table.Taps(), len(encoded), sha256.Sum256(encoded), table.Symmetric())
	report(out, measured, table)
	if *reference != "" {
		if err := write(*reference, measured.reference()); err != nil {
			return err
		}
	}
	if *dest == "" {
		return nil
	}
	return write(*dest, encoded)
}

func write(path string, b []byte) error {
	if err := os.WriteFile(path, b, 0o644); err != nil {
		return earshot.Errorf(earshot.CodeInvalidArgument, "write a table: %v", err)
	}
	return nil
}
