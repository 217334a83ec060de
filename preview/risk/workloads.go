package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/preview/risk/decoded"
)

func workloads() []Rule {
	return []Rule{
		{Name: "container", Severity: Warning, About: "A container or init container comes, goes, or is replaced by one of another name.", Find: otherContainers},
		{Name: "image", Severity: Notice, About: "A container gets another image.", Find: images},
		{Name: "image-unpinned", Severity: Warning, About: "A new image has no tag, or the tag latest: what runs can change without a commit.", Find: unpinnedImages},
		{
			Name: "scaled-to-zero", Severity: Critical, About: "Nothing runs any more.",
			Find: func(c Change) []string {
				before, after := replicas(c.Before), replicas(c.After)
				if after == 0 && before != 0 && c.After != nil && len(containers(c.After)) > 0 && c.Before != nil {
					return []string{"runs no replica any more"}
				}
				return nil
			},
		},
		{
			Name: "scaled-down", Severity: Notice, About: "Fewer replicas run.",
			Find: func(c Change) []string {
				before, after := replicas(c.Before), replicas(c.After)
				if c.Before != nil && c.After != nil && after > 0 && before > after && len(containers(c.After)) > 0 {
					return []string{fmt.Sprintf("runs %d instead of %d replicas", after, before)}
				}
				return nil
			},
		},
		{
			Name: "probe-removed", Severity: Warning, About: "Nobody asks any more whether a container is well.",
			Find: func(c Change) []string {
				var out []string
				for name, p := range pairs(c) {
					for _, probe := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
						if p.was[probe] != nil && p.now[probe] == nil {
							out = append(out, name+" has no "+probe+" any more")
						}
					}
				}
				slices.Sort(out)
				return out
			},
		},
		{
			Name: "suspended", Severity: Notice, About: "A job or a schedule is suspended.", Kinds: []string{"batch/Job", "batch/CronJob"},
			Find: func(c Change) []string {
				if decoded.Map(c.After, "spec")["suspend"] == true && decoded.Map(c.Before, "spec")["suspend"] != true && c.Before != nil {
					return []string{"is suspended"}
				}
				return nil
			},
		},
	}
}

func images(c Change) []string {
	var out []string
	for name, p := range pairs(c) {
		if p.was["image"] != p.now["image"] {
			out = append(out, fmt.Sprintf("%s: %v -> %v", name, p.was["image"], p.now["image"]))
		}
	}
	slices.Sort(out)
	return out
}

func unpinnedImages(c Change) []string {
	before := pairs(c)
	var out []string
	for name, now := range containers(c.After) {
		image, _ := now["image"].(string)
		if image == "" || before[name].was["image"] == now["image"] || strings.Contains(image, "@") {
			continue
		}
		base := image[strings.LastIndex(image, "/")+1:]
		_, tag, tagged := strings.Cut(base, ":")
		if !tagged || tag == "latest" {
			out = append(out, name+" runs "+image+", which can change without a commit")
		}
	}
	slices.Sort(out)
	return out
}

// replicas is how many a workload asks for; 1 where it does not say.
func replicas(manifest map[string]any) int64 {
	if n, ok := decoded.Number(decoded.Map(manifest, "spec")["replicas"]); ok {
		return n
	}
	return 1
}
