package protocol

import (
	"encoding/json"
	"math"
	"unicode"
	"unicode/utf8"

	"earshot"
)

// Parse reads one control message of a client. It holds every limit of
// PROTOCOL.md section 4 that one message can break on its own; err is then an
// *earshot.Error with CodeInvalidArgument that says what to do. ref is the
// client's reference, "" where it gave none or where it could not be read; it
// is set on errors too, so that the reply can carry it back.
//
// Unknown members are ignored and an unknown type is refused. Names of members
// are compared exactly, and of a member given twice the last counts.
func Parse(data []byte) (msg ClientMessage, ref string, err error) {
	f, err := parseObject(data)
	if err != nil {
		return nil, "", err
	}
	if ref, err = f.ref(); err != nil {
		return nil, "", err
	}
	msg, err = f.message()
	if err != nil {
		return nil, ref, err
	}
	return msg, ref, nil
}

// fields are the members of one message, not yet decoded. encoding/json would
// match struct fields in any case and take null for "not given"; the protocol
// does neither.
type fields map[string]json.RawMessage

func parseObject(data []byte) (fields, error) {
	if len(data) > MaxMessageBytes {
		return nil, invalid("the message has %d bytes, at most %d are accepted: send less at once", len(data), MaxMessageBytes)
	}
	if !utf8.Valid(data) {
		return nil, invalid("the message is not UTF-8: encode it as UTF-8 text")
	}
	var f fields
	if err := json.Unmarshal(data, &f); err != nil || f == nil {
		return nil, invalid(`the message is not one JSON object: send {"type":"…", …}`)
	}
	return f, nil
}

func (f fields) message() (ClientMessage, error) {
	kind, err := f.text("type")
	if err != nil {
		return nil, err
	}
	switch kind {
	case "join":
		return f.join()
	case "ready":
		return f.ready()
	case "ping":
		return f.ping()
	case "mute":
		return f.mute()
	case "publish":
		return f.publish()
	case "chat":
		return f.chat()
	case "block":
		return f.block()
	case "gain":
		return f.gain()
	case "renew":
		return &Renew{}, nil
	case "watch":
		return f.watch()
	case "view":
		return f.view()
	case "audio":
		return f.audio()
	case "poses":
		return f.poses()
	case "moderate":
		return f.moderate()
	case "leave":
		return &Leave{}, nil
	case "stand_in":
		return f.standIn()
	case "report":
		return f.report()
	case "appeal":
		return f.appeal()
	case "forget":
		return &Forget{}, nil
	}
	return nil, invalid("unknown message type %s: PROTOCOL.md section 3 lists those a client may send", quote(kind))
}

func (f fields) join() (ClientMessage, error) {
	token, err := f.text("token")
	if err != nil {
		return nil, err
	}
	if token == "" || len(token) > MaxTokenBytes {
		return nil, invalid("token has %d bytes, it must have 1 to %d", len(token), MaxTokenBytes)
	}
	return &Join{Token: token}, nil
}

