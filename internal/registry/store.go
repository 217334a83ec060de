package registry

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
)

// store keeps archives on disk by the SHA-256 of their content, so that a file
// that was damaged or put there by somebody else is found out when it is read.
type store struct {
	dir   string
	limit int64
	now   func() time.Time
	mu    sync.Mutex
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// get returns nil where the archive is not held, or not sound.
func (s *store) get(digest string) []byte {
	if !validDigest(digest) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := filepath.Join(s.dir, digest)
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxArchive {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	if digestOf(data) != digest {
		_ = os.Remove(name) // it is fetched again
		return nil
	}
	now := s.now()
	_ = os.Chtimes(name, now, now) // a lost time costs a fetch at most
	return data
}

// put keeps an archive, and makes room by the ones that were not used for longest.
func (s *store) put(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make the folder for archives: %w", err)
	}
	digest := digestOf(data)
	temp, err := os.CreateTemp(s.dir, ".new-")
	if err != nil {
		return fmt.Errorf("keep an archive: %w", err)
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), filepath.Join(s.dir, digest))
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return fmt.Errorf("keep an archive: %w", err)
	}
	return s.trim(digest)
}

func (s *store) trim(keep string) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("list the archives: %w", err)
	}
	var held []fs.FileInfo
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // gone meanwhile
		}
		if strings.HasPrefix(e.Name(), ".new-") && s.now().Sub(info.ModTime()) > time.Hour {
			_ = os.Remove(filepath.Join(s.dir, e.Name())) // left by a process that died
			continue
		}
		total += info.Size()
		if validDigest(e.Name()) && e.Name() != keep {
			held = append(held, info)
		}
	}
	slices.SortFunc(held, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for _, info := range held {
		if total <= s.limit {
			break
		}
		if err := os.Remove(filepath.Join(s.dir, info.Name())); err != nil {
			return fault.Wrap(fault.Transient, fmt.Errorf("make room for archives: %w", err))
		}
		total -= info.Size()
	}
	return nil
}

func validDigest(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == sha256.Size
}
