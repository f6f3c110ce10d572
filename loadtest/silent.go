package loadtest

import "github.com/pion/logging"

// silent is a pion logger that says nothing: what fails of a bot is an error
// of its methods, and the terminal is the caller's.
type silent struct{}

var _ logging.LoggerFactory = silent{}

// NewLogger implements logging.LoggerFactory.
func (silent) NewLogger(string) logging.LeveledLogger { return silentLogger{} }

type silentLogger struct{}

func (silentLogger) Trace(string)          {}
func (silentLogger) Tracef(string, ...any) {}
func (silentLogger) Debug(string)          {}
func (silentLogger) Debugf(string, ...any) {}
func (silentLogger) Info(string)           {}
func (silentLogger) Infof(string, ...any)  {}
func (silentLogger) Warn(string)           {}
func (silentLogger) Warnf(string, ...any)  {}
func (silentLogger) Error(string)          {}
func (silentLogger) Errorf(string, ...any) {}
