package opus

import (
	"testing"

	"earshot"
)

func TestPoolIsBounded(t *testing.T) {
	pool := Pool{MaxEncoders: 1, MaxDecoders: 2}
	e, err := pool.Encoder(EncoderConfig{Channels: 1, Bitrate: 32000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Encoder(EncoderConfig{Channels: 1, Bitrate: 32000}); earshot.CodeOf(err) != earshot.CodeResourceExhausted {
		t.Errorf("a second encoder: %v, want resource_exhausted", err)
	}
	var decoders [2]*Decoder
	for i := range decoders {
		if decoders[i], err = pool.Decoder(DecoderConfig{Channels: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Decoder(DecoderConfig{Channels: 1}); earshot.CodeOf(err) != earshot.CodeResourceExhausted {
		t.Errorf("a third decoder: %v, want resource_exhausted", err)
	}
	if encoders, decoders := pool.InUse(); encoders != 1 || decoders != 2 {
		t.Errorf("InUse() = %d, %d, want 1, 2", encoders, decoders)
	}
	for range 2 { // closing again changes nothing
		e.Close()
		decoders[0].Close()
	}
	if encoders, decoders := pool.InUse(); encoders != 0 || decoders != 1 {
		t.Errorf("InUse() after Close = %d, %d, want 0, 1", encoders, decoders)
	}
	if _, err := pool.Decoder(DecoderConfig{Channels: 1}); err != nil {
		t.Errorf("after one was closed: %v", err)
	}
}
