// Package crowd plans crowd beds: a far crowd is heard as a few sounds with a
// centre and a width instead of as hundreds of voices. The loudest talkers of a
// cell of the world are mixed to mono once and encoded once, and everybody far
// enough gets that as one source, while near voices stay individual.
//
// It owns which beds there are, whom each mixes and how loud, which listener
// gets which of them, and which individual voices are left out because a bed
// has them. It mixes, encodes and sends nothing, and it does not choose
// individual voices: they are given to it, and so is who may not hear whom
// (Rules). Its caller is the mixing desk of a node.
//
// # Cells
//
// The world is divided into squares seen from above, the smallest of side
// Config.Leaf, each four of them in one of twice the side, Config.Levels sizes
// in all. They stand still, so a bed keeps its name and its encoder while people
// walk. Those with talkers are a quadtree over the talkers sorted by Morton
// code (a linear quadtree: Gargantini, CACM 25(12), 1982). A listener goes
// through it from the top and opens a cell that is large for its distance (as
// Barnes and Hut do, Nature 324, 1986), the largest first, for as long as their
// few beds suffice. The cell one stands in is opened down to the last, which is
// never heard as a bed.
//
// # Who may not hear whom
//
// In every plan, for every listener and every bed they get, of every talker who
// is in the bed's mix, fading or not: Rules lets the listener hear the talker,
// and they are not one and the same (Plan.Allowed). Where the bed of a cell has
// a forbidden voice in it, the cells within are tried instead; to who would get
// few beds that way, half of the cell's talkers are given as a bed of its own;
// and what is left is not heard.
//
// A plan that is late obeys too: Plan.Enforce strikes out what has been
// forbidden since it was made, and Plan.Forbid what is forbidden while it is in
// force.
//
// # Concurrency
//
// None of it may be used from two goroutines at once. A Plan shares nothing with
// its Planner, so one can be read while the next is made into another.
package crowd
