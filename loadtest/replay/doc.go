// Package replay plays a recording back into a running world: each participant
// is a bot again that comes, walks, talks, shows and leaves as the one did.
// What it sends is the recorded Opus, VP8 and H.264 as it is.
//
// It owns the way from the files of a recording to bots of loadtest. It does
// not own the formats (sfu/record/format), nor tokens, which its caller has.
// cmd/earshot calls it. Run has a goroutine for each participant and one that
// reads the pose log; all have ended when it returns.
package replay
