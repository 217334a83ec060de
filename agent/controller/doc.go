// Package controller holds the controllers: thin loops that gather, call the
// flow or the generators, and write what came of it.
//
// It does not know how Git, rendering, comparing or applying work.
package controller
