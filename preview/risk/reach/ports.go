package reach

import (
	"fmt"
	"slices"

	"github.com/trueup-dev/trueup/preview/risk/decoded"
)

// ports are those of a range, or the one of a name, which is another number in
// every pod. No protocol is every one.
type ports struct {
	protocol, name string
	from, to       int64
}

const firstPort, lastPort = 1, 65535

var allPorts = ports{from: firstPort, to: lastPort} //nolint:gochecknoglobals // a value that nobody writes

// portsOf are those that a rule of a network policy is about.
func portsOf(rule map[string]any) []ports {
	items := decoded.List(rule, "ports")
	if len(items) == 0 {
		return []ports{allPorts}
	}
	out := make([]ports, 0, len(items))
	for _, item := range items {
		port, _ := item.(map[string]any)
		p := allPorts
		p.protocol = "TCP"
		if protocol, ok := port["protocol"].(string); ok {
			p.protocol = protocol
		}
		if name, ok := port["port"].(string); ok {
			p.name = name
		}
		if n, ok := decoded.Number(port["port"]); ok {
			p.from, p.to = n, n
		}
		if n, ok := decoded.Number(port["endPort"]); ok {
			p.to = n
		}
		out = append(out, p)
	}
	return out
}

// beyond says which ports of some are not all among others.
func beyond(others, some []ports) []string {
	var out []string
	for _, p := range some {
		if !p.in(others) {
			out = append(out, p.String())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// in reports that others have all of the ports, if together.
func (p ports) in(others []ports) bool {
	if p.protocol == "" {
		return !slices.ContainsFunc([]string{"TCP", "UDP", "SCTP"}, func(protocol string) bool {
			return !ports{protocol: protocol, from: p.from, to: p.to}.in(others)
		})
	}
	if p.name != "" {
		return slices.Contains(others, p) || ports{protocol: p.protocol, from: firstPort, to: lastPort}.in(others)
	}
	for n := p.from; n <= p.to; {
		i := slices.IndexFunc(others, func(o ports) bool {
			return o.name == "" && (o.protocol == "" || o.protocol == p.protocol) && o.from <= n && n <= o.to
		})
		if i < 0 {
			return false
		}
		n = others[i].to + 1
	}
	return true
}

func (p ports) String() string {
	switch {
	case p.protocol == "":
		return "all ports"
	case p.name != "":
		return "port " + p.name + " of " + p.protocol
	case p.from == firstPort && p.to == lastPort:
		return "every port of " + p.protocol
	case p.from == p.to:
		return fmt.Sprintf("port %d of %s", p.from, p.protocol)
	}
	return fmt.Sprintf("ports %d-%d of %s", p.from, p.to, p.protocol)
}
