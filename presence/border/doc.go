// Package border is the geometry of a border that two worlds share: a straight
// piece of ground that both have, each in its own coordinates. It says who is so
// close to it that the neighbours should see them, and where the neighbours see
// them. It knows neither instances nor people nor the network: gateway, the only
// caller, asks it ten times a second for each border (docs/borders.md).
//
// A core: no goroutine, no lock, no clock. A Border is a value that never
// changes; what Choose is given belongs to its caller.
package border
