// Package queue keeps those who wait for a world that is full: in which order,
// how long it may take, and whose turn it is when there is room.
//
// It owns the order, the bounds, and who has lost their place. It does not own
// where there is room (presence/placement), the keeping of it (the reservations
// of presence/cluster), tickets and what is told to whom (gateway). A node has
// a Queue for each world whose queue it leads; gateway/queue.go drives it.
//
// A place outlives the Queue: it is a value that whoever waits carries, signed
// by the gateway, and a Queue that knows nothing takes it in by its reading of
// the clock. So a leader that dies takes nothing with it but what was said
// since its last answers.
//
// The package is pure: no clock, randomness, lock or goroutine. A Queue is not
// safe for concurrent use.
package queue
