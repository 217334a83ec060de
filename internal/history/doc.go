// Package history defines what is remembered of an application beyond its
// status: every sync that ran, and every difference that appeared or went.
// Adapters below it store that; historytest says what they must do.
//
// It does not know how a sync works, nor who asks.
package history
