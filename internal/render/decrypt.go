package render

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/trueup-dev/trueup/internal/redact"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Decrypter opens encrypted files with the keys that a project may use.
type Decrypter interface {
	// Decrypt opens the content of the file that name is, which only gives
	// the format and is told in errors. What is not encrypted comes back with
	// Encrypted unset. Errors hold neither plain text nor keys; where only a
	// key is missing, the error is a Locked.
	Decrypt(ctx context.Context, project, name string, data []byte) (Plain, error)
	// Fingerprint stands for the keys that a project may use, without telling
	// them: it changes when they do.
	Fingerprint(ctx context.Context, project string) (string, error)
}

// Plain is what an encrypted file holds.
type Plain struct {
	Encrypted bool
	Data      []byte
	// Values are what was encrypted: no message may repeat them.
	Values []string
}

// Locked is the error of a file to which no key is there. Data is its content
// as it is in the tree, for engines that read more than they use.
type Locked struct {
	Err  error
	Data []byte
}

func (l *Locked) Error() string { return l.Err.Error() }
func (l *Locked) Unwrap() error { return l.Err }

// LockedData is the content of a file that could not be decrypted for want of
// a key. It is for files that an engine reads because they lie beside others:
// a chart's folder may hold the secrets of several clusters, each with a key
// of its own.
func LockedData(err error) ([]byte, bool) {
	var locked *Locked
	if !errors.As(err, &locked) {
		return nil, false
	}
	return locked.Data, true
}

// Decrypting returns a Renderer that reads encrypted files through d.
func (r *Renderer) Decrypting(d Decrypter) *Renderer {
	out := *r
	out.decrypter = d
	return &out
}

// sealMark is in every value that SOPS encrypts, and so in every file.
const sealMark = "ENC[AES256_GCM,"

// Sealed tells cheaply whether content may be encrypted: false is certain.
func Sealed(data []byte) bool { return bytes.Contains(data, []byte(sealMark)) }

// unlocker decrypts for one request, and remembers that it did.
type unlocker struct {
	ctx       context.Context // fs.FS has no place for one, and an unlocker lives as long as the request
	decrypter Decrypter
	project   string

	mu     sync.Mutex
	keys   *string // from before the first encrypted file was opened
	failed error   // of asking for them
	values []string
	opened bool
}

// unlock has a request read plain text. What was traced stays the encrypted
// content.
func unlock(ctx context.Context, d Decrypter, req Request) (Request, *unlocker) {
	u := &unlocker{ctx: ctx, decrypter: d, project: req.Project}
	if d == nil {
		return req, u
	}
	req.Tree.FS = plainFS{FS: req.Tree.FS, unlocker: u}
	if len(req.Refs) > 0 {
		refs := make(map[string]snapshot.Tree, len(req.Refs))
		for name, tree := range req.Refs {
			tree.FS = plainFS{FS: tree.FS, unlocker: u}
			refs[name] = tree
		}
		req.Refs = refs
	}
	if req.More != nil {
		req.More = plainOpener{next: req.More, unlocker: u}
	}
	return req, u
}

// open decrypts what may be encrypted.
func (u *unlocker) open(name string, data []byte) ([]byte, error) {
	if !Sealed(data) {
		return data, nil
	}
	if err := u.ask(); err != nil {
		return nil, err
	}
	plain, err := u.decrypter.Decrypt(u.ctx, u.project, name, data)
	if err != nil {
		return nil, err
	}
	if !plain.Encrypted {
		return data, nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.opened = true
	u.values = append(u.values, plain.Values...)
	return plain.Data, nil
}

// ask notes which keys there are, once.
func (u *unlocker) ask() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.keys == nil && u.failed == nil {
		keys, err := u.decrypter.Fingerprint(u.ctx, u.project)
		u.keys, u.failed = &keys, err
	}
	return u.failed
}

// tell adds what decryption means for a result and its error.
func (u *unlocker) tell(result *Result, err error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	result.Sensitive, result.Reads.Keys = u.opened, u.keys
	if !u.opened {
		return err
	}
	secrets := redact.Values(u.values)
	for i, w := range result.Warnings {
		result.Warnings[i] = secrets.Text(w)
	}
	return secrets.Err(err)
}

type plainOpener struct {
	next     Opener
	unlocker *unlocker
}

// Tree implements Opener.
func (o plainOpener) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	tree, err := o.next.Tree(ctx, at)
	if err == nil {
		tree.FS = plainFS{FS: tree.FS, unlocker: o.unlocker}
	}
	return tree, err
}
