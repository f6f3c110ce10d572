package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"earshot"
	"earshot/moderation/policy"
)

// policy is the command about policies of moderation.
func (p program) policy(args []string) error {
	if len(args) == 0 {
		return usagef("policy: say what to do: test, replay or default; see earshot policy -help")
	}
	switch args[0] {
	case "test":
		return p.policyTest(args[1:])
	case "replay":
		return p.policyReplay(args[1:])
	case "default":
		return p.policyDefault(args[1:])
	case "-h", "-help", "--help", "help":
		fmt.Fprint(p.out, policyText)
		return nil
	}
	return usagef("policy: there is no %q; there are test, replay and default", args[0])
}

// parseFile is parse for a command with one file, before or after the flags.
func parseFile(set *flag.FlagSet, args []string) (file string, err error) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		file, args = args[0], args[1:]
	}
	if err := parseFlags(set, args); err != nil {
		return "", err
	}
	switch {
	case file == "" && set.NArg() == 1:
		return set.Arg(0), nil
	case file == "" && set.NArg() == 0:
		return "", usagef("%s: say which policy file; see earshot policy -help", set.Name())
	case set.NArg() > 0:
		return "", notFlag(set, set.NArg()-1)
	}
	return file, nil
}

// readPolicy reads a file. All that is wrong with it goes to log, a line each.
func (p program) readPolicy(file string) (*policy.Policy, error) {
	text, err := readSome(file, policy.MaxYAML)
	if err != nil {
		return nil, usagef("cannot read the policy: %w", err)
	}
	parsed, err := policy.Parse(file, text)
	var problems earshot.Problems
	if errors.As(err, &problems) {
		fmt.Fprintln(p.log, problems)
		return nil, usagef("policy: %s is refused: problems: %d", file, len(problems))
	}
	return parsed, err
}

// readSome reads one byte more than Parse takes at most, so that a device or
// a wrong file costs little.
func readSome(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}

func (p program) policyDefault(args []string) error {
	set := p.flags("policy default", policyText)
	minors := set.Bool("minors", false, "the one for worlds where minors are expected")
	if err := parse(set, args); err != nil {
		return err
	}
	text := policy.DefaultYAML()
	if *minors {
		text = policy.MinorsYAML()
	}
	_, err := p.out.Write(text)
	return err
}

func (p program) policyTest(args []string) error {
	set := p.flags("policy test", policyText)
	trace := set.Bool("trace", false, "say of every case how it was decided")
	file, err := parseFile(set, args)
	if err != nil {
		return err
	}
	tested, err := p.readPolicy(file)
	if err != nil {
		return err
	}
	results := tested.RunCases()
	failed, width := 0, 0
	for _, r := range results {
		width = max(width, min(utf8.RuneCountInString(printable(r.Case.Name)), 60))
	}
	for _, r := range results {
		verdict := "ok"
		if len(r.Failures) > 0 {
			verdict, failed = "FAIL", failed+1
		}
		fmt.Fprintf(p.out, "%-4s  %-*s  %s\n", verdict, width, printable(r.Case.Name), outcome(&r.Decision))
		p.indented("", r.Failures)
		if *trace {
			p.indented("because ", r.Trace)
		}
	}
	fmt.Fprintf(p.out, "%s (policy %s): %d cases, %d failed\n", file, printable(tested.Spec.Name), len(results), failed)
	switch {
	case failed > 0:
		return fmt.Errorf("policy: %s: %d of %d cases failed", file, failed, len(results))
	case len(results) == 0:
		fmt.Fprintln(p.log, "earshot: policy: the file has no cases; earshot policy default shows some")
	}
	return nil
}

func (p program) indented(before string, lines []string) {
	for _, line := range lines {
		fmt.Fprintf(p.out, "        %s%s\n", before, printable(line))
	}
}

// outcome is a decision in a line.
func outcome(d *policy.Decision) string {
	parts := []string{acts(d.Actions)}
	if d.Strike != nil {
		parts = append(parts, fmt.Sprintf("strike %g (sum %.2f)", d.Strike.Weight, d.Sum))
	}
	if len(d.Proposed) > 0 {
		parts = append(parts, "proposed: "+acts(d.Proposed))
	}
	if d.Review {
		parts = append(parts, "review")
	}
	if d.Unverified {
		parts = append(parts, "unverified")
	}
	if d.Rule != "" {
		parts = append(parts, "rule "+d.Rule)
	}
	return strings.Join(parts, "; ")
}

