package previews_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/follow"
	"github.com/trueup-dev/trueup/preview/post"
	"github.com/trueup-dev/trueup/preview/risk"
)

const repository = "git.example.com/shop/config"

var (
	bot = post.Author{ID: "1", Name: "bot"}
	ana = post.Author{ID: "2", Name: "ana"}
	eve = post.Author{ID: "3", Name: "eve"}
)

// world is a forge with one repository, what is tried, and what runs.
type world struct {
	t *testing.T

	mu       sync.Mutex
	settings previews.Settings
	pulls    map[int64]post.Pull
	comments map[int64][]post.Comment
	statuses []string
	deployed []string
	synced   []string
	ended    map[string]int
	last     int
	base     string
	now      time.Time
	writers  []post.Author // beside ana
	seen     follow.Seen
	// try previews; nil is a change of one application.
	try func(ctx context.Context, p post.Pull) (preview.Report, error)
	// syncing is called first when a sync is asked for; nil is not.
	syncing func(ctx context.Context, app follow.App) error
	// edited is called when a comment was edited; nil is not.
	edited func(ctx context.Context, body string)
}

func newWorld(t *testing.T) *world {
	return &world{
		t: t, settings: previews.Settings{FailOn: risk.Off, Forks: previews.ForksRestricted}, pulls: map[int64]post.Pull{}, comments: map[int64][]post.Comment{},
		ended: map[string]int{}, base: "base1", now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
}

// start runs a service until the test ends, or until it is told to stop.
func (w *world) start(change ...func(*previews.Options)) (*previews.Service, func()) {
	o := previews.Options{
		Repositories: w, Previewer: w, Applications: w, Interval: time.Hour, Log: logr.Discard(), Random: func() float64 { return 0 },
		Metrics: previews.Metrics{Previewed: func(result string, _ time.Duration) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.ended[result]++
		}},
	}
	for _, c := range change {
		c(&o)
	}
	s := previews.New(o)
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Start(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				w.t.Error(err)
			}
		})
	}
	w.t.Cleanup(stop)
	return s, stop
}

func (w *world) Previewed(context.Context) ([]previews.Repository, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []previews.Repository{{Name: repository, URLs: []string{"https://" + repository}, Settings: w.settings}}, nil
}

func (w *world) List(_ context.Context, pull int64, since time.Time) ([]post.Comment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []post.Comment
	for _, c := range w.comments[pull] {
		if !c.Created.Before(since) {
			out = append(out, c)
		}
	}
	return out, nil
}

func (w *world) say(pull int64, who post.Author, body string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	id := fmt.Sprint(w.last)
	w.comments[pull] = append(w.comments[pull], post.Comment{ID: id, Author: who, Body: body, Created: w.now})
	return id
}

func (w *world) Create(_ context.Context, pull int64, body string) (string, error) {
	return w.say(pull, bot, body), nil
}

func (w *world) Edit(ctx context.Context, pull int64, id, body string) error {
	if w.edited != nil {
		defer w.edited(ctx, body)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.comments[pull] {
		if w.comments[pull][i].ID == id {
			w.comments[pull][i].Body = body
			return nil
		}
	}
	return fault.New(fault.Missing, "it is gone")
}

func (w *world) Me(context.Context) (post.Author, error) { return bot, nil }

func (w *world) MayWrite(_ context.Context, who post.Author) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return who == ana || slices.Contains(w.writers, who), nil
}

func (w *world) SetStatus(_ context.Context, _ int64, commit string, s post.Status) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statuses = append(w.statuses, fmt.Sprintf("%s %s %s: %s", commit, s.Context, s.State, s.Description))
	return nil
}

func (w *world) Deploy(_ context.Context, d post.Deployment) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deployed = append(w.deployed, fmt.Sprintf("%s %s %s", d.Environment, d.Commit, d.State))
	return nil
}

// forge adds Open of pull requests, whose name Open of repositories has.
type forge struct{ *world }

func (f forge) Open(context.Context) ([]post.Pull, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []post.Pull
	for _, p := range f.pulls {
		if p.State == post.Open {
			out = append(out, p)
		}
	}
	return out, nil
}

func (w *world) Pull(_ context.Context, number int64) (post.Pull, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.pulls[number]
	if !ok {
		return p, fault.New(fault.Missing, "there is no such pull request")
	}
	return p, nil
}

func (w *world) Open(context.Context, previews.Repository) (post.Repository, error) {
	r := post.Repository{Comments: w, Accounts: w, Statuses: w, Pulls: forge{w}, Deployments: w}
	r.Traits = func(context.Context) post.Traits { return post.Traits{HTML: true, Limit: 60_000} }
	return r, nil
}

func (w *world) Base(context.Context, previews.Repository, string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.base, nil
}

