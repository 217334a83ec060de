package declared_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/origin"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile/declared"
)

// blames remembers what it was asked.
type blames struct {
	asked []snapshot.Lines
	touch snapshot.Touch
	err   error
}

// Blame implements declared.History.
func (b *blames) Blame(_ context.Context, q snapshot.Lines) (snapshot.Touch, error) {
	b.asked = append(b.asked, q)
	return b.touch, b.err
}

// opener has one tree.
type opener struct{ tree snapshot.Tree }

// Tree implements render.Opener.
func (o opener) Tree(context.Context, snapshot.Location) (snapshot.Tree, error) { return o.tree, nil }

const web = "# web\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 3\n"

var (
	when = time.Unix(1_700_000_000, 0)
	ana  = snapshot.Touch{Commit: snapshot.Commit{SHA: "c0ffee", Author: "Ana", Subject: "Scale", Time: when}}
	here = snapshot.Location{RepoURL: "https://git.example.com/config.git", Revision: "main"}
	base = snapshot.Location{RepoURL: "https://bot:secret@git.example.com/base.git", Revision: "v1"}
)

func tree(sha string, files map[string]string) snapshot.Tree {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return snapshot.Tree{Commit: snapshot.Commit{SHA: sha}, FS: out}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	plain := map[string]string{"web.yaml": web, "web.jsonnet": "{}", "templates/web.yaml": "{{ if .x }}\n" + web + "{{ end }}"}
	overlay := map[string]string{"kustomization.yaml": "resources: [../base]\npatches:\n- path: scale.yaml\n", "scale.yaml": web}
	line := func(n int) *drift.Declaration {
		return &drift.Declaration{File: "web.yaml", Line: n, Precision: "line", Commit: "c0ffee", Author: "Ana", Subject: "Scale", Time: &when}
	}
	with := func(d *drift.Declaration, change func(*drift.Declaration)) *drift.Declaration { change(d); return d }
	for _, tc := range []struct {
		reason string
		source declared.Source
		path   string
		touch  snapshot.Touch
		want   *drift.Declaration
		asked  []snapshot.Lines
	}{
		{
			"the line of a value",
			declared.Source{At: here, Tree: tree("1", plain), Origin: render.Origin{Path: "web.yaml", Line: 1}}, "spec.replicas", ana,
			line(6), []snapshot.Lines{{At: here, Commit: "1", Path: "web.yaml", From: 6, To: 6}},
		},
		{
			"the object as a whole: all its lines",
			declared.Source{At: here, Tree: tree("1", plain), Origin: render.Origin{Path: "web.yaml", Line: 1}}, "", ana,
			line(2), []snapshot.Lines{{At: here, Commit: "1", Path: "web.yaml", From: 2, To: 6}},
		},
		{
			"a template says no more than where the object is: the file's last commit",
			declared.Source{Type: render.Helm, At: here, Tree: tree("1", plain), Origin: render.Origin{Path: "templates/web.yaml", Line: 3}}, "spec.replicas", ana,
			with(line(3), func(d *drift.Declaration) { d.File, d.Precision = "templates/web.yaml", "object" }),
			[]snapshot.Lines{{At: here, Commit: "1", Path: "templates/web.yaml"}},
		},
		{
			"a program says which file it is",
			declared.Source{At: here, Tree: tree("1", plain), Origin: render.Origin{Path: "web.jsonnet"}}, "spec.replicas", ana,
			with(line(0), func(d *drift.Declaration) { d.File, d.Precision = "web.jsonnet", "file" }),
			[]snapshot.Lines{{At: here, Commit: "1", Path: "web.jsonnet"}},
		},
		{
			"a patch over a base of another repository is in the own one",
			declared.Source{
				Type: render.Kustomize, At: here, Tree: tree("1", overlay), Dir: ".", Origin: render.Origin{Tree: &base, Path: "web.yaml", Line: 1},
				More: opener{tree("2", plain)},
			}, "spec.replicas", ana,
			with(line(6), func(d *drift.Declaration) { d.File = "scale.yaml" }), []snapshot.Lines{{At: here, Commit: "1", Path: "scale.yaml", From: 6, To: 6}},
		},
		{
			"what no patch sets is in that repository, whose password is not told",
			declared.Source{
				Type: render.Kustomize, At: here, Tree: tree("1", map[string]string{"kustomization.yaml": "resources: []\n"}), Dir: ".",
				Origin: render.Origin{Tree: &base, Path: "web.yaml", Line: 1}, More: opener{tree("2", plain)},
			}, "spec.replicas", ana,
			with(line(6), func(d *drift.Declaration) { d.Repository = "https://bot:xxxxx@git.example.com/base.git" }),
			[]snapshot.Lines{{At: base, Commit: "2", Path: "web.yaml", From: 6, To: 6}},
		},
		{
			"a chart of a registry has no history",
			declared.Source{Type: render.Helm, At: snapshot.Location{RepoURL: "https://charts.example.com", Chart: "web"}, Tree: tree("1.0", plain), Origin: render.Origin{Path: "templates/web.yaml", Line: 3}},
			"spec.replicas", ana, &drift.Declaration{File: "templates/web.yaml", Line: 3, Precision: "object"}, nil,
		},
		{
			"history that does not go back so far",
			declared.Source{At: here, Tree: tree("1", plain), Origin: render.Origin{Path: "web.yaml", Line: 1}}, "spec.replicas",
			snapshot.Touch{Commit: ana.Commit, Beyond: true},
			&drift.Declaration{File: "web.yaml", Line: 6, Precision: "line", Time: &when, Older: true}, []snapshot.Lines{{At: here, Commit: "1", Path: "web.yaml", From: 6, To: 6}},
		},
		{
			"what a commit says of itself has an end",
			declared.Source{At: here, Tree: tree("1", plain), Origin: render.Origin{Path: "web.yaml", Line: 1}}, "spec.replicas",
			snapshot.Touch{Commit: snapshot.Commit{SHA: "c0ffee", Author: strings.Repeat("ä", 500), Subject: "\xff", Time: when}},
			with(line(6), func(d *drift.Declaration) { d.Author, d.Subject = strings.Repeat("ä", 99)+"…", "\uFFFD" }),
			[]snapshot.Lines{{At: here, Commit: "1", Path: "web.yaml", From: 6, To: 6}},
		},
		{
			"nothing is known of where the object comes from",
			declared.Source{At: here, Tree: tree("1", plain)}, "spec.replicas", ana, nil, nil,
		},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			tc.source.Files = origin.NewFiles(tc.source.Tree.FS)
			history := &blames{touch: tc.touch}
			got, err := question(tc.source, tc.path).Answer(t.Context(), history)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("answer (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tc.asked, history.asked); diff != "" {
				t.Errorf("asked (-want +got)\n%s", diff)
			}
		})
	}
}

