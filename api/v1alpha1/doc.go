// Package v1alpha1 is what users write and read in the cluster; one file per kind.
//
// The spec of Application, ApplicationSet and Project is Argo CD's, field for
// field and with the same JSON names, so that existing documents work
// unchanged; fields of our own say so in their comment.
//
// It does not know how any of this is rendered, compared, applied or stored.
//
// +kubebuilder:object:generate=true
// +groupName=trueup.dev
package v1alpha1
