package run

import (
	"io"
	"net/http"
	"strings"

	"earshot"
	"earshot/loadtest/report"
	"earshot/loadtest/scenario"
)

// Config is one run. Scenario, URL and Tokens are required.
type Config struct {
	Scenario *scenario.Scenario
	SLO      report.SLO // besides the scenario's own
	URL      string     // of the server, such as http://localhost:8080
	// Also are servers that share the instance: people join them and URL in turn.
	// Poses are not judged then.
	Also   []string
	Tokens Tokens
	Client *http.Client // for joins; nil is one with a connection for each join under way

	// The server's process and admin listener, for its own figures. 0 and ""
	// look for them on this machine; Admin "off" does not ask for metrics.
	ServerPID int
	Admin     string

	Out      string            // folder for result.json and report.html; "" writes none
	Command  string            // for the report: what was typed
	Settings map[string]string // for the report: what was changed

	Live     io.Writer  // nil shows nothing
	Terminal bool       // Live understands cursor movements and colours
	Width    func() int // columns of the terminal; nil is 80
}

func (c *Config) fill() error {
	switch {
	case c.Scenario == nil:
		return earshot.Errorf(earshot.CodeInvalidArgument, "say which scenario to run: earshot loadtest -list shows those there are")
	case !strings.HasPrefix(c.URL, "http://") && !strings.HasPrefix(c.URL, "https://"):
		return earshot.Errorf(earshot.CodeInvalidArgument, "-url %q is not the address of a server; write it like http://localhost:8080", c.URL)
	}
	c.URL = strings.TrimRight(c.URL, "/")
	for i, also := range c.Also {
		if !strings.HasPrefix(also, "http://") && !strings.HasPrefix(also, "https://") {
			return earshot.Errorf(earshot.CodeInvalidArgument, "-also %q is not the address of a server; write it like http://localhost:8090", also)
		}
		c.Also[i] = strings.TrimRight(also, "/")
	}
	if c.Client == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = 64
		c.Client = &http.Client{Transport: transport}
	}
	if c.Tokens == nil {
		c.Tokens = ServerTokens{URL: c.URL, Client: c.Client}
	}
	if c.Width == nil {
		c.Width = func() int { return 80 }
	}
	return nil
}

// server returns where the person of a number joins.
func (c *Config) server(number uint32) string {
	if i := int(number) % (1 + len(c.Also)); i > 0 {
		return c.Also[i-1]
	}
	return c.URL
}
