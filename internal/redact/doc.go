// Package redact takes secret values out of what people read.
//
// It does not know what the values are for, nor who wrote the text.
package redact
