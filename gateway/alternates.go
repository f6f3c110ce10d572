package gateway

import (
	"slices"

	"earshot/gateway/protocol"
)

// alternates are the other nodes, to which clients turn when this one is gone,
// in an order that differs from client to client.
func (f *fleet) alternates(s *session) []string {
	if f == nil {
		return nil
	}
	nodes := f.Nodes()
	urls := make([]string, 0, len(nodes))
	for _, n := range nodes {
		if n.Node != f.ID() && n.URL != "" && !n.Draining {
			urls = append(urls, n.URL)
		}
	}
	slices.Sort(urls)
	if len(urls) > 1 { // spread
		at := int(s.id[len(s.id)-1]) % len(urls)
		urls = append(urls[at:], urls[:at]...)
	}
	return urls[:min(len(urls), protocol.MaxAlternates)]
}

// news returns where else s could join, if that has changed since it was told:
// nodes come and go while people stay, and who knows none cannot leave one that
// has died. That there is none any more is not told: nobody would answer there.
func (s *session) news() []string {
	list := s.in.g.fleet.alternates(s)
	if before := s.alternates.Load(); len(list) == 0 || before != nil && slices.Equal(*before, list) {
		return nil
	}
	s.alternates.Store(&list)
	return list
}
