package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/preview/risk/decoded"
)

// podSpec finds the pods of a workload: of any kind that has a pod template
// where the built-in ones have it, or that is a Pod.
func podSpec(manifest map[string]any) map[string]any {
	spec := decoded.Map(manifest, "spec")
	for _, at := range []map[string]any{decoded.Map(spec, "jobTemplate", "spec", "template", "spec"), decoded.Map(spec, "template", "spec"), spec} {
		if _, ok := at["containers"].([]any); ok {
			return at
		}
	}
	return nil
}

// containers are those of a workload, by name. A pod has no two of one name,
// in whichever list they are.
func containers(manifest map[string]any) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, list := range []string{"containers", "initContainers"} {
		for _, item := range decoded.List(podSpec(manifest), list) {
			container, _ := item.(map[string]any)
			if name, ok := container["name"].(string); ok {
				out[name] = container
			}
		}
	}
	return out
}

// pair is one container before and after.
type pair struct {
	was, now map[string]any
	// old is its name before, where that was another.
	old string
}

// pairs are the containers that there are before and after, by the name they
// have then. One that has another name and still is of the same image's
// repository is the same, where no second one could be meant.
func pairs(c Change) map[string]pair {
	before, after := containers(c.Before), containers(c.After)
	out := map[string]pair{}
	gone, come := map[string][]string{}, map[string][]string{}
	for name, was := range before {
		if now, ok := after[name]; ok {
			out[name] = pair{was: was, now: now}
		} else {
			gone[repository(was)] = append(gone[repository(was)], name)
		}
	}
	for name, now := range after {
		if _, ok := before[name]; !ok {
			come[repository(now)] = append(come[repository(now)], name)
		}
	}
	for image, from := range gone {
		if to := come[image]; image != "" && len(from) == 1 && len(to) == 1 {
			out[to[0]] = pair{was: before[from[0]], now: after[to[0]], old: from[0]}
		}
	}
	return out
}

// repository is what a container runs, in whatever version.
func repository(container map[string]any) string {
	image, _ := container["image"].(string)
	image, _, _ = strings.Cut(image, "@")
	slash := strings.LastIndex(image, "/") + 1
	base, _, _ := strings.Cut(image[slash:], ":")
	return image[:slash] + base
}

func otherContainers(c Change) []string {
	before, after := containers(c.Before), containers(c.After)
	if len(before) == 0 || len(after) == 0 {
		return nil
	}
	var out []string
	replaced := map[string]bool{}
	both := pairs(c)
	for name, p := range both {
		if p.old != "" {
			replaced[p.old] = true
			out = append(out, fmt.Sprintf("%s takes the place of %s", name, p.old))
		}
	}
	for name, now := range after {
		if _, ok := both[name]; !ok {
			out = append(out, fmt.Sprintf("has a new container %s of %v", name, now["image"]))
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok && !replaced[name] {
			out = append(out, "has no container "+name+" any more")
		}
	}
	slices.Sort(out)
	return out
}
