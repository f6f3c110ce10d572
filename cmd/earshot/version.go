package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker in releases (-ldflags "-X main.version=v1.2.3").
var version string

func (p program) version() error {
	fmt.Fprintf(p.out, "earshot %s %s %s/%s\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// versionText is the version of a release, or else the commit it was built
// from as far as the Go toolchain recorded it.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	setting := make(map[string]string)
	for _, s := range info.Settings {
		setting[s.Key] = s.Value
	}
	revision := setting["vcs.revision"]
	if revision == "" {
		return cmp.Or(info.Main.Version, "(devel)")
	}
	if len(revision) > 12 {
		revision = revision[:12]
	}
	if setting["vcs.modified"] == "true" {
		revision += " with changes"
	}
	return revision
}
