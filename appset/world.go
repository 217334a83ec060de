package appset

import (
	"context"
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// World is what generators may ask. What is nil refuses the generators that
// need it.
type World struct {
	Clusters     Clusters
	Repositories Repositories
	Forges       Forges
	// States confirms what Forges no longer lists; nil leaves it in doubt.
	States    PullRequestStates
	Decisions Decisions
	Plugins   Plugins
	// Now is for generators that leave out what is old.
	Now func() time.Time
	// Literals has fields explained that are no templates.
	Literals bool
}

// Clusters lists the clusters that applications can go to.
type Clusters interface {
	Clusters(ctx context.Context) ([]Cluster, error)
}

// Cluster is a destination as generators see it.
type Cluster struct {
	Name        string            `json:"name"`
	Server      string            `json:"server"`
	Project     string            `json:"project,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`

	// local: no Secret registers it.
	local bool
}

// The cluster that the agent runs in, where no secret claims it.
const (
	LocalName   = "in-cluster"
	LocalServer = "https://kubernetes.default.svc"
)

// Repositories opens repositories.
type Repositories interface {
	Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error)
}

// Forges reaches the servers that host repositories. The namespace is the
// set's: credentials are in Secrets beside it.
type Forges interface {
	// Organization opens what a generator names: exactly one provider is set.
	Organization(ctx context.Context, namespace string, gen *v1alpha1.SCMProviderGenerator) (Organization, error)
	// PullRequests lists the open ones of one repository, with all the labels
	// that the generator names. It is complete or an error. A repository that
	// is not there is fault.Missing.
	PullRequests(ctx context.Context, namespace string, gen *v1alpha1.PullRequestGenerator) ([]PullRequest, error)
}

// PullRequestStates asks for single pull requests: the second way to ask that
// tells a closed one from one that a list left out.
type PullRequestStates interface {
	// Gone tells whether the forge says, when asked for this one, that the
	// generator must not list it: it is closed or merged, lacks one of the labels,
	// or is not there while its repository is. A repository that is not there
	// is fault.Missing.
	Gone(ctx context.Context, namespace string, gen *v1alpha1.PullRequestGenerator, number int64) (bool, error)
}

// Organization is the repositories of one owner. Every answer is complete or
// an error: a page that is missing is never a shorter list.
type Organization interface {
	// Repositories lists them with their default branch and without its commit.
	Repositories(ctx context.Context) ([]Repository, error)
	// Branches lists the branches that the generator asks for: the default one,
	// or all. A repository without commits has none.
	Branches(ctx context.Context, of Repository) ([]Branch, error)
	// Has tells whether a branch has a file or folder of this path.
	Has(ctx context.Context, of Repository, branch Branch, path string) (bool, error)
}

// Repository is one repository of a forge.
type Repository struct {
	Organization, Name, ID string
	// Slug is how the forge's API names it, where that is not Name.
	Slug string
	// URL is in the protocol that the generator asks for.
	URL           string
	DefaultBranch string
	Labels        []string
}

// Branch is a branch and the commit at its end.
type Branch struct{ Name, SHA string }

// PullRequest is one that is open.
type PullRequest struct {
	Number               int64
	Title, Author        string
	Branch, TargetBranch string
	HeadSHA              string
	Labels               []string
	// Updated is when anybody last touched it; zero where the forge does not say.
	Updated time.Time
}

// Decisions finds the objects that decide on clusters, and what a
// clusterDecisionResource generator has beside it.
type Decisions interface {
	// Decide gives the status list items of the objects that the generator
	// names, each item as decoded JSON; MatchKey is the item's key that names a
	// cluster. No object found is fault.Missing.
	Decide(ctx context.Context, namespace string, gen *v1alpha1.DuckTypeGenerator) (Decision, error)
}

// Decision is what decision objects say.
type Decision struct {
	MatchKey string
	Items    []map[string]any
	// Undecided are the objects that have no list, not even an empty one:
	// nobody has decided yet, or they were just made anew.
	Undecided []string
}

// Plugins asks the services behind plugin generators.
type Plugins interface {
	// Parameters posts the input and gives the output's parameter sets, as
	// decoded JSON.
	Parameters(ctx context.Context, set PluginCaller, gen *v1alpha1.PluginGenerator) ([]map[string]any, error)
}

// PluginCaller is the set on whose behalf a plugin is asked.
type PluginCaller struct{ Namespace, Name string }

// Result is what a set expands to.
type Result struct {
	// Applications are sorted by name; names are unique.
	Applications []v1alpha1.Application
	// Rejected are applications that are not as they should be. They stop no
	// other, and what exists under their name must stay as it is.
	Rejected []Rejection
	// Warnings tell of what was left out on purpose.
	Warnings []string
	// Answers say how much each generator gave, in the document's order.
	Answers []Answer
	// Explained has an entry for each application, in the same order.
	Explained []Explanation
	// Until is when time alone makes another answer; zero is never.
	Until time.Time
}

// Rejection is an application that cannot be created.
type Rejection struct {
	// Name is empty where it is not known: then nothing of the set may be deleted.
	Name string
	// Generator is the path of the one behind it.
	Generator string
	Err       error
}

// Answer is how much a generator gave.
type Answer struct {
	// Path is the generator's place in the document, as
	// generators[0].matrix.generators[1].git.
	Path string `json:"path"`
	// ParameterSets is their number before any selector, over all the times
	// that the generator was asked.
	ParameterSets int `json:"parameterSets"`
	// Verified says that the answer is complete even if it is empty: it is read
	// from a commit, or it was asked a second time in another way. Of pull
	// requests: the set's status knows those of the last answer, and the forge
	// confirmed of each that is no longer listed that it is gone.
	Verified bool `json:"verified"`
	// Lacks are what the answer itself says that it has not, sorted: however
	// much it gave, it is a part of a complete one.
	Lacks []string `json:"lacks,omitempty"`
	// Empty are questions, as digests in their order, that got an empty answer
	// which is not verified; those of a matrix, while others may have got more.
	Empty []string `json:"empty,omitempty"`
	// PullRequests are those that gave parameters, for the set's status to
	// remember. While an answer is not acted on, the status keeps the one before.
	PullRequests []v1alpha1.RepositoryPullRequests `json:"pullRequests,omitempty"`
}

// Explanation says where an application and its fields come from.
type Explanation struct {
	Application string `json:"application"`
	Origin      Origin `json:"origin"`
	// Fields are those that a template filled, in the order of their paths.
	Fields []Field `json:"fields,omitempty"`
}

// Origin is where a parameter set comes from.
type Origin struct {
	// Generator is its place in the document.
	Generator string `json:"generator"`
	// Parameters are those that it gave by itself, as templates see them.
	Parameters map[string]any `json:"parameters,omitempty"`
	// Note tells what the generator looked at: a file, a cluster, a pull request.
	Note string `json:"note,omitempty"`
	// Parts are what a matrix or merge put together, in the order of its children.
	Parts []Origin `json:"parts,omitempty"`
}

// Field is one text of an application.
type Field struct {
	// Path is in the application, as spec.sources[0].path.
	Path string `json:"path"`
	// From is the place of its template in the set, as
	// spec.template.spec.sources[0].path or spec.templatePatch.
	From string `json:"from"`
	// Template and Value are before and after; Uses are the parameters in it,
	// "." all of them. What is no template has a value alone.
	Template string   `json:"template,omitempty"`
	Value    string   `json:"value"`
	Uses     []string `json:"uses,omitempty"`
	// Note says why it is there where no document says it.
	Note string `json:"note,omitempty"`
}
