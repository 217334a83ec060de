package previews

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Notes remember which pull requests were not at their end yet. Forges list the
// open ones only: one that was merged while no agent ran is found by its note.
// Where notes are lost, such a merge is not told, and nothing else is.
type Notes interface {
	// Noted gives what was noted last of a repository.
	Noted(repository string) ([]int64, error)
	Note(repository string, pulls []int64) error
}

// NoteFiles keeps notes in a folder.
type NoteFiles struct{ Folder string }

var _ Notes = NoteFiles{}

func (n NoteFiles) file(repository string) string {
	sum := sha256.Sum256([]byte(repository))
	return filepath.Join(n.Folder, hex.EncodeToString(sum[:12])+".json")
}

// Noted implements Notes.
func (n NoteFiles) Noted(repository string) ([]int64, error) {
	data, err := os.ReadFile(n.file(repository))
	if os.IsNotExist(err) {
		return nil, nil
	}
	var out []int64
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		return nil, fmt.Errorf("read the notes about %s: %w", repository, err)
	}
	return out, nil
}

// Note implements Notes.
func (n NoteFiles) Note(repository string, pulls []int64) error {
	data, err := json.Marshal(pulls)
	if err == nil {
		err = os.MkdirAll(n.Folder, 0o700)
	}
	name := n.file(repository)
	if err == nil {
		err = os.WriteFile(name+".tmp", data, 0o600)
	}
	if err == nil {
		err = os.Rename(name+".tmp", name)
	}
	if err != nil {
		return fmt.Errorf("note the pull requests of %s: %w", repository, err)
	}
	return nil
}
