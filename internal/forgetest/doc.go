// Package forgetest gives tests a real Gitea with nothing in it, on a loopback
// port and with a folder of its own, until the test ends.
//
// It does not know how Gitea is built, nor what tests do with it.
package forgetest
