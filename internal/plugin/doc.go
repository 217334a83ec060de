// Package plugin asks the HTTP services behind plugin generators for
// parameters, by Argo CD's protocol.
//
// It does not know what parameters are for, where ConfigMaps and Secrets are
// kept, nor when a plugin is asked again.
package plugin
