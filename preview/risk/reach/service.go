package reach

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/preview/risk/decoded"
)

// Service says by what a service is reachable from outside that it was not
// before. Either manifest may be nil.
func Service(before, after map[string]any) []string {
	var out []string
	was, is := at(before, "spec", "type"), at(after, "spec", "type")
	switch {
	case is == balanced && was == "NodePort":
		out = append(out, "is reachable from outside by a LoadBalancer as well now")
	case is == balanced && was == balanced && limited(before) && !limited(after):
		out = append(out, "is reachable from every address now: its load balancer was limited to some")
	case (is == balanced || is == "NodePort") && was != balanced && was != is:
		out = append(out, fmt.Sprint("is reachable from outside now: ", is))
	}
	for _, ip := range decoded.List(after, "spec", "externalIPs") {
		if !slices.Contains(decoded.List(before, "spec", "externalIPs"), ip) {
			out = append(out, fmt.Sprint("is reachable from outside now: external IP ", ip))
		}
	}
	return out
}

const balanced = "LoadBalancer"

// limited reports a load balancer that lets some addresses through only. Of the
// field and the older annotation, the field counts.
func limited(service map[string]any) bool {
	ranges := decoded.List(service, "spec", "loadBalancerSourceRanges")
	if text, _ := at(service, "metadata", "annotations", "service.beta.kubernetes.io/load-balancer-source-ranges").(string); len(ranges) == 0 && text != "" {
		for one := range strings.SplitSeq(text, ",") {
			ranges = append(ranges, one)
		}
	}
	return len(ranges) > 0 && !slices.ContainsFunc(ranges, everyAddress)
}

// everyAddress reports a range that holds all addresses.
func everyAddress(cidr any) bool {
	text, _ := cidr.(string)
	prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
	return err == nil && prefix.Bits() == 0
}

// at is a value inside a manifest; nil where there is none.
func at(m map[string]any, path ...string) any {
	v, _, err := unstructured.NestedFieldNoCopy(m, path...)
	if err != nil {
		return nil // something else is there, which the API server refuses
	}
	return v
}
