package v1alpha1

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
)

func TestAddToSchemeKnowsEveryKind(t *testing.T) {
	t.Parallel()
	s := runtime.NewScheme()
	if err := AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"Application", "ApplicationSet", "Project", "ApplicationList", "ApplicationSetList", "ProjectList"} {
		if !s.Recognizes(GroupVersion().WithKind(kind)) {
			t.Errorf("%s is not registered", kind)
		}
	}
}
