// Package wire talks Git's protocol to servers: it asks for refs and for
// packs, and pushes, over HTTP and SSH.
//
// Version 2 is spoken where the server knows it, so that a query names the
// refs it is about; the older protocol elsewhere. Credentials are given with
// each conversation.
//
// It does not know what is held already, where packs are kept, nor what
// revisions mean.
package wire
