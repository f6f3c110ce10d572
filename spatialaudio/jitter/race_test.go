//go:build race

package jitter

// race is whether everything takes ten times as long.
const race = true
