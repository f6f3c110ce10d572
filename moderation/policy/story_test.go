package policy

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"earshot"
)

// story is one person in one world.
type story struct {
	policy  *Policy
	record  *Record
	now     time.Time
	n       int    // incidents so far
	signal  Signal // of the last
	last    Decision
	reports []Reporter
}

// Commands of the stories in testdata/stories:
//
//	policy default|minors   the world; lines "OLD => NEW" change its file; a person enters on monday at noon
//	person age=… language=…
//	says [kind=…] [source=…] [reporters] [unverified] CATEGORY=score… [terms=(…)]   what follows
//	again source=…          a later tier about the same event, whose decision takes the place of the old
//	wait D                  time passes
//	undo                    a moderator undoes the last
//	appeal upheld|overturned
//	imposes CATEGORY ACT…   a moderator decides, like: imposes hate suspend=7d
//	reports                 lines "WHO [age=D] [confirmed=N] [rejected=N] [group=G] [ago=D]": what they weigh
//	record                  what is known of the person
//	statement               what the person was told last
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := new(story)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "policy":
				return s.begin(t, d)
			case "person":
				d.MaybeScanArgs(t, "age", (*string)(&s.record.Age))
				d.MaybeScanArgs(t, "language", &s.record.Language)
				return ""
			case "says":
				return s.says(t, d)
			case "again":
				s.record = s.record.Without(s.id())
				s.n--
				return s.says(t, d)
			case "wait":
				s.now = s.now.Add(lasts(t, d, d.CmdArgs[0].Key))
				return ""
			case "undo":
				s.record = s.record.Without(s.id())
				return s.show()
			case "appeal":
				return s.policy.AppealAnswer(d.CmdArgs[0].Key == "upheld", s.record) + "\n"
			case "imposes":
				return s.imposes(t, d)
			case "reports":
				return s.weigh(t, d)
			case "record":
				return s.show()
			case "statement":
				return s.last.Statement.String() + "\n"
			}
			d.Fatalf(t, "unknown command %q", d.Cmd)
			return ""
		})
	})
}

func lasts(t *testing.T, d *datadriven.TestData, text string) time.Duration {
	v, err := ParseDuration(text)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return time.Duration(v)
}

func (s *story) begin(t *testing.T, d *datadriven.TestData) string {
	text := string(DefaultYAML())
	if d.CmdArgs[0].Key == "minors" {
		text = string(MinorsYAML())
	}
	for line := range strings.Lines(d.Input) {
		from, to, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if !ok || !strings.Contains(text, from) {
			d.Fatalf(t, "nothing to change by %q", line)
		}
		text = strings.ReplaceAll(text, from, strings.ReplaceAll(to, `\n`, "\n"))
	}
	p, err := Parse("story", []byte(text))
	if err != nil {
		return err.Error() + "\n"
	}
	now, _ := caseTime("", p.zone)
	*s = story{policy: p, record: &Record{}, now: now}
	return ""
}

func (s *story) id() string { return "i" + strconv.Itoa(s.n) }

func (s *story) says(t *testing.T, d *datadriven.TestData) string {
	sig := Signal{Kind: Chat, Source: Tier0, Scores: Scores{}, At: s.now}
	for _, a := range d.CmdArgs {
		switch {
		case a.Key == "unverified":
			sig.Unverified = true
		case a.Key == "kind":
			sig.Kind = Kind(a.Vals[0])
		case a.Key == "source":
			sig.Source = Source(a.Vals[0])
		case a.Key == "terms":
			sig.Terms = a.Vals
		case a.Key == "reported":
			sig.Reporters = s.policy.Weigh(s.reports, s.now)
		case categoryOf(a.Key+"/") != categoryOf("/") || a.Key == string(Terms):
			v, err := strconv.ParseFloat(a.Vals[0], 64)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			sig.Scores[Category(a.Key)] = v
		default:
			d.Fatalf(t, "unknown argument %q", a.Key)
		}
	}
	s.signal = sig
	return s.conclude(s.policy.Decide(sig, s.record, s.now))
}

func (s *story) imposes(t *testing.T, d *datadriven.TestData) string {
	var acts []Act
	for _, a := range d.CmdArgs[1:] {
		act := Act{Action: Action(a.Key)}
		if len(a.Vals) > 0 {
			act.For = lasts(t, d, a.Vals[0])
		}
		acts = append(acts, act)
	}
	return s.conclude(s.policy.Impose(Category(d.CmdArgs[0].Key), acts, s.signal, s.record, s.now))
}

func (s *story) conclude(d Decision) string {
	s.n++
	s.last = d
	s.record = s.record.With(d, s.id(), s.now)
	var parts []string
	for _, a := range d.Actions {
		parts = append(parts, a.String())
	}
	if len(parts) == 0 {
		parts = []string{"nothing"}
	}
	for _, a := range d.Proposed {
		parts = append(parts, "proposed "+a.String())
	}
	if d.Review {
		parts = append(parts, "review")
	}
	if d.Unverified {
		parts = append(parts, "unverified")
	}
	if !d.Automatic {
		parts = append(parts, "by a person")
	}
	out := strings.Join(parts, ", ")
	if d.Rule != "" {
		out += " (" + d.Rule + ")"
	}
	return out + "\n"
}

func (s *story) show() string {
	var b strings.Builder
	fmt.Fprintf(&b, "strikes %d, sum %.2f\n", len(s.record.Strikes), s.policy.Sum(s.record, s.now))
	for _, a := range Actions() {
		until, ok := s.record.Sanctioned(a, s.now)
		switch {
		case ok && until.IsZero():
			fmt.Fprintf(&b, "%s until lifted\n", a)
		case ok:
			fmt.Fprintf(&b, "%s for another %s\n", a, Duration(until.Sub(s.now)))
		}
	}
	return b.String()
}

func (s *story) weigh(t *testing.T, d *datadriven.TestData) string {
	for line := range strings.Lines(d.Input) {
		fields := strings.Fields(line)
		r := Reporter{Who: earshot.ParticipantID(fields[0]), At: s.now, Since: s.now.Add(-365 * day)}
		for _, f := range fields[1:] {
			key, value, _ := strings.Cut(f, "=")
			n, _ := strconv.Atoi(value)
			switch key {
			case "age":
				r.Since = s.now.Add(-lasts(t, d, value))
			case "ago":
				r.At = s.now.Add(-lasts(t, d, value))
			case "confirmed":
				r.Confirmed = n
			case "rejected":
				r.Rejected = n
			case "group":
				r.Group = value
			default:
				d.Fatalf(t, "unknown %q", f)
			}
		}
		s.reports = append(s.reports, r)
	}
	weight := s.policy.Weigh(s.reports, s.now)
	return fmt.Sprintf("%d reports weigh %.2f; tier 1 sees %g of the rest\n", len(s.reports), weight, s.policy.AuditShare(weight))
}