func question(s declared.Source, path string) declared.Question {
	return declared.Question{Source: s, Path: path, Object: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web"}, "spec": map[string]any{"replicas": int64(3)},
	}}}
}

// TestAnswerWithoutHistory: what is known is told beside the error, and which
// errors are worth another try.
func TestAnswerWithoutHistory(t *testing.T) {
	t.Parallel()
	s := declared.Source{At: here, Tree: tree("1", map[string]string{"web.yaml": web}), Origin: render.Origin{Path: "web.yaml", Line: 1}}
	s.Files = origin.NewFiles(s.Tree.FS)
	want := &drift.Declaration{File: "web.yaml", Line: 6, Precision: "line"}
	q := question(s, "spec.replicas")
	for err, final := range map[error]bool{
		errors.New("no route"): false, fault.New(fault.Denied, "no"): false, fault.New(fault.Missing, "none"): true, nil: true,
	} {
		var history declared.History
		if err != nil {
			history = &blames{err: err}
		}
		got, failed := q.Answer(t.Context(), history)
		if diff := cmp.Diff(want, got); diff != "" || !errors.Is(failed, err) || declared.Final(failed) != final {
			t.Errorf("%v: got %v, final: %v (-want +got)\n%s", err, failed, declared.Final(failed), diff)
		}
	}
	if text := q.Why(errors.New("no route")).Error(); text != "find who declared Deployment web spec.replicas: no route" {
		t.Errorf("the error reads %q", text)
	}
}

// TestQuestionsOfOneID: it changes with all that the answer depends on, and
// does not tell the value.
func TestQuestionsOfOneID(t *testing.T) {
	t.Parallel()
	s := declared.Source{At: here, Tree: tree("1", nil), Origin: render.Origin{Path: "web.yaml", Line: 1}}
	q := question(s, "spec.replicas")
	if q.ID() != question(s, "spec.replicas").ID() {
		t.Error("the same question has another id")
	}
	for what, other := range map[string]declared.Question{
		"path":   question(s, "spec"),
		"commit": question(declared.Source{At: here, Tree: tree("2", nil), Origin: s.Origin}, "spec.replicas"),
		"place":  question(declared.Source{At: here, Tree: s.Tree, Origin: render.Origin{Path: "web.yaml", Line: 2}}, "spec.replicas"),
	} {
		if other.ID() == q.ID() {
			t.Errorf("another %s has the same id", what)
		}
	}
	changed := question(s, "spec.replicas")
	changed.Object.Object["spec"] = map[string]any{"replicas": int64(4)}
	if changed.ID() == q.ID() {
		t.Error("another value has the same id")
	}
	if len(q.ID()) != 64 {
		t.Errorf("an id is a digest, not %q", q.ID())
	}
}
