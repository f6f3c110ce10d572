package store

import "earshot/presence/cluster"

// NameOf returns the name of an operation, for figures, and whether it may
// write.
func NameOf(op cluster.Op) (name string, writes bool) {
	switch op.(type) {
	case cluster.Claim:
		return "claim", true
	case cluster.Renew:
		return "renew", true
	case cluster.Write:
		return "write", true
	case cluster.Put:
		return "put", true
	case cluster.Save:
		return "save", true
	case cluster.ReadInstance:
		return "read_instance", false
	case cluster.Release:
		return "release", true
	case cluster.Reserve:
		return "reserve", true
	case cluster.Cancel:
		return "cancel", true
	case cluster.Take:
		return "take", true
	case cluster.Commit:
		return "commit", true
	case cluster.Touch:
		return "touch", true
	case cluster.Leave:
		return "leave", true
	case cluster.SetOrder:
		return "set_order", true
	case cluster.Find:
		return "find", false
	case cluster.Announce:
		return "announce", true
	case cluster.Withdraw:
		return "withdraw", true
	case cluster.Survey:
		return "survey", false
	}
	return "other", true
}
