// Package run runs scenarios: it ties bots, models, simulated networks, truth
// and report together into one measurement.
//
// Run brings a scenario's participants in, has them live as it says, compares
// what each of them received with what it should have received, watches the
// server's and its own use of the machine, and returns a report.Result. A
// Capacity run raises the number of participants until a rule of the scenario
// breaks. The package owns the order of events, sampling, the live view and
// the files of a run; it does not own models, judgement or report pages, and
// does not read command lines: cmd/earshot does.
//
// What a run does follows from scenario and seed; what it measures depends on
// the machine. Everything it starts has ended when Run returns. A Runner is
// used once.
package run
