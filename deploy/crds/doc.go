// Package crds holds the generated CustomResourceDefinitions, for the agent to install.
//
// It does not know how they are applied.
package crds
