package git

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1" //nolint:gosec // the format's
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/wire"
)

// push updates a ref of a server.
func (m *mirrored) push(ctx context.Context, u wire.Update, _ []made) error {
	auth, err := m.auth(ctx)
	if err != nil {
		return err
	}
	return m.remote.Push(ctx, auth, u)
}

// push writes objects and a ref into the repository.
func (l *local) push(_ context.Context, u wire.Update, all []made) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := l.open()
	if err != nil {
		return err
	}
	for _, o := range all {
		if err := put(s, o); err != nil {
			return err
		}
	}
	name := plumbing.ReferenceName(u.Name)
	next := plumbing.NewHashReference(name, u.New)
	if u.Old.IsZero() {
		if _, err := s.Reference(name); err == nil {
			return fault.New(fault.Conflict, "%s is there already", u.Name)
		}
		return s.SetReference(next)
	}
	err = s.CheckAndSetReference(next, plumbing.NewHashReference(name, u.Old))
	if errors.Is(err, storage.ErrReferenceHasChanged) {
		return fault.Wrap(fault.Conflict, err)
	}
	return err
}

func put(s storer.EncodedObjectStorer, o made) error {
	e := s.NewEncodedObject()
	e.SetType(o.kind)
	e.SetSize(int64(len(o.data)))
	w, err := e.Writer()
	if err != nil {
		return err
	}
	_, err = w.Write(o.data)
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("write an object: %w", err)
	}
	_, err = s.SetEncodedObject(e)
	return err
}

// pack is all objects in the form in which they are sent.
func (m *making) pack() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("PACK")
	b.Write(binary.BigEndian.AppendUint32(nil, 2))                      // the format's version
	b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(m.objects)))) //nolint:gosec // a handful
	for _, o := range m.objects {
		size := len(o.data)
		head := byte(o.kind)<<4 | byte(size&0x0f) //nolint:gosec // of one of four kinds
		for size >>= 4; size > 0; size >>= 7 {
			b.WriteByte(head | 0x80)
			head = byte(size & 0x7f) //nolint:gosec // seven bits
		}
		b.WriteByte(head)
		z := zlib.NewWriter(&b)
		_, err := z.Write(o.data)
		if err = errors.Join(err, z.Close()); err != nil {
			return nil, fmt.Errorf("write a pack: %w", err)
		}
	}
	sum := sha1.Sum(b.Bytes()) //nolint:gosec // the format's
	b.Write(sum[:])
	return b.Bytes(), nil
}