func (w *world) Preview(ctx context.Context, _ previews.Repository, p post.Pull) (preview.Report, error) {
	w.mu.Lock()
	try, base := w.try, w.base
	w.mu.Unlock()
	if try != nil {
		return try(ctx, p)
	}
	return changed(p, base), nil
}

func changed(p post.Pull, base string) preview.Report {
	o := preview.Object{Kind: "ConfigMap", Name: "shop", Action: preview.Update, Fields: []preview.Field{{Path: "data.step", Before: "one", After: p.Head}}}
	return preview.Report{
		Base: base, Head: p.Head, Total: 3, Rendered: 1,
		Apps:     []preview.App{{Namespace: "trueup", Name: "web", Cluster: "eu", Action: preview.Update, Objects: []preview.Object{o}}},
		Sections: []preview.Section{{Change: "x", Targets: []preview.Target{{Application: "web", Cluster: "eu"}}, Objects: []preview.Object{o}}},
	}
}

func (w *world) Seen(context.Context, previews.Merge, follow.App) (follow.Seen, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen, nil
}

func (w *world) Sync(ctx context.Context, _ previews.Repository, app follow.App, by string) error {
	if w.syncing != nil {
		if err := w.syncing(ctx, app); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.synced = append(w.synced, app.Name+" by "+by)
	if app.Name == "broken" {
		return errors.New("it is broken")
	}
	return nil
}

// set changes a pull request and tells of it.
func (w *world) set(s *previews.Service, p post.Pull) {
	w.put(p)
	w.until("the repository is known", func() bool { return s.Told([]string{repository}, p.Number, p.Head) == 1 })
}

// put changes a pull request, and with it says something in its discussion, so
// that nobody sees one without the other.
func (w *world) put(p post.Pull, said ...post.Comment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.Target == "" {
		p.Target = "main"
	}
	if p.State == "" {
		p.State = post.Open
	}
	w.pulls[p.Number] = p
	w.comments[p.Number] = append(w.comments[p.Number], said...)
}

func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-deadline.C:
			w.mu.Lock()
			defer w.mu.Unlock()
			w.t.Fatalf("it does not come: %s\ncomments %+v\nstatuses %q", what, w.comments, w.statuses)
		case <-tick.C:
		}
	}
}

// says waits for a comment of bot's with all parts.
func (w *world) says(pull int64, parts ...string) string {
	w.t.Helper()
	body := ""
	w.until(fmt.Sprint(parts), func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, c := range w.comments[pull] {
			all := c.Author == bot
			for _, part := range parts {
				all = all && strings.Contains(c.Body, part)
			}
			if all {
				body = c.Body
				return true
			}
		}
		return false
	})
	return body
}

func (w *world) count(of func() int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return of()
}

// TestNewerHeadStopsThePreview: it ends, nothing of it is posted, and the newer
// one is previewed. Closing stops it, too.
func TestNewerHeadStopsThePreview(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	began, ended := make(chan string, 10), make(chan string, 10)
	w.try = func(ctx context.Context, p post.Pull) (preview.Report, error) {
		began <- p.Head
		if p.Head == "two" {
			return changed(p, "base1"), nil
		}
		<-ctx.Done()
		ended <- p.Head
		return preview.Report{}, ctx.Err()
	}
	s, _ := w.start()
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.says(4, "looking for applications")
	if head := <-began; head != "one" {
		t.Fatal(head)
	}
	w.set(s, post.Pull{Number: 4, Head: "two"})
	if head := <-ended; head != "one" {
		t.Errorf("%s was stopped", head)
	}
	w.says(4, "1 of 3 applications changes", "+ data.step: two")
	w.set(s, post.Pull{Number: 4, Head: "three"})
	w.says(4, "looking for applications")
	for head := range began {
		if head == "three" {
			break
		}
	}
	w.set(s, post.Pull{Number: 4, Head: "three", State: post.Closed})
	if head := <-ended; head != "three" {
		t.Errorf("%s was stopped", head)
	}
	w.until("both count as stopped", func() bool { return w.count(func() int { return w.ended["superseded"] }) == 2 })
	for _, c := range w.comments[4] {
		if strings.Contains(c.Body, "it failed") {
			t.Errorf("a stopped preview is told as failed: %s", c.Body)
		}
	}
}

