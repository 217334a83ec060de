package post

import (
	"context"
	"strings"
	"time"
)

// Repository is one repository on a forge.
type Repository struct {
	Comments Comments
	Accounts Accounts
	Statuses Statuses
	Pulls    Pulls
	// Deployments is nil where the forge keeps no records of deployments.
	Deployments Deployments
	// Traits are what its comments can hold.
	Traits func(ctx context.Context) Traits
}

// Comments are the comments of pull requests: those of the discussion, not
// those on lines of code.
type Comments interface {
	// List gives those that were made or edited at the time or after it, the
	// oldest first; the zero time gives all of them.
	List(ctx context.Context, pull int64, since time.Time) ([]Comment, error)
	Create(ctx context.Context, pull int64, body string) (id string, err error)
	// Edit is fault.Missing where the comment was deleted.
	Edit(ctx context.Context, pull int64, id, body string) error
}

// Accounts are those who write comments.
type Accounts interface {
	// Me is who our credentials stand for.
	Me(ctx context.Context) (Author, error)
	// MayWrite tells whether somebody may push to the repository. Where the forge
	// does not say, it is fault.Denied.
	MayWrite(ctx context.Context, who Author) (bool, error)
}

// Statuses are the statuses of commits.
type Statuses interface {
	// SetStatus replaces the status of the same context. The pull request is the
	// one that the commit is the head of.
	SetStatus(ctx context.Context, pull int64, commit string, s Status) error
}

// Pulls are the pull requests of a repository.
type Pulls interface {
	// Open gives the open ones, with what lists of the forge tell: the number,
	// the title, the author's name, branches, the head and the time.
	Open(ctx context.Context) ([]Pull, error)
	// Pull gives one, open or not. One that is not there is fault.Missing.
	Pull(ctx context.Context, number int64) (Pull, error)
}

// Deployments are the forge's records of what runs where.
type Deployments interface {
	// Deploy records a deployment, or a new state of it: there is one for each
	// commit and environment.
	Deploy(ctx context.Context, d Deployment) error
}

// Traits are what comments can hold.
type Traits struct {
	// Limit bounds a comment, in bytes.
	Limit int
	// HTML: elements such as <details> work, and comments in HTML are hidden.
	HTML bool
	// Alerts: "> [!WARNING]" is shown as a box.
	Alerts bool
}

// Author is somebody on the forge. ID never changes; it is empty where the
// forge does not tell it.
type Author struct {
	ID, Name string
}

// Is tells whether two are the same: by their ids, or by their names where one
// of them has no id.
func (a Author) Is(b Author) bool {
	if a.ID != "" && b.ID != "" {
		return a.ID == b.ID
	}
	return a.Name != "" && strings.EqualFold(a.Name, b.Name)
}

// Comment is one comment.
type Comment struct {
	ID      string
	Author  Author
	Body    string
	Created time.Time
}

// State is of a status and of a deployment.
type State string

// The states. Neutral is Success with forges that do not have it.
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure"
	Neutral State = "neutral"
)

// Context is the name of our status.
const Context = "trueup/preview"

// Status is what is shown beside a commit.
type Status struct {
	// Context tells statuses apart; Context by default.
	Context string
	State   State
	// Description is one line.
	Description string
	// URL leads to more; empty is none.
	URL string
	// Summary is Markdown for forges that show a page of it.
	Summary string
}

// PullState is open, closed or merged.
type PullState string

// The states of pull requests.
const (
	Open   PullState = "open"
	Closed PullState = "closed"
	Merged PullState = "merged"
)

// Pull is a pull request.
type Pull struct {
	Number int64
	Title  string
	State  PullState
	Author Author
	// Branch and Head are what is to be merged; HeadRef is the ref of the base
	// repository that has it, also where it comes from a fork. Empty is none.
	Branch, Head, HeadRef string
	// Fork: the branch is in another repository, whose writers may not be ours.
	Fork bool
	// Target and Base are the branch to merge into and its commit, as the forge
	// last saw it.
	Target, Base string
	// Merge is the commit that the forge made of merging, MergeRef where it keeps
	// it. Empty is none.
	Merge, MergeRef string
	URL             string
	// Updated is zero where the forge does not tell it.
	Updated time.Time
}

// Deployment is that a commit is brought to an environment.
type Deployment struct {
	Environment string
	Commit      string
	// Ref is the branch that the commit is of.
	Ref   string
	State State
	// Description is one line; URL leads to more.
	Description, URL string
}

// Short cuts a text to a number of characters, and says that it did.
func Short(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
