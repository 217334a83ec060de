package pack

import (
	"bytes"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Reader reads objects.
type Reader interface {
	Read(h plumbing.Hash) (plumbing.ObjectType, []byte, error)
}

// maxTags bounds the tags on the way to a commit.
const maxTags = 16

// Peel follows tags to the commit that they are about in the end.
func Peel(from Reader, h plumbing.Hash) (plumbing.Hash, []byte, error) {
	for range maxTags {
		kind, data, err := from.Read(h)
		if err != nil {
			return h, nil, err
		}
		switch kind {
		case plumbing.CommitObject:
			return h, data, nil
		case plumbing.TagObject:
			line, _, _ := bytes.Cut(data, []byte("\n"))
			name, ok := bytes.CutPrefix(line, []byte("object "))
			if !ok || !plumbing.IsHash(string(name)) {
				return h, nil, fault.New(fault.Invalid, "the tag %s names nothing", h)
			}
			h = plumbing.NewHash(string(name))
		default:
			return h, nil, fault.New(fault.Invalid, "%s is a %s, not a commit", h, kind)
		}
	}
	return h, nil, fault.New(fault.Invalid, "%s is at the end of more than %d tags", h, maxTags)
}
