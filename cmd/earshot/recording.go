package main

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"earshot/sfu/record"
)

// recordings opens the folder of recordings; nil where none is configured.
func (c *Config) recordings(metrics prometheus.Registerer, log *slog.Logger) (*record.Library, error) {
	if c.Recording.Dir == "" {
		return nil, nil
	}
	library, err := record.New(c.Recording, record.Deps{Log: log, Metrics: metrics})
	if err != nil {
		return nil, usagef("configuration: recording.%s", message(err))
	}
	return library, nil
}
