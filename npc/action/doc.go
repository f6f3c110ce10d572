// Package action owns what an NPC may do besides talking: whether the world,
// as it is, permits an action that a model proposed, and what then changes.
//
// A model only proposes. persona.FindProposal finds the proposal,
// persona.CheckAction holds name and arguments against the designer's list,
// and Check here holds them against the state of the world: variables, the
// character's stock, distances, cool-downs. All three are deterministic, none
// reads what anybody said, and nothing a model or a player writes is part of
// a rule: so a prompt injection can at most propose what is permitted anyway.
// testdata/attacks.yaml has the attacks that the tests try.
//
// It does not carry anything out, find anybody or tell the time: npc.Deeds
// gives it the state, the player's situation and now. Check changes nothing;
// State.Apply does. Neither is for several goroutines at once: npc.Deeds has
// the lock.
package action
