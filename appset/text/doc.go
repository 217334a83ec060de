// Package text is the two languages of ApplicationSets' templates: Go
// templates, and plain replacement of {{name}}.
//
// Templates come from people who may be careless or hostile: whatever they
// say, rendering ends within bounded time and memory.
//
// It does not know what parameters mean, nor what becomes of a text.
package text
