// Package record keeps what happens in an instance in files: each publication
// as it was sent (Ogg Opus, WebM, Matroska), where everybody stood, and a
// manifest. docs/recording.md is for operators and for who reads the files.
//
// It owns folders and files, the queues between media and disk, retention and
// the audit log. It does not own media or who may be recorded: its only
// caller, gateway, feeds packets from sfu's taps and says who came, left and
// was muted. It does not decode anything. The bytes of files are those of
// sfu/record/format.
//
// # Nothing waits for the disk
//
// Track.Put and Recording.Pose copy into a bounded queue and return; what does
// not fit is dropped and counted. One goroutine per recording empties the
// queues ten times a second and does all writing, so that a packet costs a
// copy and no wake-up. What could not be written is an entry in the manifest
// and a metric, and is tried again; it never stops another track.
//
// # Concurrency
//
// Every exported method may be called from any goroutine. A Library has one
// mutex for its list, a Recording one for its manifest, a Track one for its
// queue, in this order. Only a Library's is held while files are written: when a
// recording begins.
package record
