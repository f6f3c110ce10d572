package opus

import "github.com/thesyncim/gopus"

// pureGo is github.com/thesyncim/gopus.
type pureGo struct{}

func (pureGo) name() string { return "gopus" }

func (pureGo) newEncoder(cfg EncoderConfig) (encoding, error) {
	application := gopus.ApplicationVoIP
	if cfg.Application == LowDelay {
		application = gopus.ApplicationLowDelay
	}
	e, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: Rate, Channels: cfg.Channels, Application: application})
	if err != nil {
		return nil, err
	}
	e.SetFEC(cfg.Loss > 0)
	e.SetDTX(cfg.DTX)
	for _, err := range []error{
		e.SetFrameSize(FrameSamples),
		e.SetBitrate(cfg.Bitrate),
		e.SetComplexity(cfg.Complexity),
		e.SetPacketLoss(cfg.Loss),
	} {
		if err != nil {
			return nil, err
		}
	}
	return gopusEncoder{e}, nil
}

func (pureGo) newDecoder(cfg DecoderConfig) (decoding, error) {
	d, err := gopus.NewDecoder(gopus.DecoderConfig{
		SampleRate: cfg.Rate, Channels: cfg.Channels,
		MaxPacketSamples: cfg.Rate / 1000 * maxDuration, MaxPacketBytes: MaxReceived,
	})
	if err != nil {
		return nil, err
	}
	return gopusDecoder{d}, nil
}

type gopusEncoder struct{ e *gopus.Encoder }

func (g gopusEncoder) encode(pcm []float32, packet []byte) (int, error) {
	return g.e.Encode(pcm, packet)
}

func (g gopusEncoder) encodeInt16(pcm []int16, packet []byte) (int, error) {
	return g.e.EncodeInt16(pcm, packet)
}

func (g gopusEncoder) lookahead() int { return g.e.Lookahead() }

type gopusDecoder struct{ d *gopus.Decoder }

func (g gopusDecoder) decode(packet []byte, pcm []float32) (int, error) {
	return g.d.Decode(packet, pcm)
}

func (g gopusDecoder) recover(packet []byte, pcm []float32) (int, error) {
	return g.d.DecodeWithFEC(packet, pcm, true)
}

func (g gopusDecoder) conceal(pcm []float32) (int, error) { return g.d.Decode(nil, pcm) }

func (g gopusDecoder) reset() { g.d.Reset() }
