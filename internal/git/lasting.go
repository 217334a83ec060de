package git

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/git/wire"
)

// lastRefs is the file in a mirror's folder that holds what a server answered
// last, for an agent that starts while the server is away: a line with the hash
// of the rest, and JSON.
const lastRefs = "trueup-refs"

// lasting is what stays of an answer. The refs are about the revisions.
type lasting struct {
	Revisions []lastingRevision `json:"revisions"`
	Refs      []lastingRef      `json:"refs"`
}

type lastingRevision struct {
	Revision  string `json:"revision,omitempty"`
	TagPrefix string `json:"tagPrefix,omitempty"`
}

type lastingRef struct {
	Name   string `json:"name"`
	Hash   string `json:"hash"`
	Peeled string `json:"peeled,omitempty"`
	Target string `json:"target,omitempty"`
}

// keepRefs writes down an answer about some revisions. It is for who has the
// turn to ask.
func (m *mirrored) keepRefs(uses []wanted, all []wire.Ref) error {
	var last lasting
	for _, w := range uses {
		last.Revisions = append(last.Revisions, lastingRevision{w.revision, w.tagPrefix})
	}
	about := interestIn(uses)
	for _, ref := range all {
		if ref.Name != "HEAD" && !about.includes(ref.Name) {
			continue
		}
		r := lastingRef{Name: ref.Name, Hash: ref.Hash.String(), Target: ref.Target}
		if !ref.Peeled.IsZero() {
			r.Peeled = ref.Peeled.String()
		}
		last.Refs = append(last.Refs, r)
	}
	data, err := json.Marshal(last)
	if err != nil {
		return err
	}
	if _, err := m.opened(); err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	data = append([]byte(hex.EncodeToString(sum[:])+"\n"), data...)
	name := filepath.Join(m.dir, lastRefs)
	if err := os.WriteFile(name+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// keptRefs reads what keepRefs wrote; false is that there is nothing, or that
// it was damaged.
func (m *mirrored) keptRefs() (uses []wanted, all []wire.Ref, ok bool) {
	data, err := os.ReadFile(filepath.Join(m.dir, lastRefs))
	if err != nil {
		return nil, nil, false
	}
	want, data, _ := bytes.Cut(data, []byte("\n"))
	sum := sha256.Sum256(data)
	var last lasting
	if hex.EncodeToString(sum[:]) != string(want) || json.Unmarshal(data, &last) != nil {
		return nil, nil, false
	}
	for _, w := range last.Revisions {
		uses = append(uses, wanted{w.Revision, w.TagPrefix})
	}
	for _, r := range last.Refs {
		all = append(all, wire.Ref{Name: r.Name, Hash: plumbing.NewHash(r.Hash), Peeled: plumbing.NewHash(r.Peeled), Target: r.Target})
	}
	return uses, all, true
}

// recall takes the answer that an earlier process had for the last one, where
// this one had none. What it is not about is not known; the next poll asks
// again.
func (r *repository) recall() {
	m, ok := r.source.(*mirrored)
	if !ok {
		return
	}
	uses, all, ok := m.keptRefs()
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refs != nil {
		return
	}
	r.refs = newRefs(all, interestIn(uses))
	for _, w := range uses {
		if u, ok := r.uses[w]; ok {
			u.covered = true
		} else {
			r.uses[w] = &use{covered: true, last: r.mirrors.options.Now()}
		}
	}
}
