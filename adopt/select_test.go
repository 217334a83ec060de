package adopt_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/adopt"
	"github.com/trueup-dev/trueup/drift"
)

func TestSelect(t *testing.T) {
	t.Parallel()
	report := drift.Report{Objects: []drift.Object{
		{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web", State: drift.Modified, Fields: []drift.Field{
			{Path: "spec.replicas", Class: drift.Declared, Manager: "kubectl"},
			{Path: "spec.template.spec.containers[name=web].image", Class: drift.Declared, Manager: "trueup"},
			{Path: "spec.template.spec.nodeSelector.disk", Class: drift.Undeclared, Manager: "kubectl"},
			{Path: "spec.paused", Class: drift.Removed, Manager: "kubectl"},
			{Path: "spec.minReadySeconds", Class: drift.Expected, Manager: "kubectl"},
		}},
		{Kind: "ConfigMap", Namespace: "shop", Name: "gone", State: drift.Missing},
		{Kind: "ConfigMap", Namespace: "shop", Name: "extra", State: drift.Extra},
		{Kind: "ConfigMap", Namespace: "shop", Name: "odd", State: drift.Unknown, Reason: "no schema"},
		{Kind: "ConfigMap", Namespace: "a", Name: "twin", State: drift.Modified, Fields: []drift.Field{{Path: "data.x", Class: drift.Declared}}},
		{Kind: "ConfigMap", Namespace: "b", Name: "twin", State: drift.Modified, Fields: []drift.Field{{Path: "data.x", Class: drift.Declared}}},
	}}
	for name, tc := range map[string]struct {
		selection adopt.Selection
		want      []string
	}{
		"what hands changed of what Git declares": {adopt.Selection{}, []string{
			"Deployment shop/web spec.replicas", "ConfigMap a/twin data.x", "ConfigMap b/twin data.x",
			"- ConfigMap shop/gone: it is not there: name it with --object where Git shall drop it", "- ConfigMap shop/odd: it could not be compared: no schema"}},
		"and of what it does not": {adopt.Selection{Object: "Deployment/web", Undeclared: true}, []string{
			"Deployment shop/web spec.replicas", "Deployment shop/web spec.template.spec.nodeSelector.disk",
			"- Deployment shop/web spec.template.spec.containers[name=web].image: the live value is from an earlier commit: it is Git that moved on"}},
		"a path by name, whatever its class": {adopt.Selection{Paths: []string{"spec.paused", "spec.minReadySeconds"}}, []string{
			"Deployment shop/web spec.paused", "Deployment shop/web spec.minReadySeconds", "- ConfigMap shop/odd: it could not be compared: no schema"}},
		"all below a path":               {adopt.Selection{Object: "deployment/shop/web", Paths: []string{"spec.template.spec.nodeSelector"}}, []string{"Deployment shop/web spec.template.spec.nodeSelector.disk"}},
		"an object that was deleted":     {adopt.Selection{Object: "ConfigMap/gone"}, []string{"ConfigMap shop/gone gone"}},
		"one that Git does not describe": {adopt.Selection{Object: "ConfigMap/extra"}, []string{"- ConfigMap shop/extra: Git does not describe the object: add a file for it"}},
		"no such object":                 {adopt.Selection{Object: "Service/web"}, []string{`it has no object "Service/web"`}},
		"two of a name":                  {adopt.Selection{Object: "ConfigMap/twin"}, []string{`"ConfigMap/twin" is one of ConfigMap a/twin, ConfigMap b/twin`}},
		"no such difference":             {adopt.Selection{Paths: []string{"spec.type"}}, []string{"nothing differs at spec.type"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wanted, refused, err := adopt.Select(report, tc.selection)
			var got []string
			for _, w := range wanted {
				if w.Gone {
					got = append(got, w.Object.Key().Short()+" gone")
				}
				for _, f := range w.Fields {
					got = append(got, w.Object.Key().Short()+" "+f.Path)
				}
			}
			for _, r := range refused {
				got = append(got, fmt.Sprintf("- %s: %s", strings.TrimSpace(r.Key.Short()+" "+r.Path), r.Reason))
			}
			if err != nil {
				text, _, _ := strings.Cut(err.Error(), ": ")
				got = append(got, text)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
