package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"go.yaml.in/yaml/v3"

	"earshot/loadtest/child"
)

// World is the name of the world that all nodes have.
const World = "plaza"

// node is one earshot serve.
type node struct {
	name    string
	url     string // its origin
	gate    *gate  // between it and the store
	process *child.Process
}

// startNode starts a node of the site and returns when it answers.
func (s *Site) startNode(ctx context.Context, number int) (*node, error) {
	port, err := child.FreePort()
	if err != nil {
		return nil, err
	}
	listen := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	n := &node{name: fmt.Sprintf("node%d", number), url: "http://" + listen}
	if n.gate, err = newGate(s.store.address); err != nil {
		return nil, err
	}
	file := filepath.Join(s.dir, n.name+".yaml")
	if err := s.configure(n, file, listen); err != nil {
		n.gate.close()
		return nil, err
	}
	env := []string{"HOME=" + s.dir, "PATH=" + os.Getenv("PATH")}
	if n.process, err = child.Run(child.Command{
		Name: n.name, Dir: s.dir, Env: env, Argv: []string{s.cfg.Binary, "serve", "-config", file},
	}); err != nil {
		n.gate.close()
		return nil, err
	}
	if err := n.process.Ready(ctx, child.Page(n.url+"/readyz")); err != nil {
		n.stop()
		return nil, err
	}
	return n, nil
}

// configure writes the node's configuration.
func (s *Site) configure(n *node, file, listen string) error {
	type m = map[string]any
	text, err := yaml.Marshal(m{
		"listen": listen, "admin": "",
		"keys":                  []m{{"id": s.cfg.Key.ID, "algorithm": "HS256", "secret": s.cfg.Key.Secret}},
		"worlds":                m{World: m{"title": "Plaza", "capacity": max(250, s.cfg.People), "view_range": viewRange}},
		"max_joins_per_address": 0,
		"media":                 m{"udp": "127.0.0.1:0", "loopback": true},
		"inference":             m{"discover": ""},
		"store":                 m{"addresses": []string{n.gate.address()}, "prefix": s.prefix},
		"fleet":                 m{"url": n.url, "drain": s.cfg.Drain.String()},
		"log":                   m{"level": "info"},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// stop ends the node at once, whatever state it is in.
func (n *node) stop() {
	n.gate.reopen()
	if n.process != nil {
		n.process.Kill()
	}
	n.gate.close()
}
