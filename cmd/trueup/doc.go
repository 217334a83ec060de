// Command trueup keeps Kubernetes clusters true to Git, and says precisely
// where, since when and by whose hand they are not.
package main
