package sfu

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"earshot/sfu/forward"

	"github.com/pion/logging"
)

// sessionLines is how many lines pion may log about one session: some of them
// a client can cause as often as it likes.
const sessionLines = 20

// pionLogs hands what pion logs to slog. What pion calls a warning is mostly
// one client's network, so it is a debug line here; errors are warnings.
type pionLogs struct{ log *slog.Logger }

func (f pionLogs) NewLogger(scope string) logging.LeveledLogger {
	return pionLog{log: f.log, scope: scope}
}

// sessionLogs are the pionLogs of one session. Of pion's SRTP they also count
// the RTCP packets that could not be read: pion reads RTCP as soon as it is
// decrypted, and says nowhere else that it failed.
type sessionLogs struct {
	log    *slog.Logger
	limits *limits
	left   *atomic.Int32 // lines
}

func newSessionLogs(log *slog.Logger, l *limits) sessionLogs {
	left := &atomic.Int32{}
	left.Store(sessionLines)
	return sessionLogs{log, l, left}
}

func (f sessionLogs) NewLogger(scope string) logging.LeveledLogger {
	l := pionLog{log: f.log, scope: scope, left: f.left}
	if scope == "srtp" {
		return srtpLog{l, f.limits}
	}
	return l
}

// srtpLog sees the errors of decrypting and reading.
type srtpLog struct {
	pionLog
	limits *limits
}

// rtcpError begins the errors of pion's RTCP parser. pion tells RTCP by its
// second byte and the version by its first, so that nothing can fail in it
// before the packet is authenticated (TestForgedReports).
const rtcpError = "rtcp: "

func (l srtpLog) Info(msg string) {
	if strings.HasPrefix(msg, rtcpError) {
		l.limits.refuse(forward.OffenceMalformed)
	}
}

type pionLog struct {
	log   *slog.Logger
	scope string
	left  *atomic.Int32 // lines; nil is as many as there are
}

var (
	_ logging.LeveledLogger = pionLog{}
	_ logging.LeveledLogger = srtpLog{}
)

func (l pionLog) Trace(string)          {}
func (l pionLog) Tracef(string, ...any) {}
func (l pionLog) Debug(string)          {}
func (l pionLog) Debugf(string, ...any) {}
func (l pionLog) Info(string)           {}
func (l pionLog) Infof(string, ...any)  {}
func (l pionLog) Warn(msg string)       { l.format(slog.LevelDebug, "%s", []any{msg}) }
func (l pionLog) Error(msg string)      { l.format(slog.LevelWarn, "%s", []any{msg}) }

func (l pionLog) Warnf(format string, args ...any)  { l.format(slog.LevelDebug, format, args) }
func (l pionLog) Errorf(format string, args ...any) { l.format(slog.LevelWarn, format, args) }

func (l pionLog) format(level slog.Level, format string, args []any) {
	if !l.log.Enabled(context.Background(), level) || l.left != nil && l.left.Add(-1) < 0 {
		return
	}
	l.log.Log(context.Background(), level, fmt.Sprintf(format, args...), "pion", l.scope)
}
