package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// UnmarshalJSON decodes data into msg by protobuf's JSON mapping, as far as
// the messages of the room service need it: fields by their JSON name or the
// one in the .proto file, enumerations by name or number, 64-bit numbers as
// text or as numbers. Fields that msg does not declare are skipped. The error
// says what was wrong, for the caller.
func UnmarshalJSON(data []byte, msg any) error {
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return ErrMalformed
	}
	object, ok := tree.(map[string]any)
	if !ok || decoder.More() {
		return ErrMalformed
	}
	named, err := json.Marshal(jsonNames(object))
	if err != nil {
		return ErrMalformed
	}
	if err := json.Unmarshal(named, msg); err != nil {
		return fmt.Errorf("wire: %w", err)
	}
	return nil
}

// jsonNames turns track_sid into trackSid, in all but the keys of attributes,
// which are the application's.
func jsonNames(object map[string]any) map[string]any {
	named := make(map[string]any, len(object))
	for key, value := range object {
		key = jsonName(key)
		switch v := value.(type) {
		case map[string]any:
			if key != "attributes" {
				value = jsonNames(v)
			}
		case []any:
			for i := range v {
				if element, ok := v[i].(map[string]any); ok {
					v[i] = jsonNames(element)
				}
			}
		}
		named[key] = value
	}
	return named
}

func jsonName(field string) string {
	first, rest, more := strings.Cut(field, "_")
	for more {
		var word string
		word, rest, more = strings.Cut(rest, "_")
		if word != "" {
			first += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return first
}

// Int64 is a number that JSON has as text, because a double cannot hold it.
type Int64 int64

// MarshalJSON implements json.Marshaler.
func (n Int64) MarshalJSON() ([]byte, error) {
	return []byte(`"` + strconv.FormatInt(int64(n), 10) + `"`), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Int64) UnmarshalJSON(data []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(data), `"`), 10, 64)
	*n = Int64(v)
	return err
}

// The names of the values of enumerations, by number. "" is a number that is
// not in use.
func trackTypes() []string { return []string{"AUDIO", "VIDEO", "DATA"} }

func trackSources() []string {
	return []string{"UNKNOWN", "CAMERA", "MICROPHONE", "SCREEN_SHARE", "SCREEN_SHARE_AUDIO"}
}

func participantStates() []string { return []string{"JOINING", "JOINED", "ACTIVE", "DISCONNECTED"} }

func participantKinds() []string {
	return []string{"STANDARD", "INGRESS", "EGRESS", "SIP", "AGENT", "", "", "CONNECTOR", "BRIDGE"}
}

func disconnectReasons() []string {
	return []string{
		"UNKNOWN_REASON", "CLIENT_INITIATED", "DUPLICATE_IDENTITY", "SERVER_SHUTDOWN", "PARTICIPANT_REMOVED",
		"ROOM_DELETED", "STATE_MISMATCH", "JOIN_FAILURE", "MIGRATION", "SIGNAL_CLOSE", "ROOM_CLOSED",
		"USER_UNAVAILABLE", "USER_REJECTED", "SIP_TRUNK_FAILURE", "CONNECTION_TIMEOUT", "MEDIA_FAILURE",
		"AGENT_ERROR",
	}
}

func videoQualities() []string { return []string{"LOW", "MEDIUM", "HIGH", "OFF"} }

func encryptionTypes() []string { return []string{"NONE", "GCM", "CUSTOM"} }

func dataKinds() []string { return []string{"RELIABLE", "LOSSY"} }

// Enumerations in JSON: by name, and where a number has none by that.

func (e TrackType) MarshalJSON() ([]byte, error)        { return enumJSON(e, trackTypes()) }
func (e TrackSource) MarshalJSON() ([]byte, error)      { return enumJSON(e, trackSources()) }
func (e ParticipantState) MarshalJSON() ([]byte, error) { return enumJSON(e, participantStates()) }
func (e ParticipantKind) MarshalJSON() ([]byte, error)  { return enumJSON(e, participantKinds()) }
func (e DisconnectReason) MarshalJSON() ([]byte, error) { return enumJSON(e, disconnectReasons()) }
func (e VideoQuality) MarshalJSON() ([]byte, error)     { return enumJSON(e, videoQualities()) }
func (e EncryptionType) MarshalJSON() ([]byte, error)   { return enumJSON(e, encryptionTypes()) }
func (e DataKind) MarshalJSON() ([]byte, error)         { return enumJSON(e, dataKinds()) }

func (e *TrackType) UnmarshalJSON(data []byte) error   { return enumOf(e, trackTypes(), data) }
func (e *TrackSource) UnmarshalJSON(data []byte) error { return enumOf(e, trackSources(), data) }
func (e *ParticipantState) UnmarshalJSON(data []byte) error {
	return enumOf(e, participantStates(), data)
}
func (e *ParticipantKind) UnmarshalJSON(data []byte) error {
	return enumOf(e, participantKinds(), data)
}
func (e *DisconnectReason) UnmarshalJSON(data []byte) error {
	return enumOf(e, disconnectReasons(), data)
}
func (e *VideoQuality) UnmarshalJSON(data []byte) error   { return enumOf(e, videoQualities(), data) }
func (e *EncryptionType) UnmarshalJSON(data []byte) error { return enumOf(e, encryptionTypes(), data) }
func (e *DataKind) UnmarshalJSON(data []byte) error       { return enumOf(e, dataKinds(), data) }

func enumJSON[E ~int32](e E, names []string) ([]byte, error) {
	if e >= 0 && int(e) < len(names) && names[e] != "" {
		return []byte(`"` + names[e] + `"`), nil
	}
	return strconv.AppendInt(nil, int64(e), 10), nil
}

func enumOf[E ~int32](e *E, names []string, data []byte) error {
	if text, err := strconv.Unquote(string(data)); err == nil {
		i := slices.Index(names, text)
		if i < 0 || text == "" {
			return fmt.Errorf("%q is none of %s", text, strings.Join(names, ", "))
		}
		*e = E(i)
		return nil
	}
	n, err := strconv.ParseInt(string(data), 10, 32)
	*e = E(n)
	return err
}
