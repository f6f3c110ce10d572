package sfu

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLogs hands what pion logs to slog. What pion calls a warning is mostly
// one client's network, so it is a debug line here; errors are warnings.
type pionLogs struct{ log *slog.Logger }

func (f pionLogs) NewLogger(scope string) logging.LeveledLogger {
	return pionLog{f.log.With("pion", scope)}
}

type pionLog struct{ log *slog.Logger }

var _ logging.LeveledLogger = pionLog{}

func (l pionLog) Trace(string)          {}
func (l pionLog) Tracef(string, ...any) {}
func (l pionLog) Debug(string)          {}
func (l pionLog) Debugf(string, ...any) {}
func (l pionLog) Info(string)           {}
func (l pionLog) Infof(string, ...any)  {}
func (l pionLog) Warn(msg string)       { l.log.Debug(msg) }
func (l pionLog) Error(msg string)      { l.log.Warn(msg) }

func (l pionLog) Warnf(format string, args ...any)  { l.format(slog.LevelDebug, format, args) }
func (l pionLog) Errorf(format string, args ...any) { l.format(slog.LevelWarn, format, args) }

func (l pionLog) format(level slog.Level, format string, args []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, fmt.Sprintf(format, args...))
	}
}
