package peer

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// What of LiveKit's signalling (livekit_rtc.proto, protocol 9 and later) a
// client needs that publishes or subscribes, written by hand: a dozen fields
// are not worth a dependency on LiveKit's module. Fields not named here are
// skipped, as protobuf has it.

// maxSignal bounds a message of the server, in bytes. A join response of a
// room of 1,000 has about 300 kB.
const maxSignal = 4 << 20

// The fields of SignalRequest and SignalResponse.
const (
	requestOffer    = 1
	requestAnswer   = 2
	requestAddTrack = 4
	requestLeave    = 8
	requestPing     = 14

	responseJoin      = 1
	responseAnswer    = 2
	responseOffer     = 3
	responseTrickle   = 4
	responsePublished = 6
	responseLeave     = 8
	responseSections  = 25
)

// signal is a SignalResponse: the one member that was set.
type signal struct {
	Join      *joinResponse
	Answer    string // SDP
	Offer     string // SDP
	Trickle   *trickle
	Published string // cid of the track that the server took
	Leave     *leave
	Sections  *sections // what lines to offer more
}

type joinResponse struct {
	Version      string
	PingInterval int // seconds
}

type trickle struct {
	Candidate  string // JSON of RTCIceCandidateInit
	Subscriber bool   // of the connection for receiving
}

type leave struct{ Reason int }

var errWire = errors.New("peer: a message of LiveKit is no protobuf as livekit_rtc.proto has it")

// addTrack is an AddTrackRequest.
type addTrack struct {
	CID    string
	Name   string
	Video  bool
	Width  int
	Height int
}

func encodeSession(field protowire.Number, kind, sdp string) []byte {
	var b []byte
	b = text(b, 1, kind)
	b = text(b, 2, sdp)
	return message(nil, field, b)
}

func encodeAddTrack(t addTrack) []byte {
	var b []byte
	b = text(b, 1, t.CID)
	b = text(b, 2, t.Name)
	source := uint64(2) // microphone
	if t.Video {
		b = number(b, 3, 1)
		b = number(b, 4, uint64(t.Width))
		b = number(b, 5, uint64(t.Height))
		source = 1 // camera
	}
	b = number(b, 8, source)
	if t.Video {
		var layer []byte
		layer = number(layer, 1, 2) // high, as of one layer
		layer = number(layer, 2, uint64(t.Width))
		layer = number(layer, 3, uint64(t.Height))
		b = message(b, 9, layer)
	} else {
		b = number(b, 13, 1) // no RED
	}
	return message(nil, requestAddTrack, b)
}

func encodePing(millis int64) []byte { return number(nil, requestPing, uint64(millis)) }

// encodeLeave says that the client goes (reason CLIENT_INITIATED).
func encodeLeave() []byte { return message(nil, requestLeave, number(nil, 2, 1)) }

func text(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func number(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func message(b []byte, field protowire.Number, inner []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), inner)
}

// fields calls f for each field of a message. Numbers come in value, strings
// and messages in data.
func fields(b []byte, f func(field protowire.Number, value uint64, data []byte) error) error {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errWire
		}
		b = b[n:]
		var value uint64
		var data []byte
		switch kind {
		case protowire.VarintType:
			value, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			data, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(field, kind, b)
		}
		if n < 0 {
			return errWire
		}
		b = b[n:]
		if err := f(field, value, data); err != nil {
			return err
		}
	}
	return nil
}

// decodeSignal reads a SignalResponse. What we do not need comes as an empty
// signal.
func decodeSignal(b []byte) (*signal, error) {
	s := &signal{}
	err := fields(b, func(field protowire.Number, _ uint64, data []byte) (err error) {
		switch field {
		case responseJoin:
			s.Join, err = decodeJoin(data)
		case responseAnswer:
			s.Answer, err = decodeSDP(data)
		case responseOffer:
			s.Offer, err = decodeSDP(data)
		case responseTrickle:
			s.Trickle, err = decodeTrickle(data)
		case responsePublished:
			s.Published, err = decodePublished(data)
		case responseLeave:
			s.Leave, err = decodeLeave(data)
		case responseSections:
			s.Sections, err = decodeSections(data)
		}
		return err
	})
	return s, err
}

func decodeJoin(b []byte) (*joinResponse, error) {
	j := &joinResponse{}
	return j, fields(b, func(field protowire.Number, value uint64, data []byte) error {
		switch field {
		case 11: // ping_interval
			j.PingInterval = int(min(value, 3600))
		case 12: // server_info
			return fields(data, func(field protowire.Number, _ uint64, data []byte) error {
				if field == 2 {
					j.Version = string(data)
				}
				return nil
			})
		}
		return nil
	})
}

func decodeSDP(b []byte) (sdp string, err error) {
	err = fields(b, func(field protowire.Number, _ uint64, data []byte) error {
		if field == 2 {
			sdp = string(data)
		}
		return nil
	})
	return sdp, err
}

func decodeTrickle(b []byte) (*trickle, error) {
	t := &trickle{}
	return t, fields(b, func(field protowire.Number, value uint64, data []byte) error {
		switch field {
		case 1:
			t.Candidate = string(data)
		case 2:
			t.Subscriber = value == 1
		}
		return nil
	})
}

func decodePublished(b []byte) (cid string, err error) {
	err = fields(b, func(field protowire.Number, _ uint64, data []byte) error {
		if field == 1 {
			cid = string(data)
		}
		return nil
	})
	return cid, err
}

func decodeLeave(b []byte) (*leave, error) {
	l := &leave{}
	return l, fields(b, func(field protowire.Number, value uint64, _ []byte) error {
		if field == 2 {
			l.Reason = int(min(value, 1000))
		}
		return nil
	})
}
