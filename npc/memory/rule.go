package memory

import (
	"slices"
	"strings"
	"unicode"
)

// rule says that a sentence with one of its phrases is worth a note. A phrase
// begins where a word does; one that ends with a space ends there too.
type rule struct {
	kind       Kind
	importance int
	phrases    []string
}

// rules are tried in order, the most important first, in English, German,
// French and Spanish, without accents. Importance is how poignant such a thing
// is, from 1 to 10, as the paper has a model say; these are our estimates.
var rules = []rule{
	{KindFact, 9, list(`my name is |my name's |call me |i am called |they call me |people call me
ich heisse |mein name ist |nenn mich |man nennt mich
je m'appelle |mon nom est |je me nomme |appelle-moi |appelez-moi
me llamo |mi nombre es |llamame `)},
	{KindFact, 9, list(`don't tell |do not tell |between you and me|keep it secret|my secret|remember that |remember this|don't forget |never forget
verrat|unter uns |mein geheimnis|vergiss nicht|merk dir
mon secret|entre nous |n'oublie pas|souviens-toi|ne dis pas
mi secreto|entre nosotros|no olvides|recuerda que |no digas `)},
	{KindPromise, 8, list(`i promise |i swear |you have my word|i owe you |i will |i'll |i shall
ich versprech|ich schwor|ich schulde |ich werde |mein wort
je promets |je te promets |je vous promets |je te jure |je jure |je te dois |je vous dois |je vais |je reviendrai
prometo |te prometo |lo juro|te juro |te debo |volvere |voy a `)},
	{KindFact, 8, list(`i was married|i married |i lost my |died|is dead|i am sick|i'm sick|i am ill|i'm ill|i am in love|i was born|i'm pregnant|i am pregnant
gestorben|ist tot |ich bin krank|ich habe geheiratet|verheiratet|ich bin verliebt|ich bin geboren|ich wurde geboren
est mort|j'ai perdu |je suis malade|je suis marie|je suis amoureu|je suis ne |je suis nee
murio|ha muerto|estoy enfermo|estoy enferma|estoy casad|me case |naci `)},
	{KindFact, 7, list(`my wife|my husband|my mother|my father|my mum|my mom|my dad|my sister|my brother|my son |my daughter|my friend|my dog|my cat |my birthday|my partner
meine frau|mein mann |meine mutter|mein vater|meine schwester|mein bruder|mein sohn|meine tochter|mein freund|meine freundin|mein hund|meine katze|mein geburtstag
ma femme|mon mari|ma mere|mon pere|ma soeur|mon frere|mon fils|ma fille|mon ami|mon chien|mon chat |mon anniversaire
mi mujer|mi esposa|mi marido|mi esposo|mi madre|mi padre|mi hermana|mi hermano|mi hijo|mi hija|mi amig|mi perro|mi gato|mi cumpleanos`)},
	{KindFact, 6, list(`i come from |i am from |i'm from |i live in |i live at |i work |i study |i am a |i am an |i'm a |i'm an |i used to |my job|years old
ich komme aus |ich bin aus |ich wohne |ich lebe in |ich arbeite |ich studiere |ich bin ein|mein beruf|jahre alt
je viens de |je viens d'|j'habite |je vis |je travaille |j'etudie |je suis un |je suis une |mon metier|j'ai ans
vengo de |soy de |vivo en |trabajo |estudio |soy un |soy una |mi trabajo|anos `)},
	{KindLike, 6, list(`i hate |i can't stand |i dislike |i don't like |i do not like |i am afraid|i'm afraid|i fear |i'm allergic|i am allergic
ich hasse |ich mag kein|ich furchte |ich habe angst|ich bin allergisch
je deteste |je hais |je n'aime pas |j'ai peur|je suis allergique
odio |detesto |no me gusta|tengo miedo|soy alergic`)},
	{KindLike, 5, list(`i like |i love |i really like |i really love |i also like |i enjoy |i prefer |my favourite|my favorite
ich mag |ich liebe |am liebsten|mein lieblings|meine lieblings|ich bevorzuge |ich trinke gern|ich esse gern
j'aime |j'adore |je prefere |mon prefere|ma preferee
me gusta|me encanta|prefiero |mi favorit`)},
}

// counted are the words that make a number of something worth a note: who has
// or wants it.
var counted = set(`i my we our you your ich wir mein meine du dein je j nous mon ma mes tu yo mi mis tengo quiero necesito te debo`)

// numbers in words, in the four languages, without those that are also
// articles.
var numbers = set(`two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand dozen
zwei drei vier funf sechs sieben acht neun zehn elf zwolf zwanzig dreissig hundert tausend dutzend
deux trois quatre cinq sept huit neuf dix onze douze vingt trente cent mille douzaine
dos tres cuatro cinco seis siete ocho nueve diez once doce veinte treinta cien mil docena`)

// list reads phrases; lines and bars part them. The space at the end of a line
// is the phrase's.
func list(text string) (all []string) {
	for line := range strings.SplitSeq(text, "\n") {
		all = append(all, strings.Split(line, "|")...)
	}
	return all
}

// judge says what kind of note a sentence is worth, "" for none.
func judge(sentence string) (Kind, int) {
	if strings.HasSuffix(sentence, "?") || strings.HasSuffix(sentence, "？") {
		return "", 0
	}
	spaced := " " + strings.Join(strings.FieldsFunc(fold(sentence), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '-'
	}), " ") + " "
	for _, r := range rules {
		if slices.ContainsFunc(r.phrases, func(p string) bool { return strings.Contains(spaced, " "+p) }) {
			return r.kind, r.importance
		}
	}
	if countsSomething(words(sentence)) {
		return KindNumber, 4
	}
	return "", 0
}

func countsSomething(all []string) bool {
	personal := slices.ContainsFunc(all, func(w string) bool { return counted[w] })
	for i := range max(0, len(all)-1) {
		digits := len(all[i]) <= 9 && strings.Trim(all[i], "0123456789") == ""
		if personal && (digits || numbers[all[i]]) && len(all[i+1]) > 2 {
			return true
		}
	}
	return false
}
