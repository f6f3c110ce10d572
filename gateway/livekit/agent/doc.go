// Package agent decides which worker does which job, in the way of LiveKit's
// agents: a worker registers, a room wants agents (a dispatch), and for each
// dispatch there are jobs that are offered to workers, one after the other,
// until one takes it and its agent joins the room.
//
// It owns the states of workers, dispatches and jobs, and who is asked next. It
// owns no connection, token or session: package gateway has a Pool, tells it
// what happens, and does the Effects that its methods return, in their order.
// Time comes in with each call; Tick must be called about every second, since
// offers, absences and farewells run out.
//
// What differs from LiveKit's own server: a job waits for a worker as long as
// its room is open, so agents may start after the people; one that failed begins
// again a few times unless its dispatch says never; a worker that lost its
// connection gets its jobs back when it reports them, and others get them when
// it does not and their agent has gone.
//
// A Pool is not safe for concurrent use. Its zero value is ready.
package agent
