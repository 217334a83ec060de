package scm_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/internal/scm/scmtest"
)

// moves are what happens to a world while a list is read, and how often.
type moves struct {
	repository func(*scmtest.World)
	branch     func(*scmtest.Repository)
	// always has it happen before each request.
	always bool
}

// TestListsThatMove: whatever comes, goes or is renamed while the pages of a
// list are read, nothing else is missing and nothing is there twice, or there is
// an error that passes.
func TestListsThatMove(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]moves{
		"the first one goes": {
			repository: func(w *scmtest.World) { w.Repositories = slices.Delete(w.Repositories, 0, 1) },
			branch:     func(r *scmtest.Repository) { r.Branches = slices.Delete(r.Branches, 0, 1) },
		},
		"one comes before the others": {
			repository: func(w *scmtest.World) {
				w.Repositories = slices.Insert(w.Repositories, 0, scmtest.Repository{ID: 10, Name: "alpha", Default: "main"})
			},
			branch: func(r *scmtest.Repository) {
				r.Branches = slices.Insert(r.Branches, 0, scmtest.Branch{Name: "alpha", SHA: strings.Repeat("e", 40)})
			},
		},
		"the first one goes to the end": {
			repository: func(w *scmtest.World) {
				w.Repositories = append(w.Repositories[1:len(w.Repositories):len(w.Repositories)], w.Repositories[0])
			},
			branch: func(r *scmtest.Repository) {
				r.Branches = append(r.Branches[1:len(r.Branches):len(r.Branches)], r.Branches[0])
			},
		},
		"it never rests": {
			repository: func(w *scmtest.World) {
				id := int64(100 + len(w.Repositories))
				w.Repositories = slices.Insert(w.Repositories, 0, scmtest.Repository{ID: id, Name: fmt.Sprintf("new-%d", id), Default: "main"})
			},
			branch: func(r *scmtest.Repository) {
				r.Branches = slices.Insert(r.Branches, 0, scmtest.Branch{Name: fmt.Sprintf("new-%d", len(r.Branches)), SHA: strings.Repeat("e", 40)})
			},
			always: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, k kind, _ *scmtest.Server, _ *scm.Forges) {
				for at := 1; at <= 8; at++ {
					m.look(t, k, at)
				}
			})
		})
	}
}

// look reads both lists while something moves before a request of each.
func (m moves) look(t *testing.T, k kind, at int) {
	t.Helper()
	world := scmtest.Shop()
	server := k.serve(t, world)
	forges := scm.New(scm.Options{Objects: withToken(), BitbucketCloud: server.URL + "/2.0"})
	defer forges.Close()
	organization, err := forges.Organization(t.Context(), "sets", k.organization(server.URL, true))
	if err != nil {
		t.Fatal(err)
	}
	moving := func(move func()) {
		count := 0
		server.Break(func(http.ResponseWriter, *http.Request) bool {
			if count++; count == at || m.always {
				move()
			}
			return false
		})
	}
	moving(func() { m.repository(world) })
	names, err := repositoryNames(t.Context(), organization)
	m.check(t, fmt.Sprintf("repositories, request %d", at), err, names, k.repo("docs"), k.repo("api"))

	server.Break(func(http.ResponseWriter, *http.Request) bool { return false })
	server.Change(func(w *scmtest.World) { *w = *scmtest.Shop() })
	all, err := organization.Repositories(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	moving(func() { m.branch(&world.Repositories[0]) })
	branches, err := organization.Branches(t.Context(), all[slices.IndexFunc(all, func(r appset.Repository) bool { return r.Name == k.repo("web") })])
	names = nil
	for _, b := range branches {
		names = append(names, b.Name)
	}
	m.check(t, fmt.Sprintf("branches, request %d", at), err, names, "main", "main-2")
}

func repositoryNames(ctx context.Context, organization appset.Organization) ([]string, error) {
	all, err := organization.Repositories(ctx)
	var out []string
	for _, r := range all {
		out = append(out, r.Name)
	}
	return out, err
}

func (m moves) check(t *testing.T, what string, err error, got []string, want ...string) {
	t.Helper()
	if err != nil {
		// Of a repository that went nobody can ask for its labels.
		if labels := fault.Of(err) == fault.Missing && strings.HasSuffix(strings.SplitN(err.Error(), ": 404", 2)[0], "/labels"); !labels && (fault.Of(err) != fault.Transient || !m.always) {
			t.Errorf("%s: %v of kind %s", what, err, fault.Of(err))
		}
		return
	}
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("%s: %s is missing in %v", what, name, got)
		}
	}
	slices.Sort(got)
	if once := slices.Compact(slices.Clone(got)); len(once) != len(got) {
		t.Errorf("%s: one is there twice in %v", what, got)
	}
}
