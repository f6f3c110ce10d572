//go:build libopus && cgo

package opus

/*
#cgo pkg-config: opus
#cgo noescape earshot_encode
#cgo nocallback earshot_encode
#cgo noescape earshot_encode16
#cgo nocallback earshot_encode16
#cgo noescape earshot_decode
#cgo nocallback earshot_decode
#include <opus.h>

// opus_encoder_ctl takes a variable number of arguments, which Go cannot pass.
static int earshot_encoder_init(OpusEncoder *e, int channels, int application, int bitrate, int complexity, int loss, int dtx) {
	int err = opus_encoder_init(e, 48000, channels, application);
	if (err == OPUS_OK) err = opus_encoder_ctl(e, OPUS_SET_BITRATE(bitrate));
	if (err == OPUS_OK) err = opus_encoder_ctl(e, OPUS_SET_COMPLEXITY(complexity));
	if (err == OPUS_OK) err = opus_encoder_ctl(e, OPUS_SET_INBAND_FEC(loss > 0));
	if (err == OPUS_OK) err = opus_encoder_ctl(e, OPUS_SET_PACKET_LOSS_PERC(loss));
	if (err == OPUS_OK) err = opus_encoder_ctl(e, OPUS_SET_DTX(dtx));
	return err;
}

static int earshot_lookahead(OpusEncoder *e) {
	opus_int32 n = 0;
	opus_encoder_ctl(e, OPUS_GET_LOOKAHEAD(&n));
	return n;
}

static int earshot_encode(OpusEncoder *e, const float *pcm, int frame, unsigned char *packet, int size) {
	return opus_encode_float(e, pcm, frame, packet, size);
}

static int earshot_encode16(OpusEncoder *e, const opus_int16 *pcm, int frame, unsigned char *packet, int size) {
	return opus_encode(e, pcm, frame, packet, size);
}

static int earshot_decode(OpusDecoder *d, const unsigned char *packet, int size, float *pcm, int frame, int fec) {
	return opus_decode_float(d, packet, size, pcm, frame, fec);
}

static void earshot_decoder_reset(OpusDecoder *d) {
	opus_decoder_ctl(d, OPUS_RESET_STATE);
}
*/
import "C"

import (
	"errors"
	"unsafe"
)

// native is libopus where the build has it.
func native() codec { return libopus{} }

// libopus is the reference implementation, linked from the system. Its states
// lie in Go's memory: they hold no pointers but to libopus's constant tables,
// and so need neither a finalizer nor a Close to be freed.
type libopus struct{}

func (libopus) name() string { return C.GoString(C.opus_get_version_string()) }

func (libopus) newEncoder(cfg EncoderConfig) (encoding, error) {
	application, dtx := C.int(C.OPUS_APPLICATION_VOIP), C.int(0)
	if cfg.Application == LowDelay {
		application = C.OPUS_APPLICATION_RESTRICTED_LOWDELAY
	}
	if cfg.DTX {
		dtx = 1
	}
	e := &libopusEncoder{state: newState(C.opus_encoder_get_size(C.int(cfg.Channels)))}
	code := C.earshot_encoder_init(e.c(), C.int(cfg.Channels), application, C.int(cfg.Bitrate), C.int(cfg.Complexity), C.int(cfg.Loss), dtx)
	return e, libopusError(code)
}

func (libopus) newDecoder(cfg DecoderConfig) (decoding, error) {
	d := &libopusDecoder{channels: cfg.Channels, state: newState(C.opus_decoder_get_size(C.int(cfg.Channels)))}
	return d, libopusError(C.opus_decoder_init(d.c(), C.opus_int32(cfg.Rate), C.int(cfg.Channels)))
}

// newState returns aligned memory of at least size bytes.
func newState(size C.int) []uint64 { return make([]uint64, (int(size)+7)/8) }

type libopusEncoder struct{ state []uint64 }

func (l *libopusEncoder) c() *C.OpusEncoder { return (*C.OpusEncoder)(unsafe.Pointer(&l.state[0])) }

func (l *libopusEncoder) encode(pcm []float32, packet []byte) (int, error) {
	return result(C.earshot_encode(l.c(), (*C.float)(&pcm[0]), FrameSamples, (*C.uchar)(&packet[0]), C.int(len(packet))))
}

func (l *libopusEncoder) encodeInt16(pcm []int16, packet []byte) (int, error) {
	return result(C.earshot_encode16(l.c(), (*C.opus_int16)(&pcm[0]), FrameSamples, (*C.uchar)(&packet[0]), C.int(len(packet))))
}

func (l *libopusEncoder) lookahead() int { return int(C.earshot_lookahead(l.c())) }

type libopusDecoder struct {
	channels int
	state    []uint64
}

func (l *libopusDecoder) c() *C.OpusDecoder { return (*C.OpusDecoder)(unsafe.Pointer(&l.state[0])) }

func (l *libopusDecoder) decode(packet []byte, pcm []float32) (int, error) {
	return l.do(packet, pcm, 0)
}

func (l *libopusDecoder) recover(packet []byte, pcm []float32) (int, error) {
	return l.do(packet, pcm, 1)
}

func (l *libopusDecoder) conceal(pcm []float32) (int, error) { return l.do(nil, pcm, 0) }

func (l *libopusDecoder) do(packet []byte, pcm []float32, fec C.int) (int, error) {
	if len(pcm) < l.channels {
		return 0, libopusError(C.OPUS_BUFFER_TOO_SMALL)
	}
	var data *C.uchar
	if len(packet) > 0 {
		data = (*C.uchar)(&packet[0])
	}
	return result(C.earshot_decode(l.c(), data, C.int(len(packet)), (*C.float)(&pcm[0]), C.int(len(pcm)/l.channels), fec))
}

func (l *libopusDecoder) reset() { C.earshot_decoder_reset(l.c()) }

// result is a count, or a code below 0.
func result(n C.int) (int, error) {
	if n < 0 {
		return 0, libopusError(n)
	}
	return int(n), nil
}

func libopusError(code C.int) error {
	if code == C.OPUS_OK {
		return nil
	}
	return errors.New(C.GoString(C.opus_strerror(code)))
}
