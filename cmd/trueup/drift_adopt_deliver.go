package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/mail"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/adopt"
	"github.com/trueup-dev/trueup/adopt/proposal"
	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/agent/web"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/reconcile"
)

// delivery brings edits to where they are from.
type delivery struct {
	adoptOptions
	author      mail.Address
	repos       *repositories
	credentials *agent.Credentials
	told        proposal.Input
	s           streams
	now         time.Time
}

// delivered is what became of one repository's edits.
type delivered struct {
	RepoURL     string   `json:"repoURL"`
	Files       []string `json:"files"`
	Base        string   `json:"base,omitempty"`
	Branch      string   `json:"branch,omitempty"`
	Commit      string   `json:"commit,omitempty"`
	PullRequest string   `json:"pullRequest,omitempty"`
	// Existing says that the pull request was open already.
	Existing bool `json:"existing,omitempty"`
}

func (o adoptOptions) credentials() (*agent.Credentials, error) {
	k, err := o.client()
	if err != nil {
		return nil, err
	}
	return &agent.Credentials{Reader: k, Namespace: o.namespace}, nil
}

// deliver goes through the repositories, and tells of each.
func (d delivery) deliver(ctx context.Context, edits []adopt.Edit) error {
	var all []delivered
	for len(edits) > 0 {
		first := edits[0]
		same := func(e adopt.Edit) bool { return e.RepoURL == first.RepoURL && e.Revision == first.Revision }
		var own, rest []adopt.Edit
		for _, e := range edits {
			if same(e) {
				own = append(own, e)
			} else {
				rest = append(rest, e)
			}
		}
		edits = rest
		out, err := d.repository(ctx, own)
		if err != nil {
			return err
		}
		for _, e := range own {
			out.Files = append(out.Files, e.Path)
		}
		all = append(all, out)
	}
	if d.output == "json" {
		return printJSON(d.s.out, d.document(all))
	}
	return nil
}

// document is the outcome for programs.
func (d delivery) document(all []delivered) map[string]any {
	type difference struct {
		Object string `json:"object"`
		Path   string `json:"path,omitempty"`
		To     string `json:"writtenTo,omitempty"`
		Reason string `json:"reason,omitempty"`
	}
	adopted, refused := []difference{}, []difference{}
	for _, a := range d.told.Adopted {
		adopted = append(adopted, difference{Object: a.Key.String(), Path: a.Field.Path, To: a.How})
	}
	for _, r := range d.told.Refused {
		refused = append(refused, difference{Object: r.Key.String(), Path: r.Path, Reason: r.Reason})
	}
	return map[string]any{
		"apiVersion": output.APIVersion, "kind": "DriftAdoption", "application": d.told.App,
		"repositories": all, "adopted": adopted, "refused": refused,
	}
}

// repository pushes the edits of one repository and opens a pull request, or
// prints them where it cannot know how.
func (d delivery) repository(ctx context.Context, edits []adopt.Edit) (delivered, error) {
	url, out := edits[0].RepoURL, delivered{RepoURL: repourl.Redact(edits[0].RepoURL)}
	place, err := scm.Locate(url, d.forge, d.forgeURL)
	known := err == nil
	_, local := d.repos.local[url]
	if d.print || local || !known && fault.Of(err) == fault.Missing && d.branch == "" {
		if !d.print {
			why := "it is read from a directory"
			if !local {
				why = err.Error() + "; --forge names it, --branch pushes without a pull request"
			}
			fmt.Fprintf(d.s.err, "(a patch for %s: %s)\n", out.RepoURL, why)
		}
		if d.output == "json" {
			return out, nil
		}
		return out, printPatch(d.s, edits)
	}
	if !known && fault.Of(err) != fault.Missing {
		return out, err
	}
	if out.Base = d.base; out.Base == "" {
		if out.Base, err = d.repos.sources.Git.Branch(ctx, url, edits[0].Revision); err != nil {
			return out, fmt.Errorf("%w; --base names the branch", err)
		}
	}
	out.Branch = cmp.Or(d.branch, d.told.Branch())
	if known {
		return d.propose(ctx, place, out, edits)
	}
	pushed, err := d.push(ctx, url, out, edits)
	if err != nil {
		return out, err
	}
	out.Branch, out.Commit = pushed.Branch, pushed.Commit
	d.say("pushed %s to %s of %s\n", pushed.Commit[:7], pushed.Branch, out.RepoURL)
	return out, nil
}

