package scenario

import (
	"strings"

	"earshot/loadtest/netsim"
)

// Network is what lies between a participant and the server: in YAML the name
// of a preset (network: wifi), or a mapping with up and down as in netsim.
type Network struct {
	Name string      `yaml:"-"` // of a preset; "" where Path says it
	Path netsim.Path `yaml:",inline"`
}

// Resolve returns the path, which is zero for no network at all.
func (n *Network) Resolve() netsim.Path {
	if n.Name == "" {
		return n.Path
	}
	path, _ := netsim.Named(n.Name)
	return path
}

func (n *Network) validate(c *checker, at string) {
	if n.Name != "" {
		if _, ok := netsim.Named(n.Name); !ok {
			c.complain(at, "there is no network %.64q; %s", n.Name, suggest(n.Name, netsim.Names()))
		}
		return
	}
	if err := n.Path.Validate(); err != nil {
		_, message, _ := strings.Cut(err.Error(), ": ")
		c.complain(at, "%s", message)
	}
}
