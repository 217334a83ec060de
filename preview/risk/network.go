package risk

import (
	"fmt"
	"slices"
	"strings"
)

func exposed(c Change) []string {
	if c.Key.Kind == "NetworkPolicy" {
		return opened(c)
	}
	outside := func(manifest map[string]any) string {
		t, _ := mapAt(manifest, "spec")["type"].(string)
		if t == "LoadBalancer" || t == "NodePort" {
			return t
		}
		return ""
	}
	if now := outside(c.After); now != "" && outside(c.Before) != now {
		return []string{"is reachable from outside now: " + now}
	}
	return nil
}

// opened finds what a network policy let through nobody, or some, and lets
// everybody now.
func opened(c Change) []string {
	before, after := directions(c.Before), directions(c.After)
	if c.After == nil {
		if c.Deleted && c.Kept == "" && len(before) > 0 && slices.ContainsFunc(before, direction.closes) {
			return []string{"opens what the policy closed"}
		}
		return nil
	}
	if c.Before == nil {
		// A new policy opens nothing where no other one closed it. That is all
		// that one can do which closes nothing itself.
		if len(after) > 0 && !slices.ContainsFunc(after, direction.closes) {
			return []string{"lets everybody through, whatever other policies close"}
		}
		return nil
	}
	var out []string
	for _, was := range before {
		i := slices.IndexFunc(after, func(d direction) bool { return d.name == was.name })
		switch {
		case i < 0 && was.closes():
			out = append(out, "no longer limits "+was.name)
		case i >= 0 && was.closes():
			for _, ports := range added(was.open, after[i].open) {
				out = append(out, fmt.Sprintf("lets everybody through by %s on %s", was.name, ports))
			}
		}
	}
	for _, is := range after {
		if !is.closes() && !slices.ContainsFunc(before, func(d direction) bool { return d.name == is.name }) {
			out = append(out, "lets everybody through by "+is.name+", whatever other policies close")
		}
	}
	return out
}

// direction is traffic that a network policy limits to what its rules name.
type direction struct {
	name string
	// open are the ports that are open to everybody.
	open map[string]bool
}

const allPorts = "all ports"

// closes reports that not everything is let through.
func (d direction) closes() bool { return !d.open[allPorts] }

// directions are those that a policy limits, as the API server completes it.
func directions(policy map[string]any) []direction {
	if policy == nil {
		return nil
	}
	spec := mapAt(policy, "spec")
	names := texts(spec["policyTypes"])
	if len(names) == 0 {
		names = []string{"Ingress"}
		if len(listAt(spec, "egress")) > 0 {
			names = append(names, "Egress")
		}
	}
	var out []direction
	for _, name := range names {
		d := direction{name: strings.ToLower(name), open: map[string]bool{}}
		peers := "from"
		if name == "Egress" {
			peers = "to"
		}
		for _, item := range listAt(spec, d.name) {
			rule, _ := item.(map[string]any)
			if everybody(listAt(rule, peers)) {
				for _, port := range ports(rule) {
					d.open[port] = true
				}
			}
		}
		out = append(out, d)
	}
	return out
}

// everybody reports peers that are all there are.
func everybody(peers []any) bool {
	return len(peers) == 0 || slices.ContainsFunc(peers, func(item any) bool {
		peer, _ := item.(map[string]any)
		cidr := mapAt(peer, "ipBlock")["cidr"]
		return cidr == "0.0.0.0/0" || cidr == "::/0"
	})
}

func ports(rule map[string]any) []string {
	list := listAt(rule, "ports")
	if len(list) == 0 {
		return []string{allPorts}
	}
	var out []string
	for _, item := range list {
		port, _ := item.(map[string]any)
		protocol, ok := port["protocol"].(string)
		if !ok {
			protocol = "TCP"
		}
		text := "every port"
		if port["port"] != nil {
			text = fmt.Sprint("port ", port["port"])
		}
		if port["endPort"] != nil {
			text = fmt.Sprintf("ports %v-%v", port["port"], port["endPort"])
		}
		out = append(out, text+" of "+protocol)
	}
	return out
}
