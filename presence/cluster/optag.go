package cluster

import "earshot"

// The hash tags: all that one script touches hangs together by one of them.
func instanceTag(id earshot.InstanceID) string       { return "inst:" + string(id) }
func participantTag(id earshot.ParticipantID) string { return "pa:" + string(id) }
func nodeTag(id earshot.NodeID) string               { return "node:" + string(id) }

// Tag implements Op.
func (o Claim) Tag() string { return instanceTag(o.Instance) }

// Durable implements Op.
func (Claim) Durable() bool { return true }

// Tag implements Op.
func (o Renew) Tag() string { return instanceTag(o.Instance) }

// Durable implements Op.
func (Renew) Durable() bool { return true }

// Tag implements Op.
func (o Write) Tag() string { return instanceTag(o.Record.Instance) }

// Durable implements Op.
func (Write) Durable() bool { return false }

// Tag implements Op.
func (o Put) Tag() string { return instanceTag(o.Instance) }

// Durable implements Op.
func (Put) Durable() bool { return false }

// Tag implements Op.
func (o Save) Tag() string { return instanceTag(o.Instance) }

// Durable implements Op.
func (Save) Durable() bool { return false }

// Tag implements Op.
func (o ReadInstance) Tag() string { return instanceTag(o.Instance) }

// Durable implements Op.
func (ReadInstance) Durable() bool { return false }

// Tag implements Op.
func (o Release) Tag() string { return instanceTag(o.Instance) }

// Durable implements Op.
func (Release) Durable() bool { return true }

// Tag implements Op.
func (o Reserve) Tag() string { return instanceTag(o.Instance) }

// Durable implements Op.
func (Reserve) Durable() bool { return false }

// Tag implements Op.
func (o Cancel) Tag() string { return instanceTag(o.Instance) }

// Durable implements Op.
func (Cancel) Durable() bool { return false }

// Tag implements Op.
func (o Take) Tag() string { return instanceTag(o.Instance) }

// Durable implements Op.
func (Take) Durable() bool { return true }

// Tag implements Op.
func (o Commit) Tag() string { return participantTag(o.To.Participant) }

// Durable implements Op.
func (Commit) Durable() bool { return true }

// Tag implements Op.
func (o Touch) Tag() string { return participantTag(o.At.Participant) }

// Durable implements Op.
func (Touch) Durable() bool { return false }

// Tag implements Op.
func (o Leave) Tag() string { return participantTag(o.At.Participant) }

// Durable implements Op.
func (Leave) Durable() bool { return false }

// Tag implements Op.
func (o SetOrder) Tag() string { return participantTag(o.Order.Of) }

// Durable implements Op.
func (SetOrder) Durable() bool { return true }

// Tag implements Op.
func (o Find) Tag() string { return participantTag(o.Participant) }

// Durable implements Op.
func (Find) Durable() bool { return false }

// Tag implements Op.
func (o Announce) Tag() string { return nodeTag(o.Record.Node) }

// Durable implements Op.
func (Announce) Durable() bool { return false }

// Tag implements Op.
func (o Withdraw) Tag() string { return nodeTag(o.Node) }

// Durable implements Op.
func (Withdraw) Durable() bool { return false }

// Tag implements Op.
func (Survey) Tag() string { return "" }

// Durable implements Op.
func (Survey) Durable() bool { return false }
