package store

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets all parallel tests run at once, however few cores there are: they
// do hardly anything but wait for a server's clock.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", "50"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
