package pack

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1" //nolint:gosec // it is what packs end with
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// FuzzIndex takes in packs that a hostile server may send: each is refused,
// or is one that can be read in full. sum gives data the checksum that it
// needs to be looked into.
func FuzzIndex(f *testing.F) {
	dir := f.TempDir()
	for _, script := range []string{
		"git init -q . && git config user.email a@b && git config user.name a",
		"seq 1 500 > a && git add a && git commit -qm 1 && seq 1 501 > a && git add a && git commit -qm 2",
		"git rev-list --objects --all | git pack-objects --stdout -q > whole",
		"printf 'HEAD\\n^HEAD~1\\n' | git pack-objects --thin --revs --stdout -q > thin",
	} {
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			f.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	for _, name := range []string{"whole", "thin"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, false)
		f.Add(data[:len(data)-int(trailerSize)], true)
	}
	f.Fuzz(func(t *testing.T, data []byte, sum bool) {
		if sum {
			data = summed(data)
		}
		takeIn(t, data)
	})
}

// FuzzObjects takes in packs whose parts fit together, made of what a text
// says: four bytes for each object, which are its type, the size that it
// claims to have beyond its own, which earlier object it builds on, and how
// many bytes that follow are its content.
func FuzzObjects(f *testing.F) {
	f.Add([]byte{3, 0, 0, 5, 'h', 'e', 'l', 'l', 'o', 6, 0, 1, 6, 5, 6, 0x90, 5, 1, '!', 7, 0, 1, 5, 6, 2, 0x91, 1, 2})
	f.Fuzz(func(t *testing.T, program []byte) { takeIn(t, summed(assemble(program))) })
}

// assemble makes a pack without its checksum.
func assemble(program []byte) []byte {
	const instruction = 4
	out := append([]byte("PACK"), 0, 0, 0, 2, 0, 0, 0, 0)
	var starts []int
	var ids []plumbing.Hash
	var kinds []plumbing.ObjectType
	var whole [][]byte
	for len(program) >= instruction && len(starts) < 64 {
		kind, more, back := plumbing.ObjectType(program[0]&7), int(int8(program[1])), int(program[2])
		size := min(int(program[3]), len(program)-instruction)
		content := program[instruction : instruction+size]
		program = program[instruction+size:]
		base := max(0, len(starts)-1-back)
		is, result := kind, content
		if (kind == plumbing.OFSDeltaObject || kind == plumbing.REFDeltaObject) && base < len(whole) {
			if patched, err := patch(whole[base], content); err == nil {
				is, result = kinds[base], patched
			}
		}
		starts, ids = append(starts, len(out)), append(ids, hashOf(is, result))
		kinds, whole = append(kinds, is), append(whole, result)
		claims := uint64(max(0, size+more))
		first := byte(kind)<<4 | byte(claims&15)
		for claims >>= 4; claims > 0; claims >>= 7 {
			out = append(out, first|0x80)
			first = byte(claims & 0x7f)
		}
		out = append(out, first)
		switch kind {
		case plumbing.OFSDeltaObject:
			out = append(out, distance(starts[len(starts)-1]-starts[base])...)
		case plumbing.REFDeltaObject:
			out = append(out, ids[base][:]...)
		default: // its content is all
		}
		var packed bytes.Buffer
		z := zlib.NewWriter(&packed)
		_, _ = z.Write(content)
		_ = z.Close()
		out = append(out, packed.Bytes()...)
	}
	out[headSize-1] = byte(len(starts))
	return out
}

// distance is the form in which a delta tells how far back its base is.
func distance(n int) []byte {
	out := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		n--
		out = append([]byte{byte(n&0x7f) | 0x80}, out...)
	}
	return out
}

func summed(data []byte) []byte {
	sum := sha1.Sum(data) //nolint:gosec // it is what packs end with
	return append(bytes.Clone(data), sum[:]...)
}

// takeIn indexes a pack, and reads all that it holds.
func takeIn(t *testing.T, data []byte) {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "x.git"), NewCache(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	var all []entry
	pack, err := s.write(func(out *os.File) ([]entry, plumbing.Hash, error) {
		entries, sum, err := index(t.Context(), bytes.NewReader(data), out, s.Set())
		all = entries
		return entries, sum, err
	})
	if err != nil || pack == nil {
		return
	}
	set := &Set{files: []*file{pack}, cache: s.cache}
	for _, e := range all {
		kind, content, err := set.Read(e.hash)
		if err != nil || hashOf(kind, content) != e.hash {
			t.Errorf("%s was indexed and does not read: %v", e.hash, err)
		}
		if size, err := set.Size(e.hash); err != nil || size != int64(len(content)) {
			t.Errorf("%s has the size %d, %v", e.hash, size, err)
		}
	}
}

// FuzzPatch applies any delta to any base.
func FuzzPatch(f *testing.F) {
	f.Add([]byte("hello"), []byte{5, 6, 0x90, 5, 1, '!'})
	f.Add([]byte("hello"), []byte{5, 3, 0x91, 1, 3})
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		out, err := patch(base, delta)
		if err != nil {
			return
		}
		if _, size, _, err := deltaSizes(delta); err != nil || size != int64(len(out)) {
			t.Errorf("%d bytes where the delta says %d, %v", len(out), size, err)
		}
	})
}
