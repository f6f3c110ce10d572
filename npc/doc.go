// Package npc owns the way from a request for words to a model server and
// back: the clients of the model servers (Ollama's native API and the
// OpenAI-compatible one), the catalogue of them, and the dispatcher Inference,
// which sends each request where npc/router says, hedges and retries before
// the first token, and closes the upstream at once when nobody listens any
// more.
//
// And it owns the life of one character, the Actor: it perceives a place,
// asks for answers, speaks them sentence by sentence, understands voices,
// remembers, moves, and executes what npc/director decides.
//
// It decides nothing about placement, fairness or estimates: that is
// npc/router. Nor about whose turn it is, who is spoken to or where to stand:
// that is npc/director. It knows nothing of HTTP replies and of who may see
// what: gateway is its only caller, and the character's Body in the world.
//
// # Concurrency
//
// Every exported method may be called from any goroutine. Inference has one
// mutex around the router and the calls under way; it is never held across
// input or output. A call runs at most one goroutine per attempt, and only
// until its first token: after that the reader of the Stream reads the
// upstream itself. Run returns after all of them have ended.
//
// An Actor is one goroutine, the stage, which owns all its state; perception
// is handed to it through a bounded inbox, and packets of voices go straight to
// a ring under a mutex. What may wait (a model, a memory, speech, a
// transcription, Screen) runs on workers that get copies and report back; each
// is bounded in time or ends with the turn it belongs to, and Run returns after
// the last of them.
package npc