func (f fields) ready() (ClientMessage, error) {
	m := &Ready{}
	if _, given := f["beds"]; given {
		beds, err := f.truth("beds")
		if err != nil {
			return nil, err
		}
		m.Beds = beds
	}
	raw, given := f["blocks"]
	if !given {
		return m, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil || items == nil {
		return nil, invalid("blocks must be a list of participant ids")
	}
	if len(items) > MaxReadyBlocks {
		return nil, invalid("blocks lists %d participants, at most %d are accepted: send block for the others before ready", len(items), MaxReadyBlocks)
	}
	for _, item := range items {
		id, err := participant("blocks", item)
		if err != nil {
			return nil, err
		}
		m.Blocks = append(m.Blocks, id)
	}
	return m, nil
}

func (f fields) ping() (ClientMessage, error) {
	t, err := f.number("t")
	return &Ping{T: t}, err
}

func (f fields) mute() (ClientMessage, error) {
	muted, err := f.truth("muted")
	return &Mute{Muted: muted}, err
}

func (f fields) publish() (ClientMessage, error) {
	source, err := f.text("source")
	if err != nil {
		return nil, err
	}
	if s := Source(source); s != SourceCamera && s != SourceScreen {
		return nil, invalid(`source is %s, it must be "camera" or "screen"`, quote(source))
	}
	active, err := f.truth("active")
	return &Publish{Source: Source(source), Active: active}, err
}

func (f fields) chat() (ClientMessage, error) {
	text, err := f.prose("text", MaxChatRunes)
	if err != nil {
		return nil, err
	}
	if blank(text) {
		return nil, invalid("text is blank: a chat message needs at least one visible character")
	}
	return &SendChat{Text: text}, nil
}

func (f fields) block() (ClientMessage, error) {
	id, err := f.participant()
	if err != nil {
		return nil, err
	}
	blocked, err := f.truth("blocked")
	return &Block{Participant: id, Blocked: blocked}, err
}

func (f fields) gain() (ClientMessage, error) {
	id, err := f.participant()
	if err != nil {
		return nil, err
	}
	db, err := f.number("gain_db")
	if err != nil {
		return nil, err
	}
	if db < MinGainDB || db > MaxGainDB {
		return nil, invalid("gain_db is %.4g, it must be from %d to %d", db, MinGainDB, MaxGainDB)
	}
	return &Gain{Participant: id, GainDB: db}, nil
}

func (f fields) watch() (ClientMessage, error) {
	stats, err := f.truth("stats")
	return &Watch{Stats: stats}, err
}

func (f fields) view() (ClientMessage, error) {
	var heights []float64
	if err := json.Unmarshal(f["heights"], &heights); err != nil || heights == nil || len(heights) > MaxVideoSlots {
		return nil, invalid("heights must be a list of at most %d numbers", MaxVideoSlots)
	}
	m := &View{Heights: make([]int, len(heights))}
	for i, h := range heights {
		if h < 0 || h > MaxViewHeight || h != math.Trunc(h) {
			return nil, invalid("heights holds %.4g, it must be whole pixels from 0 to %d", h, MaxViewHeight)
		}
		m.Heights[i] = int(h)
	}
	return m, nil
}

func (f fields) moderate() (ClientMessage, error) {
	action, err := f.text("action")
	if err != nil {
		return nil, err
	}
	if action != ActionMute && action != ActionUnmute && action != ActionKick {
		return nil, invalid(`action is %s, it must be "mute", "unmute" or "kick"`, quote(action))
	}
	id, err := f.participant()
	if err != nil {
		return nil, err
	}
	m := &Moderate{Action: action, Participant: id}
	if _, given := f["reason"]; given {
		m.Reason, err = f.prose("reason", MaxReasonRunes)
	}
	return m, err
}

func (f fields) ref() (string, error) {
	if _, given := f["ref"]; !given {
		return "", nil
	}
	ref, err := f.text("ref")
	if err != nil {
		return "", err
	}
	if len(ref) > MaxRefBytes {
		return "", invalid("ref has %d bytes, at most %d are accepted", len(ref), MaxRefBytes)
	}
	return ref, nil
}

func (f fields) participant() (earshot.ParticipantID, error) {
	raw, given := f["participant"]
	if !given {
		return "", invalid("participant is missing: name the participant by id")
	}
	return participant("participant", raw)
}

// text returns the string member name, which must be there.
func (f fields) text(name string) (string, error) {
	var s *string
	if err := json.Unmarshal(f.member(name), &s); err != nil || s == nil {
		return "", invalid("%s must be given as a string", name)
	}
	return *s, nil
}

// prose is text meant for people: at most limit characters, none of them
// control characters except line feed and tab.
func (f fields) prose(name string, limit int) (string, error) {
	s, err := f.text(name)
	if err != nil {
		return "", err
	}
	if n := utf8.RuneCountInString(s); n > limit {
		return "", invalid("%s has %d characters, at most %d are accepted: shorten it or send it in parts", name, n, limit)
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return "", invalid("%s contains the control character U+%04X: remove it", name, r)
		}
	}
	return s, nil
}

// number returns the finite number member name. JSON has no NaN, and
// encoding/json refuses what does not fit a float64.
func (f fields) number(name string) (float64, error) {
	var n *float64
	if err := json.Unmarshal(f.member(name), &n); err != nil || n == nil {
		return 0, invalid("%s must be given as a finite number", name)
	}
	return *n, nil
}

func (f fields) truth(name string) (bool, error) {
	var b *bool
	if err := json.Unmarshal(f.member(name), &b); err != nil || b == nil {
		return false, invalid("%s must be given as true or false", name)
	}
	return *b, nil
}

// member returns the JSON of a member, null where it is missing.
func (f fields) member(name string) json.RawMessage {
	if raw, given := f[name]; given {
		return raw
	}
	return json.RawMessage("null")
}

func participant(name string, raw json.RawMessage) (earshot.ParticipantID, error) {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil || !earshot.ParticipantID(s).Valid() {
		return "", invalid("%s must hold ids of participants (pa_…), as in joined", name)
	}
	return earshot.ParticipantID(s), nil
}

func blank(s string) bool {
	for _, r := range s {
		if unicode.IsGraphic(r) && !unicode.IsSpace(r) {
			return false
		}
	}
	return true
}

// quote shows what a client sent, cut so that an error stays short.
func quote(s string) string {
	const most = 40
	if len(s) > most {
		s = s[:most] + "…"
	}
	b, err := json.Marshal(s)
	if err != nil {
		return `"?"`
	}
	return string(b)
}

func invalid(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}
