package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var placeholder = regexp.MustCompile(`\{[^{}\s]*\}`)

// statements checks that every language has everything.
func (c *checker) statements() {
	s := c.spec
	if !c.count(len(s.Statements), maxLanguages, "statements") {
		return
	}
	c.that(s.Language != "", "language", "say which of the statements people get whose own language is not there")
	_, there := s.Statements[s.Language]
	c.that(there || s.Language == "", "language", "there are no statements in %.32q", s.Language)
	for _, language := range sorted(s.Statements) {
		field := "statements." + language
		c.that(languagePattern.MatchString(language), field, "%.32q is no language tag like en or pt-BR", language)
		w := s.Statements[language]
		c.words(&w, field)
	}
}

func (c *checker) words(w *Words, field string) {
	keys(c, w.What, Actions()[1:], field+".what", "{kind}", "{category}", "{time}", "{lasting}")
	keys(c, w.Kinds, []Kind{Chat, Voice, Name, NPC, Persona, Report}, field+".kinds")
	keys(c, w.Categories, Categories(), field+".categories")
	keys(c, w.Found, []Source{Tier0, Tier1, Tier2, ByReport, ByModerator}, field+".found")
	for _, a := range sorted(w.What) {
		if a.lasts() && a != Mask {
			c.must(w.What[a], "{lasting}", field+".what."+string(a))
		}
	}
	c.line(w.Watched, field+".watched", "{lasting}")
	c.must(w.Watched, "{lasting}", field+".watched")
	c.line(w.Facts, field+".facts", "{kind}", "{category}", "{time}")
	c.line(w.Unverified, field+".unverified", "{kind}", "{time}")
	c.line(w.Automatic, field+".automatic")
	c.line(w.Person, field+".person")
	c.line(w.Rule, field+".rule", "{rule}", "{category}")
	c.must(w.Rule, "{rule}", field+".rule")
	c.line(w.Redress, field+".redress", "{appeal}", "{kind}", "{time}")
	c.line(w.Lasting, field+".lasting", "{for}")
	c.must(w.Lasting, "{for}", field+".lasting")
	c.line(w.Endless, field+".endless")
	c.line(w.Upheld, field+".upheld")
	c.line(w.Overturned, field+".overturned")
}

// must demands a placeholder of a text that is there.
func (c *checker) must(text, fill, field string) {
	c.that(text == "" || strings.Contains(text, fill), field, "must have %s: people have a right to know", fill)
}

// keys demands a text for each of a set and nothing else.
func keys[K ~string](c *checker, texts map[K]string, all []K, field string, fills ...string) {
	for _, k := range all {
		c.that(strings.TrimSpace(texts[k]) != "", field+"."+string(k), "people would be told nothing: write it")
	}
	for _, k := range sorted(texts) {
		c.that(slices.Contains(all, k), field+"."+string(k), "there is no %.32q", k)
		c.filled(texts[k], field+"."+string(k), fills)
	}
}

// line checks one text for people.
func (c *checker) line(text, field string, fills ...string) {
	c.that(strings.TrimSpace(text) != "", field, "people would be told nothing: write it")
	c.filled(text, field, fills)
}

func (c *checker) filled(text, field string, fills []string) {
	c.text(text, field, maxText)
	for _, found := range placeholder.FindAllString(text, 8) {
		c.that(slices.Contains(fills, found), field, "nothing is filled in for %.32q here%s", found, list(fills))
	}
}

func list(fills []string) string {
	if len(fills) == 0 {
		return ""
	}
	return fmt.Sprintf("; there are %s", strings.Join(fills, " "))
}

// texts demands a text in every language of the statements.
func (c *checker) texts(texts map[string]string, field string) {
	for _, language := range sorted(c.spec.Statements) {
		c.that(strings.TrimSpace(texts[language]) != "", field+"."+language, "say it in %.32q, as there are statements in it", language)
	}
	for _, language := range sorted(texts) {
		_, there := c.spec.Statements[language]
		c.that(there, field+"."+language, "there are no statements in %.32q", language)
		c.text(texts[language], field+"."+language, maxText)
	}
}
