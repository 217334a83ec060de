package post_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/preview/post"
)

const marker = "<!-- trueup:preview v1 instance=prod -->"

var (
	us    = post.Author{ID: "1", Name: "bot"}
	other = post.Author{ID: "2", Name: "eve"}
	at    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// forge is a pull request's discussion in memory.
type forge struct {
	mu       sync.Mutex
	comments []post.Comment
	statuses []post.Status
	traits   post.Traits
	me       post.Author
	writers  map[string]bool
	// fails answers instead of the next calls, in turn; nil lets one pass.
	fails []error
	// entered is told of each attempt to write; gate lets it go on.
	entered, gate chan struct{}
	calls         []string
}

func newForge(comments ...post.Comment) *forge {
	return &forge{comments: comments, traits: post.Traits{HTML: true}, me: us, writers: map[string]bool{}}
}

func (f *forge) repository() post.Repository {
	return post.Repository{Comments: f, Accounts: f, Statuses: f, Traits: func(context.Context) post.Traits { return f.traits }}
}

func (f *forge) call(what string, write bool) error {
	if write && f.gate != nil {
		f.entered <- struct{}{}
		<-f.gate
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, what)
	if len(f.fails) == 0 {
		return nil
	}
	err := f.fails[0]
	f.fails = f.fails[1:]
	return err
}

func (f *forge) List(_ context.Context, _ int64, since time.Time) ([]post.Comment, error) {
	if err := f.call("list", false); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]post.Comment(nil), f.comments...), nil
}

func (f *forge) Create(_ context.Context, _ int64, body string) (string, error) {
	if err := f.call("create", true); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id := fmt.Sprint(100 + len(f.comments))
	f.comments = append(f.comments, post.Comment{ID: id, Author: f.me, Body: body, Created: at.Add(time.Hour)})
	return id, nil
}

func (f *forge) Edit(_ context.Context, _ int64, id, body string) error {
	if err := f.call("edit "+id, true); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.comments {
		if f.comments[i].ID == id {
			f.comments[i].Body = body
			return nil
		}
	}
	return fault.New(fault.Missing, "it is gone")
}

func (f *forge) Me(context.Context) (post.Author, error) { return f.me, nil }

func (f *forge) MayWrite(_ context.Context, who post.Author) (bool, error) {
	if may, ok := f.writers[who.Name]; ok {
		return may, nil
	}
	return false, fault.New(fault.Denied, "it does not say")
}

func (f *forge) SetStatus(_ context.Context, _ int64, _ string, s post.Status) error {
	if err := f.call("status "+string(s.State), true); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.statuses = append(f.statuses, s)
	return nil
}

// clock goes on when somebody waits.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	waits []time.Duration
}

func (c *clock) clock() post.Clock {
	return post.Clock{
		Now: func() time.Time {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.now
		},
		Wait: func(ctx context.Context, d time.Duration) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.now = c.now.Add(d)
			c.waits = append(c.waits, d)
			return ctx.Err()
		},
	}
}

