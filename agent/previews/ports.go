package previews

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/go-logr/logr"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/follow"
	"github.com/trueup-dev/trueup/preview/post"
	"github.com/trueup-dev/trueup/preview/risk"
)

// Repository is one whose pull requests are previewed.
type Repository struct {
	// Name is its host and path.
	Name string
	// URLs are those by which applications and Secrets name it; the first is
	// the one to read it by.
	URLs     []string
	Settings Settings
}

// Settings say what is done for a repository.
type Settings struct {
	// FailOn is the severity of a risk that fails the status.
	FailOn risk.Severity
	Forks  Forks
	// SyncBefore lets /trueup sync be asked for before the merge, too: of what
	// the branch has then.
	SyncBefore bool
	// TrustBranches has changes of who may push rendered with all that the agent
	// may read.
	TrustBranches bool
}

// key stands for the settings that a preview depends on.
func (s Settings) key() string {
	sum := sha256.Sum256(fmt.Append(nil, "1 ", s.FailOn, " ", s.TrustBranches))
	return hex.EncodeToString(sum[:6])
}

// Forks says what becomes of pull requests from forks.
type Forks string

// What may become of them. Restricted: without anything that is secret.
const (
	ForksRestricted Forks = "restricted"
	ForksAsk        Forks = "ask" // restricted, and only when somebody who may write asks for it
	ForksOff        Forks = "off"
)

// Repositories finds what is previewed.
type Repositories interface {
	// Previewed lists the repositories whose previews are switched on and can be
	// posted. The error tells of those that cannot; the others are listed.
	Previewed(ctx context.Context) ([]Repository, error)
	// Open reaches a repository's forge.
	Open(ctx context.Context, r Repository) (post.Repository, error)
}

// Previewer tries what merging would do.
type Previewer interface {
	// Base is the commit at the end of a branch, as it was last seen.
	Base(ctx context.Context, r Repository, branch string) (commit string, err error)
	Preview(ctx context.Context, r Repository, p post.Pull) (preview.Report, error)
}

// Applications are what runs.
type Applications interface {
	// Seen tells how an application stands to the commit that a merge made.
	Seen(ctx context.Context, m Merge, app follow.App) (follow.Seen, error)
	// Sync asks for a sync of an application that uses the repository.
	Sync(ctx context.Context, r Repository, app follow.App, by string) error
}

// Merge is a commit that a pull request became.
type Merge struct {
	Repository Repository
	Commit     string
	// Branch is the one that it is on.
	Branch string
}

// Pages keeps reports where people can read them.
type Pages interface {
	// Keep replaces the report of a pull request, and tells its URL; empty is
	// that pages are not served.
	Keep(repository string, pull int64, r preview.Report) (url string, err error)
}

// Metrics are told what happens; the zero value tells nobody.
type Metrics struct {
	// Previewed: a preview ended as "changed", "unchanged", "failed", "incomplete",
	// "risky", "superseded" or "panicked".
	Previewed func(result string, took time.Duration)
	// Commanded: somebody asked for something in a comment, and it was "done",
	// "refused" or "failed".
	Commanded func(verb, result string)
}

// Options of a Service. Zero values mean the defaults, but for the ports.
type Options struct {
	Repositories Repositories
	Previewer    Previewer
	Applications Applications
	Pages        Pages // nil serves none
	Notes        Notes // nil keeps none
	Metrics      Metrics
	// Instance tells several agents on one repository apart; "agent".
	Instance string
	// Interval is between questions for open pull requests; a minute.
	Interval time.Duration
	// Timeout bounds one preview; 5 minutes. Parallel is how many run at once; 2.
	Timeout  time.Duration
	Parallel int
	// Rebase is how long a preview stays when only the target branch moved; 10
	// minutes.
	Rebase time.Duration
	// Follow is how long a merge is followed; a day.
	Follow time.Duration
	Clock  post.Clock
	// Random gives numbers from 0 to 1, for jitter.
	Random func() float64
	Log    logr.Logger
}

// DefaultInstance is that of the only agent that previews a repository.
const DefaultInstance = "agent"
