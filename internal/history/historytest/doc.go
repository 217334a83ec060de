// Package historytest is the contract of a history.Store, as tests.
//
// It does not know how a store keeps anything.
package historytest
