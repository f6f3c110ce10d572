package policy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// statement says to the person what was done and why, without quoting anybody.
func (p *Policy) statement(d *Decision, s *Signal, r *Record, now time.Time) Statement {
	language, words := p.words(r)
	at := s.At
	if at.IsZero() {
		at = now
	}
	var ruleText string
	if c, there := p.Spec.Categories[d.Category]; there {
		ruleText = c.Text[language]
	}
	kind := s.Kind
	if _, there := words.Kinds[kind]; !there {
		kind = Chat
	}
	fill := strings.NewReplacer(
		"{kind}", words.Kinds[kind],
		"{category}", words.Categories[d.Category],
		"{time}", at.In(p.zone).Format("2006-01-02 15:04 MST"),
		"{rule}", ruleText,
		"{appeal}", span(time.Duration(p.Spec.Appeals.Within)),
	)
	out := Statement{Language: language, Redress: fill.Replace(words.Redress)}
	out.What = fill.Replace(words.what(d, s.Kind, p.Spec.Categories[d.Category].Nudge[language]))
	out.Facts = fill.Replace(words.Facts)
	out.Automation = words.found(cmp.Or(s.Found, s.Source))
	if d.Category == "" {
		out.Facts, out.Automation = fill.Replace(words.Unverified), ""
	} else {
		out.Rule = fill.Replace(words.Rule)
	}
	decided := words.Person
	if d.Automatic {
		decided = words.Automatic
	}
	out.Automation = strings.TrimSpace(out.Automation + " " + decided)
	return out
}

// words returns the best language for a person: their own, the one it is a
// variant of, else that of the policy.
func (p *Policy) words(r *Record) (string, *Words) {
	if r != nil {
		base, _, _ := strings.Cut(r.Language, "-")
		for _, language := range []string{r.Language, strings.ToLower(base)} {
			if w, there := p.Spec.Statements[language]; there {
				return language, &w
			}
		}
	}
	w := p.Spec.Statements[p.Spec.Language]
	return p.Spec.Language, &w
}

// what says what is done, to the message and to the person.
func (w *Words) what(d *Decision, k Kind, nudge string) string {
	var parts []string
	_, held := d.Has(Hold)
	for _, a := range d.Actions {
		text := w.What[a.Action]
		if a.Action == Nudge && nudge != "" {
			text = nudge
		}
		if a.Action == Mask && a.For > 0 {
			if !held && k != Voice {
				parts = append(parts, text)
			}
			text = w.Watched
		}
		parts = append(parts, strings.ReplaceAll(text, "{lasting}", w.lasting(a)))
	}
	return strings.Join(parts, " ")
}

func (w *Words) found(s Source) string {
	if text, there := w.Found[s]; there {
		return text
	}
	return w.Found[Tier0]
}

func (w *Words) lasting(a Act) string {
	switch {
	case a.For > 0:
		return strings.ReplaceAll(w.Lasting, "{for}", span(a.For))
	case a.endless():
		return w.Endless
	}
	return ""
}

// span writes a duration with the symbols that all languages know.
func span(d time.Duration) string {
	var parts []string
	for _, u := range []struct{ name, symbol string }{{"d", "d"}, {"h", "h"}, {"m", "min"}, {"s", "s"}} {
		if n := d / unit(u.name); n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+" "+u.symbol)
			d -= n * unit(u.name)
		}
	}
	if len(parts) == 0 {
		return "0 s"
	}
	return strings.Join(parts[:min(len(parts), 2)], " ")
}

// Impose returns what a moderator decides outside the ladder, with a strike of
// the category's weight and a statement for the person. The signal is the one
// that came before the moderator. What is no action is left out.
func (p *Policy) Impose(c Category, acts []Act, s Signal, r *Record, now time.Time) Decision {
	if s.Source != ByModerator {
		s.Found, s.Source = cmp.Or(s.Found, s.Source), ByModerator
	}
	d := Decision{Category: c}
	for _, a := range acts {
		if a.Action.Rank() > 0 {
			d.Actions = append(d.Actions, Act{a.Action, max(a.For, 0)})
		}
	}
	slices.SortStableFunc(d.Actions, harsher)
	if rule, there := p.Spec.Categories[c]; there {
		d.Rule = rule.Rule
		if rule.Weight > 0 && s.Kind != NPC && s.Kind != Persona {
			d.Strike = &Strike{Weight: rule.Weight, Category: c, Rule: rule.Rule, At: now}
			d.Sum = min(p.Sum(r, now)+rule.Weight, p.Spec.Strikes.Most)
		}
	}
	if len(d.Actions) > 0 {
		d.Statement = p.statement(&d, &s, r, now)
	}
	return d
}

// AppealAnswer is what a person is told about an appeal, in their language.
func (p *Policy) AppealAnswer(upheld bool, r *Record) string {
	_, w := p.words(r)
	if upheld {
		return w.Upheld
	}
	return w.Overturned
}
