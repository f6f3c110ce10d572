package store

import (
	"embed"

	"github.com/valkey-io/valkey-go"
)

//go:embed lua/*.lua
var luaFiles embed.FS

// script is one operation on the server.
type script struct {
	lua  *valkey.Lua
	text string // with what it begins with
}

// scripts are the operations by the names of their files.
type scripts map[string]script

func loadScripts() scripts {
	prelude, placed := text("prelude"), text("placed")
	all := scripts{}
	for _, name := range []string{"claim", "renew", "write", "put", "save", "read", "list", "release", "reserve", "cancel", "take", "announce", "befriend", "enter", "readdocket"} {
		all.add(name, prelude+text(name))
	}
	for _, name := range []string{"commit", "touch", "leave", "setorder", "find"} {
		all.add(name, prelude+placed+text(name))
	}
	return all
}

func (s scripts) add(name, text string) {
	s[name] = script{lua: valkey.NewLuaScript(text), text: text}
}

func text(name string) string {
	data, err := luaFiles.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // it was embedded
	}
	return string(data)
}
