package memory

import (
	"hash/fnv"
	"strings"
	"unicode"
)

// stemLetters is how many letters of a word count: "gardening" and "gardener"
// are then the same. Cutting words off at five is crude, but works about as
// well as stemmers do over the languages of Europe, and needs to know none of
// them (McNamee and Mayfield, Character n-gram tokenization for European
// language text retrieval, 2004).
const stemLetters = 5

// maxWords bounds how much of a text is compared.
const maxWords = 256

// stems returns the hashes of the words of a text, in order: lower case,
// without accents, cut to stemLetters, without the commonest small words of
// four languages. Writing without spaces between words gives its pairs of
// letters.
func stems(text string) []uint32 {
	var all []uint32
	for _, word := range words(text) {
		if len(all) >= maxWords {
			break
		}
		letters := []rune(word)
		switch {
		case unspaced(letters[0]):
			for i := 0; i+1 < len(letters) || i == 0; i++ {
				all = append(all, hash(string(letters[i:min(i+2, len(letters))])))
			}
		case small[word] || len(letters) < 2:
		default:
			all = append(all, hash(string(letters[:min(stemLetters, len(letters))])))
		}
	}
	return all[:min(len(all), maxWords)]
}

func hash(s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s))
	return h.Sum32()
}

// words are those of a folded text; an apostrophe ends one.
func words(text string) []string {
	return strings.FieldsFunc(fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// plain is which letters accents are taken from.
var plain = strings.NewReplacer(
	"à", "a", "á", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "ç", "c", "è", "e", "é", "e", "ê", "e", "ë", "e",
	"ì", "i", "í", "i", "î", "i", "ï", "i", "ñ", "n", "ò", "o", "ó", "o", "ô", "o", "õ", "o", "ö", "o", "ø", "o",
	"ù", "u", "ú", "u", "û", "u", "ü", "u", "ý", "y", "ÿ", "y", "ß", "ss", "œ", "oe", "æ", "ae", "’", "'", "`", "'",
)

// fold makes texts comparable: lower case and without accents.
func fold(text string) string { return plain.Replace(strings.ToLower(text)) }

// small are words that say nothing about what a sentence is about.
var small = set(`a an and are as at be but by did do does for from had has have he her him his how i if in is it its
me my no not of on or our she so that the their them then there they this to too was we were what when where which
who why will with you your
aber als am auch auf aus bei bin bist das dass dein dem den der des die dir du ein eine einen einer er es fur hat
ich ihr im ist ja kein mein mich mir mit nein nicht noch nur oder sein sich sie sind uber und uns von war was wer
wie wir wo zu zum zur
au aux avec ce ces c'est cet cette dans de des du elle en est et eux il ils j'ai je la le les leur lui ma mais mes
moi mon ne nos notre nous on ou par pas pour qu que qui sa se ses son sur ta te tes toi ton tu un une vos votre vous
al como con cual del donde el ella ellos era eres es esta este la las lo los mas mi mis muy nos para pero por que
quien se si sin sobre soy su sus te tu un una yo`)

func set(list string) map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(list) {
		all[word] = true
	}
	return all
}
