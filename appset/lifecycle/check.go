package lifecycle

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
)

// defaultProject is the project of applications that name none; it need not
// be there.
const defaultProject = "default"

// check reports all that an application names and that is not there.
func check(app *v1alpha1.Application, known Known) error {
	var failures []error
	if p := app.Spec.Project; p != "" && p != defaultProject && known.Projects != nil && !known.Projects[p] {
		failures = append(failures, fault.New(fault.Missing, "spec.project: there is no Project %q", p))
	}
	to := app.Spec.Destination
	switch {
	case to.Server != "" && to.Name != "":
		failures = append(failures, fault.New(fault.Invalid, "spec.destination: it names both the server %s and the cluster %s; one is enough", to.Server, to.Name))
	case to.Server == "" && to.Name == "":
		failures = append(failures, fault.New(fault.Invalid, "spec.destination: it names neither a server nor a cluster"))
	case known.Clusters != nil:
		failures = append(failures, registered(to, known.Clusters))
	}
	return errors.Join(failures...)
}

// Protected tells which applications of a set stay as they are although it
// gives them no more: those whose name was rejected, and all of them where a
// rejected one has none.
func Protected(result appset.Result) func(name string) bool {
	given, rejected := map[string]bool{}, map[string]bool{}
	for i := range result.Applications {
		given[result.Applications[i].Name] = true
	}
	for _, r := range result.Rejected {
		rejected[r.Name] = true
	}
	return func(name string) bool { return !given[name] && (rejected[name] || rejected[""]) }
}

func registered(to v1alpha1.ApplicationDestination, clusters []appset.Cluster) error {
	found := 0
	for _, c := range clusters {
		if to.Server != "" && c.Server == to.Server || to.Name != "" && c.Name == to.Name {
			found++
		}
	}
	switch {
	case found == 1 || found == 0 && (to.Server == appset.LocalServer || to.Name == appset.LocalName):
		return nil
	case found == 0:
		return fault.New(fault.Missing, "spec.destination: the cluster %s is not registered", to.Server+to.Name)
	case to.Server != "":
		return nil // registered twice, and the same cluster
	}
	return fault.New(fault.Conflict, "spec.destination: %d clusters are called %s", found, to.Name)
}

// mayAdopt reports why a set must not take over an application of its name.
// One that nobody controls and that is just what the set would make was left
// behind by an earlier set of the same kind; any other is somebody's.
func mayAdopt(set *v1alpha1.ApplicationSet, other, want *v1alpha1.Application) error {
	if owner := metav1.GetControllerOf(other); owner != nil {
		return fault.New(fault.Conflict, "an application of this name exists, and %s %s controls it", owner.Kind, owner.Name)
	}
	if _, same := sameSpec(&other.Spec, &want.Spec); !same {
		return fault.New(fault.Conflict,
			"an application of this name exists, and ApplicationSet %s did not make it; it is taken over when its spec is what the set wants", set.Name)
	}
	return nil
}
