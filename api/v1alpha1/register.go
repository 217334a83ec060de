package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group and Version name the API.
const (
	Group   = "trueup.dev"
	Version = "v1alpha1"
)

// ArgoGroup is the group whose documents are read as if they were ours.
const ArgoGroup = "argoproj.io"

// GroupVersion is the group and version of every kind in this package.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: Group, Version: Version}
}

// AddToScheme registers every kind of this package.
func AddToScheme(s *runtime.Scheme) error {
	gv := GroupVersion()
	s.AddKnownTypes(gv,
		&Application{}, &ApplicationList{},
		&ApplicationSet{}, &ApplicationSetList{},
		&Project{}, &ProjectList{},
	)
	metav1.AddToGroupVersion(s, gv)
	return nil
}
