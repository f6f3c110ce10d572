package main

import (
	"context"
	"time"

	"earshot/presence/store"
)

// storeWithin is how long a store may take to answer at the start.
const storeWithin = 5 * time.Second

// openStore opens what this node shares with others; nil where it is alone.
func (c *Config) openStore(ctx context.Context) (store.Store, error) {
	if len(c.Store.Addresses) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	shared, err := store.Open(ctx, c.Store)
	if err != nil {
		return nil, usagef("store: %s", message(err))
	}
	return shared, nil
}
