package sfu

import (
	"errors"
	"net"
	"time"

	"earshot"
	"earshot/sfu/turn"

	"github.com/pion/logging"
)

// ICEServer is a STUN or TURN server of a client's RTCConfiguration.
type ICEServer = turn.ICEServer

// ICEServers returns the servers by which a participant may reach this one
// where it cannot do so directly, and until when their credentials are good: at
// most until the given time, when the participant's token ends.
func (s *SFU) ICEServers(p earshot.ParticipantID, until, now time.Time) ([]ICEServer, time.Time) {
	if s.relay == nil {
		return nil, until
	}
	return s.relay.ICEServers(string(p), until, now)
}

// openRelay begins to relay, where it is configured. A simulated network has no
// relay.
func (s *SFU) openRelay(deps Deps) (err error) {
	media, ok := s.socket.LocalAddr().(*net.UDPAddr)
	if !ok || deps.Net != nil {
		return nil
	}
	s.relay, err = turn.Open(s.cfg.TURN, turn.Deps{
		Log: relayLogs{deps.Log}, Media: media, PublicIPs: s.cfg.PublicIPs, Loopback: s.cfg.Loopback, Live: s.live,
	})
	if err != nil {
		return ofTURN(err)
	}
	if urls := s.relay.URLs(); len(urls) > 0 {
		s.log.Info("relaying", "urls", urls)
	}
	return nil
}

// live reports whether a participant has a session.
func (s *SFU) live(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for session := range s.sessions {
		if string(session.participant) == user {
			return true
		}
	}
	return false
}

// ofTURN says where in media's configuration an error is.
func ofTURN(err error) error {
	var e *earshot.Error
	if errors.As(err, &e) {
		return earshot.Errorf(e.Code, "turn.%s", e.Message)
	}
	return err
}

// relayLogs is pionLogs for what strangers can cause: none of it is a warning.
type relayLogs pionLogs

func (f relayLogs) NewLogger(scope string) logging.LeveledLogger {
	return relayLog{pionLog{log: f.log, scope: scope}}
}

type relayLog struct{ pionLog }

func (l relayLog) Error(msg string)                  { l.pionLog.Warn(msg) }
func (l relayLog) Errorf(format string, args ...any) { l.pionLog.Warnf(format, args...) }
