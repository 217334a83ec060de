package declared

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/origin"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// History tells which commit touched lines of a file last. One that cannot be
// told at all is a fault.Missing.
type History interface {
	Blame(ctx context.Context, q snapshot.Lines) (snapshot.Touch, error)
}

// Source is where an object was rendered from.
type Source struct {
	Type render.Type
	At   snapshot.Location
	Tree snapshot.Tree
	// Files are those of Tree.
	Files *origin.Files
	// Dir is the source's folder in the tree.
	Dir    string
	Origin render.Origin
	// More opens the tree that Origin names.
	More render.Opener
}

// Question is about one value of an object, or about the object where Path is
// empty.
type Question struct {
	Source
	Object *unstructured.Unstructured
	Path   string
}

// ID stands for the question: two of the same one have the same answer. It
// tells nothing of the value.
func (q Question) ID() string {
	value, err := json.Marshal(q.Object.Object)
	if err != nil {
		value = []byte(err.Error()) // cannot be: it was decoded from text
	}
	all := fmt.Sprintf("%q", []string{
		q.At.RepoURL, q.At.Chart, q.Tree.Commit.SHA, q.Dir, q.Origin.String(), object.KeyOf(q.Object).String(), q.Path, string(value),
	})
	sum := sha256.Sum256([]byte(all))
	return hex.EncodeToString(sum[:])
}

// Repository is what has to be asked for history: questions about one of them
// take turns.
func (q Question) Repository() string {
	if q.Origin.Tree != nil {
		return repourl.Normalize(q.Origin.Tree.RepoURL)
	}
	return repourl.Normalize(q.At.RepoURL)
}

// found is a place, and the tree that it is in.
type found struct {
	origin.Place
	at     snapshot.Location
	commit string
	// elsewhere: not in the source's own tree.
	elsewhere bool
}

// Answer finds the place, and asks for the commit where history is not nil. An
// error beside an answer tells why the commit is not known. There is no answer
// where nothing is known.
func (q Question) Answer(ctx context.Context, history History) (*drift.Declaration, error) {
	at, ok, err := q.place(ctx)
	if !ok || err != nil {
		return nil, err
	}
	d := &drift.Declaration{File: at.File, Line: at.From, Precision: string(at.Precision)}
	if at.elsewhere {
		d.Repository = repourl.Redact(at.at.RepoURL)
	}
	if history == nil || at.at.Chart != "" || at.at.File || at.commit == "" {
		return d, nil // what charts and folders are made of tells no history
	}
	lines := snapshot.Lines{At: at.at, Commit: at.commit, Path: at.File}
	if at.Precision == origin.Line {
		lines.From, lines.To = at.From, at.To
	}
	touch, err := history.Blame(ctx, lines)
	if err != nil {
		return d, err
	}
	d.Time = &touch.Commit.Time
	if d.Older = touch.Beyond; d.Older {
		return d, nil
	}
	d.Commit, d.Author, d.Subject = touch.Commit.SHA, bounded(touch.Commit.Author, maxAuthor), bounded(touch.Commit.Subject, maxSubject)
	return d, nil
}

// Bounds of what a commit says of itself, in characters.
const (
	maxAuthor  = 100
	maxSubject = 200
)

func bounded(text string, most int) string {
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}

// place finds where the value is declared.
func (q Question) place(ctx context.Context) (at found, ok bool, err error) {
	own := found{at: q.At, commit: q.Tree.Commit.SHA}
	p, err := object.ParsePath(q.Path)
	if err != nil {
		return found{}, false, err
	}
	key := object.KeyOf(q.Object)
	want := origin.Wanted{Object: key}
	if len(p) > 0 {
		if want, ok = origin.Want(key, q.Object.Object, p); !ok {
			return found{}, false, nil
		}
	}
	if q.Origin.Path == "" {
		return found{}, false, nil
	}
	base := origin.At(q.Origin.Path, q.Origin.Line)
	if q.Type == render.Kustomize {
		own.Place = origin.Overlaid(q.Files, q.Dir, q.local(base), want)
		if q.Origin.Tree == nil || own.Precision == origin.Line {
			return own, own.File != "", nil
		}
		if own.Hidden {
			own.Place = base
			return q.abroad(ctx, own, false, want)
		}
	}
	own.Place = base
	if q.Origin.Tree != nil {
		return q.abroad(ctx, own, true, want)
	}
	return q.read(own, q.Files, want), true, nil
}

// local is the place of the object where it is in the source's own tree.
func (q Question) local(base origin.Place) origin.Place {
	if q.Origin.Tree != nil {
		return origin.Place{}
	}
	return base
}

// abroad is the place in another tree; look says whether to look into the file.
func (q Question) abroad(ctx context.Context, at found, look bool, want origin.Wanted) (found, bool, error) {
	at.at, at.elsewhere = *q.Origin.Tree, true
	at.commit = ""
	if q.More == nil {
		return at, true, nil
	}
	tree, err := q.More.Tree(ctx, at.at)
	if err != nil {
		return found{}, false, fmt.Errorf("look for where %s is declared: %w", q.subject(), err)
	}
	at.commit = tree.Commit.SHA
	if look {
		at = q.read(at, origin.NewFiles(tree.FS), want)
	}
	return at, true, nil
}

// read looks into the file that describes the object. Jsonnet is no YAML, and
// neither are most templates: then the place stays as it is.
func (q Question) read(at found, files *origin.Files, want origin.Wanted) found {
	switch path.Ext(at.File) {
	case ".yaml", ".yml", ".json":
		at.Place = origin.Plain(files, at.Place, want)
	}
	return at
}

func (q Question) subject() string {
	name := object.KeyOf(q.Object).Short()
	if q.Path == "" {
		return name
	}
	return name + " " + q.Path
}

// Why is an error of an answer with its subject, for people.
func (q Question) Why(err error) error {
	return fmt.Errorf("find who declared %s: %w", q.subject(), err)
}

// Final tells that asking again leads to nothing else: the history has nothing
// to tell.
func Final(err error) bool {
	return err == nil || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) &&
		(fault.Of(err) == fault.Missing || fault.Of(err) == fault.Invalid)
}
