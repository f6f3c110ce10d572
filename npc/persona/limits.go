package persona

// Limits of what is accepted. They are far above what designers write and low
// enough that a hostile file costs little.
const (
	MaxYAML = 4 << 20 // bytes of a persona file, an embedded card included

	MaxCard      = 2 << 20  // bytes of a card's JSON
	MaxDepth     = 64       // nesting of a card's JSON or a persona's YAML
	MaxPNG       = 32 << 20 // bytes of a PNG with a card in it
	maxChunks    = 4096     // of a PNG
	MaxCharx     = 64 << 20 // bytes of a .charx, packed
	MaxUnpacked  = 96 << 20 // bytes of all entries of a .charx
	maxEntrySize = 48 << 20 // bytes of one entry of a .charx
	maxEntries   = 1024     // of a .charx
	maxEntryName = 512      // bytes

	maxName     = 128       // runes
	maxText     = 64 << 10  // bytes of description, personality and the like
	maxLine     = 4 << 10   // bytes of a greeting or scripted line
	maxList     = 64        // goals, actions, languages, lines of a kind
	maxVariable = 1 << 10   // bytes of a variable's value
	maxLore     = 2000      // entries of a lorebook
	maxKeys     = 64        // of a lorebook entry
	maxKey      = 256       // bytes of a key or regular expression
	maxContent  = 16 << 10  // bytes of a lorebook entry
	maxScan     = 8 << 10   // bytes of a message that lore keys are looked for in: its end
	maxScanAll  = 32 << 10  // bytes of all messages, or of all entries of a recursive round
	maxRounds   = 3         // recursive rounds over the lorebook
	maxPattern  = 1000      // instructions of one regular expression, repeats unrolled
	maxPatterns = 4000      // instructions of all expressions of a lorebook
	MaxContext  = 1_000_000 // tokens
)
