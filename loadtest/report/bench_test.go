package report

import (
	"io"
	"testing"
)

func BenchmarkWriteHTML(b *testing.B) {
	r := judged(sample(200, 60), goodRules()...)
	for b.Loop() {
		if err := WriteHTML(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
