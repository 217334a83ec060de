package reach

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/preview/risk/decoded"
)

// Policy finds what a network policy let through nobody, or some, and lets
// everybody, or every pod of the cluster, now. Before is nil of a new one, after
// of one that goes away.
func Policy(before, after map[string]any) []string {
	was, is := directions(before), directions(after)
	switch {
	case after == nil && slices.ContainsFunc(was, direction.closes):
		return []string{"opens what the policy closed"}
	case after == nil:
		return nil
	case before == nil && len(is) > 0 && !slices.ContainsFunc(is, direction.closes):
		// A new policy opens nothing where no other one closed it. That is all
		// that one can do which closes nothing itself.
		return []string{"lets everybody through, whatever other policies close"}
	case before == nil:
		return nil
	}
	var out []string
	for _, d := range was {
		i := slices.IndexFunc(is, d.alike)
		if i < 0 {
			if d.closes() {
				out = append(out, "no longer limits "+d.name)
			}
			continue
		}
		for _, p := range beyond(d.everybody, is[i].everybody) {
			out = append(out, fmt.Sprintf("lets everybody through by %s on %s", d.name, p))
		}
		for _, p := range beyond(slices.Concat(d.everybody, d.pods, is[i].everybody), is[i].pods) {
			out = append(out, fmt.Sprintf("lets every pod of the cluster through by %s on %s", d.name, p))
		}
	}
	for _, d := range is {
		if !d.closes() && !slices.ContainsFunc(was, d.alike) {
			out = append(out, "lets everybody through by "+d.name+", whatever other policies close")
		}
	}
	return out
}

// direction is traffic that a network policy limits to what its rules name.
type direction struct {
	name string
	// everybody and pods are the ports that are open to everybody, and to every
	// pod of the cluster.
	everybody, pods []ports
}

func (d direction) alike(other direction) bool { return d.name == other.name }

// closes reports that not everything is let through.
func (d direction) closes() bool { return !allPorts.in(d.everybody) }

// directions are those that a policy limits, as the API server completes it.
func directions(policy map[string]any) []direction {
	if policy == nil {
		return nil
	}
	names := decoded.List(policy, "spec", "policyTypes")
	if len(names) == 0 {
		names = []any{"Ingress"}
		if len(decoded.List(policy, "spec", "egress")) > 0 {
			names = append(names, "Egress")
		}
	}
	var out []direction
	for _, name := range names {
		d, peers := direction{name: strings.ToLower(fmt.Sprint(name))}, "from"
		if d.name == "egress" {
			peers = "to"
		}
		for _, item := range decoded.List(policy, "spec", d.name) {
			rule, _ := item.(map[string]any)
			switch who := decoded.List(rule, peers); {
			case len(who) == 0 || slices.ContainsFunc(who, isEverybody):
				d.everybody = append(d.everybody, portsOf(rule)...)
			case slices.ContainsFunc(who, isEveryPod):
				d.pods = append(d.pods, portsOf(rule)...)
			}
		}
		out = append(out, d)
	}
	return out
}

func isEverybody(peer any) bool {
	p, _ := peer.(map[string]any)
	return everyAddress(at(p, "ipBlock", "cidr"))
}

// isEveryPod reports a peer that is all pods of all namespaces.
func isEveryPod(peer any) bool {
	p, _ := peer.(map[string]any)
	namespaces, ok := p["namespaceSelector"].(map[string]any)
	pods, _ := p["podSelector"].(map[string]any)
	return ok && selectsAll(namespaces) && selectsAll(pods)
}

func selectsAll(selector map[string]any) bool {
	labels, _ := selector["matchLabels"].(map[string]any)
	return len(labels) == 0 && len(decoded.List(selector, "matchExpressions")) == 0
}
