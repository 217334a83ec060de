// Package document reads files of Applications, ApplicationSets and Projects,
// Argo CD's included, and names what is wrong in them by file and line.
//
// It does not know what the fields are for, nor who asks.
package document
