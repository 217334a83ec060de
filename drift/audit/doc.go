// Package audit tells who changed an object, from the audit events of an API
// server (audit.k8s.io/v1, level Metadata or above). Pure.
//
// Read and ReadLines reduce events to what names a hand; bodies are never
// kept, only the names of the fields that a patch touches. Log remembers
// events for a while, within bounds. Who holds a change against them: it
// answers with one actor where the events leave one, with several where they
// leave several, and with nobody where they do not tell. It never guesses.
//
// Whoever sends a request chooses its user agent, its audit id and all source
// addresses but the last: none of them is trusted to be unique or printable.
//
// It does not know how events arrive, nor which objects are whose.
package audit
