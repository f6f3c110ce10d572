// Package earshot holds the domain words every other package speaks: typed
// ids, geometry, error codes, and what is wrong with a file.
//
// It owns no behaviour beyond arithmetic on those values, imports only the
// standard library, and may be imported by every package of the module. All
// its types are plain values: safe to copy, safe for concurrent use as long
// as the caller does not share a variable.
//
// The picture of who may import whom is in ARCHITECTURE.md and is held by
// imports_test.go beside this file.
package earshot
