// Package sqlite keeps history in one SQLite file, in process.
//
// It does not know what the entries mean.
package sqlite