func acts(list []policy.Act) string {
	if len(list) == 0 {
		return "nothing"
	}
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}

// printable keeps what comes from a file from writing to the terminal.
func printable(s string) string {
	quoted := fmt.Sprintf("%q", s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

func (p program) policyReplay(args []string) error {
	set := p.flags("policy replay", policyText)
	incidents := set.String("incidents", "", "`FILE` of incidents, one JSON object a line, or a folder of *.jsonl")
	world := set.String("world", "", "only incidents of the world of this `name`")
	examples := set.Int("examples", 3, "`how many` incidents to show of each change")
	text := set.Bool("text", false, "show who it was and what was said, where it was kept")
	file, err := parseFile(set, args)
	if err != nil {
		return err
	}
	if *incidents == "" {
		return usagef("policy replay: say which incidents with -incidents FILE")
	}
	tried, err := p.readPolicy(file)
	if err != nil {
		return err
	}
	logs, err := incidentFiles(*incidents)
	if err != nil {
		return usagef("policy replay: %w", err)
	}
	replay := policy.NewReplay(tried, max(0, min(*examples, 1000)))
	for _, name := range logs {
		if err := replayFile(replay, name, *world); err != nil {
			return err
		}
	}
	return p.printReplay(replay, *text)
}

// incidentFiles returns the file, or those of a folder in their order.
func incidentFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	files, err := filepath.Glob(filepath.Join(name, "*.jsonl"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no *.jsonl", name)
	}
	slices.Sort(files)
	return files, err
}

func replayFile(replay *policy.Replay, name, world string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("policy replay: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, policy.MaxIncident)
	n := 1
	for ; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		in, err := policy.DecodeIncident(lines.Bytes())
		if err != nil {
			return usagef("policy replay: %s:%d: %s", name, n, message(err))
		}
		if world == "" || in.World == world {
			replay.Add(in)
		}
	}
	if err := lines.Err(); err != nil {
		return usagef("policy replay: %s:%d: %w", name, n, err)
	}
	return nil
}

func (p program) printReplay(r *policy.Replay, text bool) error {
	fmt.Fprintf(p.out, "Policy %s on %d incidents: %d would be decided differently.\n",
		printable(r.Policy.Spec.Name), r.Incidents, r.Incidents-r.Counts[policy.Same])
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, change := range policy.Changes() {
		fmt.Fprintf(table, "  %d\t  %s\n", r.Counts[change], explained(change))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if r.Judged > 0 {
		fmt.Fprintf(p.out, "Moderators judged %d of them: %d would be nearer to what they said, %d farther from it.\n", r.Judged, r.Better, r.Worse)
	}
	for _, shift := range r.Sorted() {
		fmt.Fprintf(p.out, "  %d times %s instead of %s\n", r.Shifts[shift], shift.To, shift.From)
	}
	for _, change := range policy.Changes() {
		for _, example := range r.Kept[change] {
			p.printExample(&example, text)
		}
	}
	return nil
}

func explained(c policy.Change) string {
	return string(c) + map[policy.Change]string{
		policy.Added: ": something follows where nothing did", policy.Removed: ": nothing follows any more",
		policy.Harsher: "", policy.Milder: "", policy.Same: "",
		policy.Asked: ": a person is asked", policy.Unasked: ": no person is asked any more",
	}[c]
}

// printExample shows one incident: without the person and their words, unless
// told to.
func (p program) printExample(r *policy.Redecided, text bool) {
	in := &r.Incident
	judged := ""
	if in.Judgement != nil {
		judged = "; a moderator said: " + printable(string(in.Judgement.Verdict))
	}
	fmt.Fprintf(p.out, "\n%s  %s  %s  %s by %s%s\n", r.Change, printable(in.ID), in.At.UTC().Format("2006-01-02 15:04"),
		printable(string(in.Signal.Kind)), printable(string(in.Signal.Source)), judged)
	if text {
		fmt.Fprintf(p.out, "  %s: %q\n", cmp.Or(printable(string(in.Who)), "somebody"), in.Text)
	}
	fmt.Fprintf(p.out, "  was: %s\n  now: %s\n", printable(outcome(&in.Decision)), outcome(&r.Now))
}
