package show_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/show"
)

// TestSettings: what comes, goes, moves or changes of applications themselves,
// together for those that share it.
func TestSettings(t *testing.T) {
	t.Parallel()
	prune := []preview.Field{{Path: "spec.prune", Before: true}}
	r := preview.Report{Apps: []preview.App{
		{Name: "changed", Cluster: "eu", Origin: "a.yaml:1", Action: preview.Update, Settings: prune},
		{Name: "changed-too", Cluster: "us", Origin: "a.yaml:9", Action: preview.Same, Settings: prune},
		{Name: "objects", Cluster: "us", Action: preview.Update},
		{Name: "fails", Action: preview.Same, Problem: &preview.Problem{Message: "x"}},
		{Name: "moves", Cluster: "eu", Action: preview.Delete},
		{Name: "moves", Cluster: "us", Action: preview.Create, Settings: []preview.Field{{Path: "spec.destination.name", Before: "eu", After: "us"}}},
		{Name: "new-1", Cluster: "eu", Origin: "set.yaml:4", Action: preview.Create},
		{Name: "new-2", Cluster: "us", Origin: "set.yaml:4", Action: preview.Create, Problem: &preview.Problem{Message: "x"}},
		{Name: "old", Cluster: "us", Action: preview.Delete},
		{Name: "old-kept", Cluster: "us", Action: preview.Delete, Kept: "pruning is off"},
		{Name: "perhaps", Action: preview.Unknown},
		{Name: "store", Was: "shop", Action: preview.Rename, Kept: "pruning is off"},
	}}
	var got []string
	for _, s := range show.Settings(r) {
		text := strings.Join(s.Apps, " ") + " | " + s.What() + " | " + strings.Join(s.Clusters, " ") + " | " + strings.Join(s.Origins, " ") + " |"
		for _, l := range s.Lines() {
			text += " " + string(l.Sign) + l.Text
		}
		got = append(got, text)
	}
	want := []string{
		"new-1 new-2 | new applications | eu us | set.yaml:4 |",
		"old | the application goes away | us |  |",
		"old-kept | the application is described no more, and stays: pruning is off | us |  |",
		"perhaps | the application may be new |  |  |",
		"store | the application itself, renamed from shop, which stays: pruning is off |  |  |",
		"changed changed-too | the applications themselves | eu us | a.yaml:1 a.yaml:9 | -spec.prune: true",
		"moves | the application itself | us |  | -spec.destination.name: eu +spec.destination.name: us",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	verdict := "10 of 0 applications change: 2 new applications, 1 application goes away, 1 application described no more and kept, 1 application renamed, settings of 3 applications; 2 cannot be rendered"
	if diff := cmp.Diff(verdict, show.Verdict(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