func TestOneComment(t *testing.T) {
	t.Parallel()
	comment := func(id string, who post.Author, body string, hours int) post.Comment {
		return post.Comment{ID: id, Author: who, Body: body, Created: at.Add(time.Duration(hours) * time.Hour)}
	}
	body := marker + "\n### Preview: one\n"
	for name, tc := range map[string]struct {
		there []post.Comment
		me    post.Author
		fails []error
		want  post.Outcome
		calls []string
	}{
		"none yet":                    {nil, us, nil, post.Created, []string{"list", "create"}},
		"ours, with another text":     {[]post.Comment{comment("7", us, marker+"\nold", 0)}, us, nil, post.Edited, []string{"list", "edit 7"}},
		"ours, with the same text":    {[]post.Comment{comment("7", us, strings.ReplaceAll(body, "\n", "\r\n")+"\n", 0)}, us, nil, post.Unchanged, []string{"list"}},
		"a copy of the marker":        {[]post.Comment{comment("7", other, marker+"\nold", 0)}, us, nil, post.Created, []string{"list", "create"}},
		"ours without the marker":     {[]post.Comment{comment("7", us, "see\n"+marker, 0)}, us, nil, post.Created, []string{"list", "create"}},
		"of another instance":         {[]post.Comment{comment("7", us, "<!-- trueup:preview v1 instance=test -->\n", 0)}, us, nil, post.Created, []string{"list", "create"}},
		"two of ours: the oldest":     {[]post.Comment{comment("9", us, marker+"\nb", 2), comment("10", us, marker+"\na", 1)}, us, nil, post.Edited, []string{"list", "edit 10"}},
		"two at once: the lower id":   {[]post.Comment{comment("10", us, marker+"\nb", 1), comment("9", us, marker+"\na", 1)}, us, nil, post.Edited, []string{"list", "edit 9"}},
		"deleted while we looked":     {[]post.Comment{comment("7", us, marker+"\nold", 0)}, us, []error{nil, fault.New(fault.Missing, "gone")}, post.Created, []string{"list", "edit 7", "create"}},
		"the author is known by name": {[]post.Comment{comment("7", post.Author{ID: "41", Name: "Actions[bot]"}, marker+"\nold", 0)}, post.Author{Name: "actions[bot]"}, nil, post.Edited, []string{"list", "edit 7"}},
		"a user without id or name":   {[]post.Comment{comment("7", post.Author{}, marker+"\nold", 0)}, post.Author{Name: "x"}, nil, post.Created, []string{"list", "create"}},
		"tried again, and looked":     {nil, us, []error{nil, fault.New(fault.Transient, "timeout")}, post.Created, []string{"list", "create", "list", "create"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newForge(tc.there...)
			f.me, f.fails = tc.me, tc.fails
			c := &clock{now: at}
			got, err := post.NewPoster(f.repository(), post.Options{Clock: c.clock()}).Comment(t.Context(), 4, body)
			if err != nil || got != tc.want {
				t.Errorf("got %s, %v, want %s", got, err, tc.want)
			}
			if diff := cmp.Diff(tc.calls, f.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCommentsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		me   post.Author
		text string
	}{
		"no marker":         {"### Preview", us, "comment on the pull request 4: the text has no marker"},
		"somebody else's":   {"<!-- other:preview -->\n", us, "has no marker"},
		"nobody that is us": {marker, post.Author{}, "the forge names nobody"},
	} {
		f := newForge()
		f.me = tc.me
		c := &clock{now: at}
		if _, err := post.NewPoster(f.repository(), post.Options{Clock: c.clock()}).Comment(t.Context(), 4, tc.body); err == nil || !strings.Contains(err.Error(), tc.text) || len(f.comments) > 0 {
			t.Errorf("%s: %v, %d comments", name, err, len(f.comments))
		}
	}
}

// TestTries: what fails for a while is tried again within bounds, when the
// forge says; the rest is not.
func TestTries(t *testing.T) {
	t.Parallel()
	busy := fault.New(fault.Transient, "busy")
	later := func(d time.Duration) error { return fault.Later(at.Add(d), errors.New("slow down")) }
	for name, tc := range map[string]struct {
		fails []error
		waits []time.Duration
		kind  fault.Kind
	}{
		"twice":                {[]error{busy, busy}, []time.Duration{time.Second, 2 * time.Second}, ""},
		"when the forge says":  {[]error{later(40 * time.Second)}, []time.Duration{40 * time.Second}, ""},
		"a time that is over":  {[]error{later(-time.Hour)}, []time.Duration{0}, ""},
		"too late for us":      {[]error{later(time.Hour)}, nil, fault.Transient},
		"again and again":      {[]error{busy, busy, busy, busy, busy}, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}, fault.Transient},
		"what stays forbidden": {[]error{fault.New(fault.Denied, "no")}, nil, fault.Denied},
		"a body that is wrong": {[]error{fault.New(fault.Invalid, "no")}, nil, fault.Invalid},
		"edited by another":    {[]error{fault.New(fault.Conflict, "version")}, []time.Duration{time.Second}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, c := newForge(), &clock{now: at}
			f.fails = tc.fails
			_, err := post.NewPoster(f.repository(), post.Options{Clock: c.clock()}).Status(t.Context(), 4, "0123456789", post.Status{State: post.Success})
			if fault.Of(err) != tc.kind {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(tc.waits, c.waits); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
			if err == nil && (len(f.statuses) != 1 || f.statuses[0].Context != "trueup/preview") {
				t.Errorf("statuses %v", f.statuses)
			}
		})
	}
}

// TestNewestWins: while one comment is written, of those that come only the
// last is.
func TestNewestWins(t *testing.T) {
	t.Parallel()
	f := newForge()
	f.entered, f.gate = make(chan struct{}), make(chan struct{})
	c := &clock{now: at}
	p := post.NewPoster(f.repository(), post.Options{Clock: c.clock()})
	type done struct {
		outcome post.Outcome
		err     error
	}
	write := func(pull int64, text string) chan done {
		out := make(chan done, 1)
		go func() {
			o, err := p.Comment(t.Context(), pull, marker+"\n"+text)
			out <- done{o, err}
		}()
		return out
	}
	first := write(4, "first")
	<-f.entered
	var waiting []chan done
	for i := range 5 {
		waiting = append(waiting, write(4, fmt.Sprint("waiting ", i)))
	}
	await(t, func() bool { return p.Waiting(4) == 6 })
	last := write(4, "last")
	await(t, func() bool { return p.Waiting(4) == 7 })
	f.gate <- struct{}{} // the first goes on
	<-f.entered          // the last edits
	f.gate <- struct{}{}
	if d := <-first; d.err != nil || d.outcome != post.Created {
		t.Errorf("the first: %v", d)
	}
	if d := <-last; d.err != nil || d.outcome != post.Edited {
		t.Errorf("the last: %v", d)
	}
	for _, w := range waiting {
		if d := <-w; d.err != nil || d.outcome != post.Superseded {
			t.Errorf("one that waited: %v", d)
		}
	}
	if len(f.comments) != 1 || f.comments[0].Body != marker+"\nlast" {
		t.Errorf("comments %v", f.comments)
	}
	if n := p.Waiting(4); n != 0 {
		t.Errorf("%d are still known", n)
	}
}

// TestNewerStopsRetries: what waits to be tried again gives way.
func TestNewerStopsRetries(t *testing.T) {
	t.Parallel()
	f := newForge()
	f.fails = []error{fault.New(fault.Transient, "busy")}
	c := &clock{now: at}
	var p *post.Poster
	waiting, newer := make(chan struct{}), make(chan struct{})
	cl := c.clock()
	cl.Wait = func(context.Context, time.Duration) error {
		close(waiting)
		<-newer
		return nil
	}
	p = post.NewPoster(f.repository(), post.Options{Clock: cl})
	out := make(chan post.Outcome, 2)
	go func() {
		o, _ := p.Comment(t.Context(), 4, marker+"\nold")
		out <- o
	}()
	<-waiting
	go func() {
		o, _ := p.Comment(t.Context(), 4, marker+"\nnew")
		out <- o
	}()
	await(t, func() bool { return p.Waiting(4) == 2 })
	close(newer)
	got := map[post.Outcome]bool{<-out: true, <-out: true}
	if diff := cmp.Diff(map[post.Outcome]bool{post.Superseded: true, post.Created: true}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(f.comments) != 1 || f.comments[0].Body != marker+"\nnew" {
		t.Errorf("comments %v", f.comments)
	}
}

// TestStopped: who waits for its turn ends with its context.
func TestStopped(t *testing.T) {
	t.Parallel()
	f := newForge()
	f.entered, f.gate = make(chan struct{}), make(chan struct{})
	p := post.NewPoster(f.repository(), post.Options{})
	first := make(chan error, 1)
	go func() {
		_, err := p.Comment(t.Context(), 4, marker+"\nfirst")
		first <- err
	}()
	<-f.entered
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() {
		_, err := p.Comment(ctx, 4, marker+"\nsecond")
		second <- err
	}()
	await(t, func() bool { return p.Waiting(4) == 2 })
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("the second: %v", err)
	}
	f.gate <- struct{}{}
	if err := <-first; err != nil {
		t.Errorf("the first, after a later one gave up: %v", err)
	}
}

// TestTheNewestGivesUp: what it kept waiting is written then.
func TestTheNewestGivesUp(t *testing.T) {
	t.Parallel()
	f := newForge()
	f.entered, f.gate = make(chan struct{}), make(chan struct{})
	p := post.NewPoster(f.repository(), post.Options{})
	write := func(ctx context.Context, text string) chan post.Outcome {
		out := make(chan post.Outcome, 1)
		go func() {
			o, _ := p.Comment(ctx, 4, marker+"\n"+text)
			out <- o
		}()
		return out
	}
	first := write(t.Context(), "first")
	<-f.entered
	second := write(t.Context(), "second")
	await(t, func() bool { return p.Waiting(4) == 2 })
	ctx, cancel := context.WithCancel(t.Context())
	third := write(ctx, "third")
	await(t, func() bool { return p.Waiting(4) == 3 })
	cancel()
	<-third
	f.gate <- struct{}{}
	<-f.entered
	f.gate <- struct{}{}
	if a, b := <-first, <-second; a != post.Created || b != post.Edited || f.comments[0].Body != marker+"\nsecond" {
		t.Errorf("the first %s, the second %s, %v", a, b, f.comments)
	}
}

func await(t *testing.T, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-t.Context().Done():
			t.Fatal("it does not come")
		case <-tick.C:
		}
	}
}

// TestPace holds that no window has more than what GitHub takes.
func TestPace(t *testing.T) {
	t.Parallel()
	c := &clock{now: at}
	p := post.NewPace(c.clock())
	var times []time.Time
	for range 900 {
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		times = append(times, c.now)
	}
	for _, w := range []struct {
		window time.Duration
		most   int
	}{{time.Minute, 80}, {time.Hour, 500}} {
		worst := 0
		for i, from := range times {
			n := 0
			for _, at := range times[i:] {
				if at.Sub(from) < w.window {
					n++
				}
			}
			worst = max(worst, n)
		}
		if worst > w.most || worst < w.most/2 {
			t.Errorf("%d in %v, want at most %d and not far less", worst, w.window, w.most)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}
