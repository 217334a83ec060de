package kustomize

import (
	"bytes"
	"context"

	"golang.org/x/sync/semaphore"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Bounds on memory: kustomize takes about 600 bytes for each scalar, map and
// list of the YAML that it reads, however few bytes say it.
const (
	// maxNodes is how many of them one build reads, a file as often as it is
	// read: 30 MB of custom resource definitions.
	maxNodes = 1_000_000
	// heavyNodes is from where on builds wait for each other, so that all of
	// them together stay within maxNodes.
	heavyNodes = 50_000
	// maxKeys is how many keys a map has. The time of comparing each with each
	// other one grows with their square.
	maxKeys = 20_000
)

// nodes is about how many nodes the YAML has, without building them: each
// begins a line, or follows one of a few characters. In text there are some
// that begin nothing, so that it is rather too many.
func nodes(data []byte) int {
	count := 0
	at := func(i int) byte {
		if i < 0 || i >= len(data) {
			return '\n'
		}
		return data[i]
	}
	blank := true // nothing of the line so far
	for i, c := range data {
		switch c {
		case '\n':
			blank = true
			continue
		case ' ', '\t', '\r':
			continue
		case ',', '[', '{':
			count++
		case ':':
			if bytes.IndexByte([]byte(" \t\r\n,[]{}\"'"), at(i+1)) >= 0 || bytes.IndexByte([]byte("\"']}"), at(i-1)) >= 0 {
				count++
			}
		case '-', '?':
			if bytes.IndexByte([]byte(" \t\r\n"), at(i+1)) >= 0 {
				count++
			}
		}
		if blank {
			count++
			blank = false
		}
	}
	return count
}

func tooManyNodes() error {
	return fault.New(fault.Invalid, "building reads more than %d values of YAML, a file as often as it is read", maxNodes)
}

// parse counts a file that kustomize reads as YAML, and refuses more than it
// can take.
func (f *fileSystem) parse(name string, data []byte) error {
	known, ok := f.read[name]
	if !ok { // of the overlay, which is our own
		if f.nodes += nodes(data); f.nodes > maxNodes {
			return tooManyNodes()
		}
		return nil
	}
	if f.nodes += known.nodes(); f.nodes > maxNodes {
		return tooManyNodes()
	}
	if !known.judged {
		known.judged = true
		if err := bounded(data, known.counted); err != nil {
			known.refused = fault.New(fault.Invalid, "%s: %w", f.title(name), err)
		}
	}
	return known.refused
}

// nodes counts once.
func (c *content) nodes() int {
	if c.counted == 0 {
		c.counted = nodes(c.data)
	}
	return c.counted
}

// isText tells that generators put the file into an object as it is, and
// nothing reads it as YAML.
func (f *fileSystem) isText(name string) bool { return f.text[name] && !f.yaml[name] }

// weigh notes that a kustomization names a file of YAML.
func (l *layout) weigh(k *kustomization, name string) {
	l.files.yaml[name] = true
	if l.files.ctx.Err() != nil {
		return
	}
	if _, err := l.files.content(name); err == nil { // else kustomize tells
		k.weight = min(k.weight+l.files.read[name].nodes(), maxNodes+1)
	}
}

// turn waits until no other heavy builds are under way that would, together
// with this one, take more memory than one build may.
func turn(ctx context.Context, heavy *semaphore.Weighted, weight int) (done func(), err error) {
	if weight < heavyNodes {
		return func() {}, nil
	}
	n := int64(min(weight, maxNodes))
	if err := heavy.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { heavy.Release(n) }, nil
}
