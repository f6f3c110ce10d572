package livekit

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"earshot"
	"earshot/gateway/livekit/wire"
)

const (
	// maxJoinRequest bounds a join request, packed and unpacked, in bytes: an
	// offer of 64 lines fits.
	maxJoinRequest = 128 << 10
	// The limits of what a participant says of themselves.
	maxMetadataBytes  = 16 << 10
	maxAttributeBytes = 16 << 10 // keys and values together
)

// Hello is how a client begins, by either version of the protocol.
type Hello struct {
	V1       bool // one PeerConnection, which the client offers
	Request  wire.JoinRequest
	Protocol int32 // version of the client's signalling
	Once     bool  // as Lines has it: of pion by version 0
}

// ParseHello reads the query of /rtc, or of /rtc/v1. A join_request means one
// PeerConnection by either path.
func ParseHello(v1 bool, query func(key string) string) (Hello, error) {
	packed := query("join_request")
	h := Hello{V1: v1 || packed != ""}
	if !h.V1 {
		return h, h.parseQuery(query)
	}
	if len(packed) > maxJoinRequest {
		return Hello{}, invalid("join_request has %d bytes, at most %d are accepted", len(packed), maxJoinRequest)
	}
	if packed != "" {
		data, err := decodeBase64(packed)
		if err != nil {
			return Hello{}, invalid("join_request is not base64")
		}
		var wrapped wire.WrappedJoinRequest
		if wire.Unmarshal(data, &wrapped) != nil {
			return Hello{}, invalid("join_request is not a WrappedJoinRequest of livekit_rtc.proto")
		}
		if data, err = unpack(&wrapped); err != nil {
			return Hello{}, err
		}
		if wire.Unmarshal(data, &h.Request) != nil {
			return Hello{}, invalid("join_request does not hold a JoinRequest of livekit_rtc.proto")
		}
	}
	if h.Request.ConnectionSettings == nil {
		h.Request.ConnectionSettings = &wire.ConnectionSettings{AutoSubscribe: true}
	}
	if c := h.Request.ClientInfo; c != nil {
		h.Protocol = c.Protocol
	}
	return h, h.check()
}

func decodeBase64(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.DecodeString(s)
}

func unpack(w *wire.WrappedJoinRequest) ([]byte, error) {
	switch w.Compression {
	case 0:
		return w.JoinRequest, nil
	case 1:
		zr, err := gzip.NewReader(bytes.NewReader(w.JoinRequest))
		if err != nil {
			return nil, invalid("join_request says that it is gzip and is not")
		}
		data, err := io.ReadAll(io.LimitReader(zr, maxJoinRequest+1))
		if err != nil || len(data) > maxJoinRequest {
			return nil, invalid("join_request is damaged, or has more than %d bytes unpacked", maxJoinRequest)
		}
		return data, nil
	}
	return nil, invalid("join_request is packed in a way that is not known here: use gzip or none")
}

// parseQuery reads the parameters of version 0.
func (h *Hello) parseQuery(query func(string) string) error {
	version, _ := strconv.ParseInt(query("protocol"), 10, 32)
	h.Protocol = int32(version)
	h.Once = query("sdk") == "go"
	h.Request.ClientInfo = &wire.ClientInfo{Version: clip(query("version")), Protocol: h.Protocol}
	h.Request.ConnectionSettings = &wire.ConnectionSettings{
		AutoSubscribe:  query("auto_subscribe") != "0" && query("auto_subscribe") != "false",
		AdaptiveStream: query("adaptive_stream") == "1" || query("adaptive_stream") == "true",
	}
	h.Request.Reconnect = query("reconnect") == "1" || query("reconnect") == "true"
	h.Request.ParticipantSID = query("sid")
	if packed := query("attributes"); packed != "" {
		data, err := decodeBase64(packed)
		if err != nil || len(data) > maxAttributeBytes || json.Unmarshal(data, &h.Request.ParticipantAttributes) != nil {
			return invalid("attributes is not base64 of a JSON object of strings")
		}
	}
	return h.check()
}

func (h *Hello) check() error {
	if len(h.Request.AddTrackRequests) > 8 {
		return invalid("the join request announces more than 8 tracks")
	}
	return CheckAbout(h.Request.Metadata, h.Request.ParticipantAttributes)
}

// CheckAbout refuses metadata and attributes beyond the limits.
func CheckAbout(metadata string, attributes map[string]string) error {
	size := 0
	for k, v := range attributes {
		size += len(k) + len(v)
	}
	if len(metadata) > maxMetadataBytes || len(attributes) > MaxAttributes || size > maxAttributeBytes {
		return earshot.Errorf(earshot.CodeResourceExhausted,
			"metadata has at most %d bytes; attributes are at most %d of %d bytes together", maxMetadataBytes, MaxAttributes, maxAttributeBytes)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}

// AutoData reports whether the client wants every data track without asking.
func (h *Hello) AutoData() bool {
	auto := h.Request.ConnectionSettings.AutoSubscribeData
	return auto != nil && *auto
}
