// Package npc owns the way from a request for words to a model server and
// back: the clients of the model servers (Ollama's native API and the
// OpenAI-compatible one), the catalogue of them, and the dispatcher Inference,
// which sends each request where npc/router says, hedges and retries before
// the first token, and closes the upstream at once when nobody listens any
// more.
//
// It decides nothing about placement, fairness or estimates: that is
// npc/router. It knows nothing of worlds' geometry or of HTTP replies: gateway
// is its only caller.
//
// # Concurrency
//
// Every exported method may be called from any goroutine. Inference has one
// mutex around the router and the calls under way; it is never held across
// input or output. A call runs at most one goroutine per attempt, and only
// until its first token: after that the reader of the Stream reads the
// upstream itself. Run returns after all of them have ended.
package npc