// TestRestart: another agent finds what the comment has, and does nothing; with
// another setting, or head, it previews again.
func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, stop := w.start()
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.says(4, "+ data.step: one")
	w.until("the status is set", func() bool { return w.count(func() int { return len(w.statuses) }) == 2 })
	id := w.say(4, ana, "/trueup help")
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.says(4, "to="+id+" -->", "/trueup sync")
	stop()
	s, stop = w.start()
	w.set(s, post.Pull{Number: 4, Head: "one"})
	again := w.say(4, ana, "/trueup help")
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.says(4, "to="+again+" -->")
	if n := w.count(func() int { return w.ended["changed"] }); n != 1 {
		t.Errorf("previewed %d times", n)
	}
	if n := w.count(func() int { return len(w.comments[4]) }); n != 5 {
		t.Errorf("%d comments: %+v", n, w.comments[4])
	}
	stop()
	w.settings.FailOn = risk.Warning
	s, _ = w.start()
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.until("it is previewed under other settings", func() bool { return w.count(func() int { return w.ended["changed"] }) == 2 })
}

// TestCommands: who may not is told why, and each is carried out once.
func TestCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, _ := w.start()
	w.set(s, post.Pull{Number: 4, Head: "one", Fork: true, Author: eve})
	w.says(4, "+ data.step: one")
	ask := func(who post.Author, command string, parts ...string) {
		t.Helper()
		id := w.say(4, who, command)
		p, err := w.Pull(t.Context(), 4)
		if err != nil {
			t.Fatal(err)
		}
		w.set(s, p)
		w.says(4, append(parts, "to="+id+" -->")...)
	}
	ask(eve, "/trueup preview", "refused", "eve may not write")
	ask(ana, "/trueup preview", "previewing again")
	ask(ana, "/trueup sync", "refused", "not merged yet", "previewSync")
	ask(ana, "/trueup bogus", "these are the commands")
	w.until("it is previewed again", func() bool { return w.count(func() int { return w.ended["changed"] }) == 2 })
	w.says(4, "+ data.step: one")
	w.set(s, post.Pull{Number: 4, Head: "one", Merge: "m1", State: post.Merged})
	ask(ana, "/trueup sync db", "refused", "does not change db")
	ask(ana, "/trueup sync web", "a sync was asked for")
	ask(ana, "/trueup preview", "refused", "not open any more")
	if diff := cmp.Diff([]string{"web by ana (pull request 4)"}, w.synced); diff != "" {
		t.Errorf("synced (-want +got):\n%s", diff)
	}
}

// TestAfterTheMerge: the comment, the status of the merge and the deployment
// follow the application, and it ends there.
func TestAfterTheMerge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, _ := w.start()
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.until("the status is set", func() bool { return w.count(func() int { return len(w.statuses) }) == 2 })
	w.mu.Lock()
	w.seen = follow.Seen{Found: true, Automated: true}
	w.mu.Unlock()
	w.set(s, post.Pull{Number: 4, Head: "one", State: post.Merged, Merge: "m1"})
	w.says(4, "+ data.step: one", "### After the merge: 0 of 1 application applied", "web: ⏳ waiting")
	w.mu.Lock()
	w.seen = follow.Seen{Found: true, Automated: true, Contains: true, Synced: true, Health: "Healthy", Revision: "0457cce"}
	w.mu.Unlock()
	s.Moved("trueup", "other") // concerns nobody
	s.Moved("trueup", "web")
	w.says(4, "### After the merge: applied and healthy in 1 application", "**eu**", "web: ✅ applied and healthy at <code>0457cce</code>")
	want := []string{"eu m1 pending", "eu m1 success"}
	if diff := cmp.Diff(want, w.deployed); diff != "" {
		t.Errorf("deployments (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"one trueup/preview pending: looking for what changes", "one trueup/preview neutral: 1 of 3 applications changes: 1 update",
		"m1 trueup/applied pending: 0 of 1 application applied and healthy", "m1 trueup/applied success: applied and healthy in 1 application",
	}, w.statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

// TestGate: what fails the status, and what only counts.
func TestGate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*preview.Report)
		want   string
	}{
		"a change":          {func(*preview.Report) {}, "neutral"},
		"none":              {func(r *preview.Report) { r.Apps, r.Sections = nil, nil }, "success"},
		"a risk":            {func(r *preview.Report) { r.Risks = []risk.Finding{{Rule: "delete", Severity: risk.Critical}} }, "failure"},
		"a lesser risk":     {func(r *preview.Report) { r.Risks = []risk.Finding{{Rule: "image", Severity: risk.Notice}} }, "neutral"},
		"it breaks one":     {func(r *preview.Report) { r.Apps[0].Problem = &preview.Problem{Message: "x"} }, "failure"},
		"it was broken":     {func(r *preview.Report) { r.Apps[0].Problem = &preview.Problem{Message: "x", Before: true} }, "neutral"},
		"it mends one":      {func(r *preview.Report) { r.Apps[0].Problem = &preview.Problem{Message: "x", Only: true} }, "neutral"},
		"it mends a set":    {func(r *preview.Report) { r.Problems = []preview.Problem{{Message: "x", Only: true}} }, "neutral"},
		"a set is broken":   {func(r *preview.Report) { r.Problems = []preview.Problem{{Message: "x"}} }, "failure"},
		"a set was already": {func(r *preview.Report) { r.Problems = []preview.Problem{{Message: "x", Before: true}} }, "neutral"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.settings.FailOn = risk.Warning
			w.try = func(_ context.Context, p post.Pull) (preview.Report, error) {
				r := changed(p, "base1")
				tc.change(&r)
				return r, nil
			}
			s, _ := w.start()
			w.set(s, post.Pull{Number: 4, Head: "one"})
			w.until(tc.want, func() bool {
				w.mu.Lock()
				defer w.mu.Unlock()
				return len(w.statuses) == 2 && strings.HasPrefix(w.statuses[1], "one trueup/preview "+tc.want+": ")
			})
		})
	}
}

