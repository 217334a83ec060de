package trial

import (
	"fmt"

	"github.com/trueup-dev/trueup/internal/merge"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Merged is what merging a head into a base leaves, given what they have in
// common: the change's Merged and Conflicts.
func Merged(common, base, head snapshot.Tree) (snapshot.Tree, []string, error) {
	switch common.Commit.SHA {
	case base.Commit.SHA:
		return head, nil, nil
	case head.Commit.SHA:
		return base, nil, nil // it is merged already
	}
	m, err := merge.Trees(common.FS, base.FS, head.FS)
	if err != nil {
		return snapshot.Tree{}, nil, fmt.Errorf("merge %s into %s: %w", head.Commit.Short(), base.Commit.Short(), err)
	}
	commit := head.Commit
	commit.SHA = "merge of " + commit.Short() + " into " + base.Commit.Short()
	return snapshot.Tree{Commit: commit, FS: m.FS}, m.Conflicts, nil
}