// propose pushes to a forge and opens a pull request, unless the same one is
// open.
func (d delivery) propose(ctx context.Context, place scm.Repository, out delivered, edits []adopt.Edit) (delivered, error) {
	url := edits[0].RepoURL
	change := rest.Change{Title: d.told.Title(), Body: d.told.Body(), Branch: out.Branch, Base: out.Base}
	auth, err := d.access(ctx, url)
	if err != nil {
		return out, err
	}
	forges := scm.New(scm.Options{})
	defer forges.Close()
	number, found, err := forges.Open(ctx, place, auth, change)
	if err != nil {
		return out, fmt.Errorf("%w; %s may hold a token, and --print prints a patch", err, tokenVariable)
	}
	if found && !d.force {
		out.PullRequest, out.Existing = place.URL(number), true
		d.say("%s is open already, with these values\n", out.PullRequest)
		return out, nil
	}
	pushed, err := d.push(ctx, url, out, edits)
	if err != nil {
		return out, err
	}
	out.Branch, out.Commit, change.Branch = pushed.Branch, pushed.Commit, pushed.Branch
	number, found, err = forges.Open(ctx, place, auth, change)
	if err == nil && !found {
		number, err = forges.Create(ctx, place, auth, change)
	}
	if err != nil {
		return out, fmt.Errorf("the branch %s is pushed, and has no pull request: %w", pushed.Branch, err)
	}
	out.PullRequest, out.Existing = place.URL(number), found
	d.say("%s\n", out.PullRequest)
	return out, nil
}

func (d delivery) say(format string, args ...any) {
	if d.output != "json" {
		fmt.Fprintf(d.s.out, format, args...)
	}
}

// access is that of the repository's credentials, or of the environment.
func (d delivery) access(ctx context.Context, url string) (git.Auth, error) {
	auth, err := d.credentials.For(ctx, url)
	if err != nil {
		return auth, err
	}
	if token := strings.TrimSpace(os.Getenv(tokenVariable)); token != "" {
		auth = git.Auth{Username: auth.Username, Password: token, CA: auth.CA, Insecure: auth.Insecure}
	}
	return auth, nil
}

func (d delivery) push(ctx context.Context, url string, out delivered, edits []adopt.Edit) (git.Proposed, error) {
	p := git.Proposal{
		Base: out.Base, Branch: out.Branch, Exact: d.branch != "", Force: d.force, Message: d.told.Commit(),
		Author: d.author.Name, Email: d.author.Address, At: d.now,
	}
	for _, e := range edits {
		p.Files = append(p.Files, git.ProposedFile{Path: e.Path, Before: e.Before, After: e.After})
	}
	return d.repos.sources.Git.Propose(ctx, url, p)
}

// timeline is what is remembered of the adopted fields.
func (o adoptOptions) timeline(ctx context.Context, app *v1alpha1.Application, adopted []adopt.Adopted) ([]proposal.Moment, error) {
	var all []history.Drift
	if o.server == "" {
		all = openMoments(app, history.Query{})
	} else {
		client := web.Client{Server: o.server, HTTP: &http.Client{Timeout: 30 * time.Second}}
		var err error
		if all, err = client.Drifts(ctx, history.Query{App: app.Namespace + "/" + app.Name, Limit: history.DefaultLimit}); err != nil {
			return nil, err
		}
	}
	var out []proposal.Moment
	for _, m := range all {
		if !slices.ContainsFunc(adopted, func(a adopt.Adopted) bool {
			return a.Field.Path == m.Path && a.Key == (object.Key{Group: m.Group, Kind: m.Kind, Namespace: m.Namespace, Name: m.Name})
		}) {
			continue
		}
		text := strings.TrimSpace(m.Moment + ": " + keyOf(m.Object).Short() + " " + m.Path)
		switch {
		case m.Cleared:
			text += ", " + ending(m)
		case m.Path != "":
			text += fmt.Sprintf(": %s to %s", cmp.Or(m.Desired, "nothing"), cmp.Or(m.Live, "nothing"))
			if m.Manager != "" {
				text += ", by " + m.Manager
			}
		}
		out = append(out, proposal.Moment{At: m.At, Text: text})
	}
	return out, nil
}

// maxOthers bounds the applications that are rendered to see what they read.
const maxOthers = 100

// others are further applications that read files which change.
func (o adoptOptions) others(ctx context.Context, flow *reconcile.Flow, app *v1alpha1.Application, edits []adopt.Edit, s streams) []string {
	all, err := o.applications(ctx, nil)
	if err != nil {
		fmt.Fprintf(s.err, "warning: which other applications read what is changed is not known: %v\n", err)
		return nil
	}
	var out []string
	looked := 0
	for i := range all {
		other := &all[i]
		near := slices.ContainsFunc(other.Spec.AllSources(), func(src v1alpha1.ApplicationSource) bool { return changes(edits, src.RepoURL, nil) })
		if other.Name == app.Name || !near {
			continue
		}
		if looked++; looked > maxOthers {
			fmt.Fprintf(s.err, "warning: of the other applications of this repository, only %d were looked at\n", maxOthers)
			break
		}
		desired, _, err := flow.Desire(ctx, other)
		if err != nil {
			continue // it says so itself
		}
		for _, reads := range desired.Reads() {
			if changes(edits, reads.At.RepoURL, reads.Reads.Tree.Content) {
				out = append(out, other.Name)
				break
			}
		}
	}
	return out
}

// changes reports edits of a repository, and of one of these files where some
// are given.
func changes(edits []adopt.Edit, repoURL string, files map[string]string) bool {
	return slices.ContainsFunc(edits, func(e adopt.Edit) bool {
		_, reads := files[e.Path]
		return repourl.Normalize(e.RepoURL) == repourl.Normalize(repoURL) && (files == nil || reads)
	})
}