// TestFailures: a panic, an error and a preview without end are told, and keep
// nobody else waiting.
func TestFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.try = func(ctx context.Context, p post.Pull) (preview.Report, error) {
		switch p.Number {
		case 1:
			panic("at the disco")
		case 2:
			return preview.Report{}, fault.New(fault.Invalid, "no <b>commit</b> in common")
		case 3:
			<-ctx.Done()
			return preview.Report{}, ctx.Err()
		}
		return changed(p, "base1"), nil
	}
	s, _ := w.start(func(o *previews.Options) { o.Timeout, o.Parallel = 30*time.Millisecond, 1 })
	for pull := range int64(4) {
		w.set(s, post.Pull{Number: pull + 1, Head: fmt.Sprint("head", pull)})
	}
	w.says(2, "it failed", "no &#60;b&#62;commit")
	w.says(3, "it failed", "it took longer than 30ms")
	w.says(4, "+ data.step: head3")
	w.until("the panic is counted", func() bool { return w.count(func() int { return w.ended["panicked"] }) >= 1 })
}

// TestForksThatAreAskedFor waits for somebody who may write.
func TestForksThatAreAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings.Forks = previews.ForksAsk
	s, _ := w.start()
	w.set(s, post.Pull{Number: 4, Head: "one", Fork: true, Author: eve})
	w.says(4, "it waits to be asked for")
	id := w.say(4, eve, "/trueup preview")
	w.set(s, post.Pull{Number: 4, Head: "one", Fork: true, Author: eve})
	w.says(4, "refused", "to="+id+" -->")
	w.say(4, ana, "/trueup preview")
	w.set(s, post.Pull{Number: 4, Head: "one", Fork: true, Author: eve})
	w.says(4, "+ data.step: one")
	w.set(s, post.Pull{Number: 4, Head: "two", Fork: true, Author: eve})
	w.says(4, "it waits to be asked for", "<code>two</code>")
	if n := w.count(func() int { return w.ended["changed"] }); n != 1 {
		t.Errorf("previewed %d times", n)
	}
}

// TestFoundByAsking: without webhooks, open pull requests are asked for, and
// those that are open no more are seen, too.
func TestFoundByAsking(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pulls[4] = post.Pull{Number: 4, Head: "one", Target: "main", State: post.Open}
	w.start(func(o *previews.Options) { o.Interval = 5 * time.Millisecond })
	w.says(4, "+ data.step: one")
	w.mu.Lock()
	w.pulls[4] = post.Pull{Number: 4, Head: "two", Target: "main", State: post.Open}
	w.mu.Unlock()
	w.says(4, "+ data.step: two")
	w.mu.Lock()
	w.seen = follow.Seen{Found: true, Contains: true, Synced: true, Health: "Healthy"}
	w.pulls[4] = post.Pull{Number: 4, Head: "two", Target: "main", State: post.Merged, Merge: "m1"}
	w.mu.Unlock()
	w.says(4, "### After the merge: applied and healthy")
}

// TestMergedWhileNobodyRan: an agent that comes back tells what became of it.
func TestMergedWhileNobodyRan(t *testing.T) {
	t.Parallel()
	w, notes := newWorld(t), previews.NoteFiles{Folder: t.TempDir()}
	noting := func(o *previews.Options) { o.Notes = notes }
	s, stop := w.start(noting)
	w.set(s, post.Pull{Number: 4, Head: "one"})
	w.says(4, "+ data.step: one")
	stop()
	w.seen = follow.Seen{Found: true, Contains: true, Synced: true, Health: "Healthy"}
	w.pulls[4] = post.Pull{Number: 4, Head: "one", Target: "main", State: post.Merged, Merge: "m1"}
	w.start(noting)
	w.says(4, "### After the merge: applied and healthy")
	w.until("it is not noted any more", func() bool {
		left, err := notes.Noted(repository)
		return err == nil && len(left) == 0
	})
}
