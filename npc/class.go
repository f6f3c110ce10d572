package npc

import "earshot/npc/router"

// Class is what a request is for: see router.Class.
type Class = router.Class

// The classes of requests.
const (
	Dialogue   = router.Dialogue
	Moderation = router.Moderation
)
