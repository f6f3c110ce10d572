// Package policy owns what a world allows: the policy file (YAML), what it
// says about a signal and a person (Decide), strikes and their decay, the
// ladder of sanctions, the weight of reports, the statement of reasons, cases
// that test a policy, and the replay of recorded incidents under another one.
//
// It does not read text, score anything, keep records or enforce: moderation
// calls it with scores and a record and carries out what comes back;
// moderation/journal keeps what this package defines in replay.go; cmd/earshot
// runs cases and replays.
//
// Everything is a pure function of its arguments: the same signal, record and
// time give the same decision, for ever. A Policy is never changed after Parse
// and may be used from several goroutines. Parse alone looks outside: time
// zones come from the system's database, or from the copy in the binary.
//
// Policies are untrusted: strict YAML with a size limit (limits.go), no
// anchors, expressions are RE2. A file with one problem gives no policy, so
// the running one stays.
package policy
